"""Makes files of the shapes that public sets of tasks have, each set beside its definition of docs/formats.md."""

import csv
import json
import re
from pathlib import Path
from typing import Any

from harness.own_task.own_task import OwnTask, load_own_tasks

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/formats.md").read_text(encoding="utf-8")
DEFINITIONS = dict(re.findall(r"```toml file=(\w+)/\w+\.toml\n(.*?)```", PAGE, re.DOTALL))
SOLVED = "She has 3 * {n} = <<3*{n}={m}>>{m} coins.\n#### {m}"

TEA = {
    "name": "tea.brew",
    "description": "Brew tea",
    "parameters": {
        "type": "dict",
        "required": ["kind"],
        "properties": {
            "kind": {"type": "string", "description": "Kind of tea."},
            "litres": {"type": "float"},
            "extras": {"type": "dict", "properties": {"milk": {"type": "string"}, "sugar": {"type": "integer"}}},
        },
    },
}
TIMER = {
    "name": "set_timer",
    "parameters": {
        "type": "dict",
        "properties": {"minutes": {"type": "tuple", "items": {"type": "float"}}, "type": {"type": "any"}},
        "required": ["minutes"],
    },
}
BREW = {"tea.brew": {"kind": ["green", "Green tea"], "litres": [0.5, ""], "extras": ["", {"milk": ["oat", ""]}]}}
BFCL: dict[str, list[tuple[str, list[Any]]]] = {
    "multiple": [("Brew some green tea.", [BREW]), ("Wait 3 minutes.", [{"set_timer": {"minutes": [[3]]}}])],
    "parallel_multiple": [
        ("Brew green tea, and wait 3 and then 5 minutes.", [{"set_timer": {"minutes": [[3, 5]], "type": [""]}}, BREW])
    ],
    "irrelevance": [("Who won?", [])],
}


def lines(*records: Any) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def make(folder: Path) -> Path:
    """Write a folder for each format: the definition of docs/formats.md, and made-up data of the published shape."""
    for name, toml in DEFINITIONS.items():
        (folder / name).mkdir(parents=True)
        (folder / name / f"{name}.toml").write_text(toml, encoding="utf-8")
    for split, count in (("train", 12), ("test", 3)):
        problems = [
            {"question": f"{split}: three times {n} coins?", "answer": SOLVED.format(n=n, m=3 * n)}
            for n in range(1, count + 1)
        ]
        (folder / f"gsm8k/{split}.jsonl").write_text(lines(*problems), encoding="utf-8")
    prompts = [
        {
            "key": 1000,
            "prompt": "Name a tea. Do not use any commas.",
            "instruction_id_list": ["punctuation:no_comma", "keywords:existence"],
            "kwargs": [{}, {"keywords": ["tea"]}],
        },
        {
            "key": 1001,
            "prompt": "Say hello in all lowercase letters.",
            "instruction_id_list": ["change_case:english_lowercase"],
            "kwargs": [{"num_words": None}],
        },
    ]
    (folder / "ifeval/input_data.jsonl").write_text(lines(*prompts), encoding="utf-8")
    for split, count in (("dev", 5), ("test", 2)):
        (folder / "mmlu" / split).mkdir()
        for subject in ("astronomy", "world_religions"):
            with (folder / f"mmlu/{split}/{subject}_{split}.csv").open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows(
                    [f"{subject}, {split} {n}?", "one", 'two "quoted"', "three", "four", "ABCD"[n % 4]]
                    for n in range(count)
                )
    requests = {
        "train": [["pay my bill", "pay_bill"], ["what time is it", "time"]],
        "val": [],
        "test": [["please pay the gas bill", "pay_bill"], ["tell me the time", "time"]],
        "oos_train": [["who won", "oos"]],
        "oos_val": [],
        "oos_test": [["what do geese eat", "oos"]],
    }
    (folder / "clinc150/data_full.json").write_text(json.dumps(requests, indent=4), encoding="utf-8")
    make_bfcl(folder / "bfcl/data")
    return folder


def make_bfcl(data: Path) -> None:
    (data / "possible_answer").mkdir(parents=True)
    for category, questions in BFCL.items():
        name = f"BFCL_v4_{category}.json"
        asked = [
            {"id": f"{category}_{n}", "question": [[{"role": "user", "content": text}]], "function": [TEA, TIMER]}
            for n, (text, _) in enumerate(questions)
        ]
        (data / name).write_text(lines(*asked), encoding="utf-8")
        answers = [{"id": f"{category}_{n}", "ground_truth": truth} for n, (_, truth) in enumerate(questions) if truth]
        if answers:
            (data / "possible_answer" / name).write_text(lines(*answers), encoding="utf-8")


def load(folder: Path, name: str) -> OwnTask:
    (own,) = load_own_tasks(folder / name)
    return own
