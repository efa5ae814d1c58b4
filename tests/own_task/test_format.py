"""Public formats: made-up files of the published shapes, read as docs/formats.md says."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

from harness.errors import StoreError, TaskError
from harness.own_task.own_task import OwnTask, load_own_tasks
from harness.own_task.target import ideal_answer
from harness.task.tool_prompt import asked_text

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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make(tmp_path)


def load(folder: Path, name: str) -> OwnTask:
    (own,) = load_own_tasks(folder / name)
    return own


def test_the_page_has_a_definition_for_each_format_it_names() -> None:
    assert sorted(DEFINITIONS) == sorted(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))


def test_gsm8k_shows_eight_solutions_without_annotations_and_judges_the_number(folder: Path) -> None:
    own = load(folder, "gsm8k")
    assert (own.task.name, own.task.scorer.name, own.task.max_output_tokens) == ("gsm8k", "gsm8k", 512)
    prompt = own.rows.samples[0].prompt
    assert prompt.startswith(
        "Question: train: three times 1 coins?\nAnswer: She has 3 * 1 = 3 coins.\n#### 3\n\nQuestion: train: three"
    )
    assert prompt.count("####") == 8
    assert prompt.endswith("#### 24\n\nQuestion: test: three times 1 coins?\nAnswer:")
    assert own.task.scorer("3 * 1 = 3.\n#### 3", own.rows.samples[0].target).passed
    assert own.task.chance == pytest.approx(1 / 3)  # by the most frequent number


def test_gsm8k_without_its_training_set_says_what_to_do(folder: Path) -> None:
    (folder / "gsm8k/train.jsonl").unlink()
    with pytest.raises(StoreError) as caught:
        load(folder, "gsm8k")
    assert "train.jsonl does not exist: GSM8K is asked with 8 solved questions" in str(caught.value)
    with (folder / "gsm8k/gsm8k.toml").open("a") as file:
        file.write('prompt = "{question}"\nscorer = "number"\n')
    assert load(folder, "gsm8k").rows.samples[0].prompt == "test: three times 1 coins?"


def test_ifeval_asks_the_prompt_alone_and_reports_four_accuracies(folder: Path) -> None:
    own = load(folder, "ifeval")
    first, second = own.rows.samples
    assert (first.item_id, first.prompt) == ("ifeval-1000", "Name a tea. Do not use any commas.")
    answers = {first.item_id: "Earl Grey is a tea, I think.", second.item_id: "Sure!\nhello there"}
    judged = [(sample.target, own.task.scorer(answers[sample.item_id], sample.target)) for sample in (first, second)]
    assert [score.value for _, score in judged] == [0.0, 0.0]
    assert own.task.scorer.metrics(judged) == {  # type: ignore[attr-defined]
        "prompt_strict": 0.0,
        "instruction_strict": 1 / 3,
        "prompt_loose": 0.5,
        "instruction_loose": 2 / 3,
    }


def test_mmlu_shows_five_questions_of_the_same_subject(folder: Path) -> None:
    own = load(folder, "mmlu")
    assert len(own.rows.samples) == 4
    sample = own.rows.samples[-1]
    assert (sample.item_id, sample.stratum, sample.tags["subject"]) == (
        "mmlu-world_religions-2",
        *["world_religions"] * 2,
    )
    assert sample.prompt.startswith(
        "The following are multiple choice questions (with answers) about world religions.\n\n"
        'world_religions, dev 0?\nA. one\nB. two "quoted"\nC. three\nD. four\nAnswer: A\n\n'
    )
    assert "astronomy" not in sample.prompt
    assert sample.prompt.endswith('world_religions, test 1?\nA. one\nB. two "quoted"\nC. three\nD. four\nAnswer:')
    assert own.task.scorer("B", sample.target).passed
    assert own.task.scorer("B. two", sample.target).passed
    definition = folder / "mmlu/mmlu.toml"
    definition.write_text(DEFINITIONS["mmlu"].replace('"test"', '"test/astronomy_test.csv"'))
    assert {sample.stratum for sample in load(folder, "mmlu").rows.samples} == {"astronomy"}


def test_clinc150_offers_all_intents_and_reports_both_figures(folder: Path) -> None:
    own = load(folder, "clinc150")
    assert [(sample.stratum, sample.target["label"]) for sample in own.rows.samples] == [
        ("in scope", "pay_bill"),
        ("in scope", "time"),
        ("out of scope", "oos"),
    ]
    assert "Intents: pay_bill, time\n\nRequest: please pay the gas bill" in own.rows.samples[0].prompt
    assert own.rows.samples[0].target["labels"] == ["pay_bill", "time", "oos"]
    answers = ["pay_bill", "oos", "oos"]
    judged = [
        (sample.target, own.task.scorer(answer, sample.target))
        for sample, answer in zip(own.rows.samples, answers, strict=True)
    ]
    figures = own.task.scorer.metrics(judged)  # type: ignore[attr-defined]
    assert figures == {"in_scope_accuracy": 0.5, "out_of_scope_recall": 1.0}


@pytest.mark.parametrize(
    ("name", "file", "text", "said"),
    [
        ("gsm8k", "test.jsonl", '{"question": "x"}', "answer"),
        ("gsm8k", "test.jsonl", '{"question": "x", "answer": "no number"}', "a solution that ends in '#### 18'"),
        ("gsm8k", "train.jsonl", "[]", "expected at least 8 solved questions, got 0"),
        ("gsm8k", "train.jsonl", '{"question": "x"}\n' * 8, "expected objects with question and answer in its first 8"),
        ("ifeval", "input_data.jsonl", '{"key": 1, "prompt": "x"}', "instruction_id_list"),
        (
            "ifeval",
            "input_data.jsonl",
            '{"key": 1, "prompt": "x", "instruction_id_list": ["no:such"], "kwargs": [{}]}',
            "no:such",
        ),
        (
            "mmlu",
            "test/astronomy_test.csv",
            "question,A\n",
            "expected a question, four options and a letter, got 2 cells",
        ),
        ("mmlu", "dev/astronomy_dev.csv", "x\n", "astronomy_dev.csv:1: expected a question, four options"),
        ("clinc150", "data_full.json", "[]", "expected an object with the lists test and oos_test"),
        ("clinc150", "data_full.json", '{"test": [["x"]], "oos_test": []}', "expected a request and its intent"),
        ("clinc150", "data_full.json", "{", "expected JSON"),
    ],
)
def test_a_file_of_another_shape_is_named_with_what_was_expected(
    folder: Path, name: str, file: str, text: str, said: str
) -> None:
    (folder / name / file).write_text(text)
    with pytest.raises((StoreError, TaskError)) as caught:
        load(folder, name).task.samples(seed=0, limit=5)
    assert said in str(caught.value)
    assert Path(file).name in str(caught.value)


def test_bfcl_offers_the_functions_in_json_schema_and_judges_the_calls(folder: Path) -> None:
    own = load(folder, "bfcl")
    assert (own.task.name, own.task.scorer.name) == ("bfcl", "tool_calls")
    found = {sample.item_id: sample for sample in own.rows.samples}
    assert {name: sample.stratum for name, sample in found.items()} == {
        "bfcl-irrelevance_0": "irrelevance",
        "bfcl-multiple_0": "multiple",
        "bfcl-multiple_1": "multiple",
        "bfcl-parallel_multiple_0": "parallel_multiple",
    }
    sample = found["bfcl-multiple_0"]
    assert (sample.prompt, sample.tags["category"]) == ("Brew some green tea.", "multiple")
    tea, timer = sample.tools
    assert tea["parameters"]["type"] == "object"
    assert tea["parameters"]["properties"]["litres"] == {"type": "number"}
    assert tea["parameters"]["properties"]["extras"]["type"] == "object"
    assert timer["parameters"]["properties"]["minutes"] == {"type": "array", "items": {"type": "number"}}
    assert timer["parameters"]["properties"]["type"] == {}
    assert asked_text(sample).startswith("Functions:\ntea.brew(kind: string (Kind of tea.), litres?: number, ")
    assert sample.target["calls"] == [
        {
            "name": "tea.brew",
            "arguments": {"kind": ["green", "Green tea"], "litres": [0.5], "extras": [{"milk": ["oat", ""]}]},
            "optional": ["litres", "extras"],
        }
    ]
    assert own.task.chance == 0.25  # no call at all
    for sample in found.values():
        assert own.task.scorer(ideal_answer("tool_calls", sample.target) or "", sample.target).passed


@pytest.mark.parametrize(
    ("item", "answer", "is_right"),
    [
        ("multiple_0", [{"name": "tea.brew", "arguments": {"kind": "GREEN-tea"}}], True),
        ("multiple_0", [{"name": "tea.brew", "arguments": {"kind": "green", "extras": {}, "litres": 0.5}}], True),
        ("multiple_0", [{"name": "tea.brew", "arguments": {"kind": "green", "extras": {"milk": "soy"}}}], False),
        ("multiple_0", [{"name": "tea.brew", "arguments": {"kind": "green", "extras": {"sugar": 1}}}], False),
        ("multiple_0", [{"name": "tea.brew", "arguments": {"kind": "green", "litres": ""}}], False),
        ("multiple_0", [{"name": "brew", "arguments": {"kind": "green"}}], False),
        ("multiple_1", [{"name": "set_timer", "arguments": {"minutes": [3.0]}}], True),
        (
            "parallel_multiple_0",
            [
                {"name": "tea.brew", "arguments": {"kind": "green"}},
                {"name": "set_timer", "arguments": {"minutes": [3, 5], "type": ""}},
            ],
            True,
        ),
        ("parallel_multiple_0", [{"name": "tea.brew", "arguments": {"kind": "green"}}], False),
        ("irrelevance_0", [], True),
        ("irrelevance_0", "None of these functions tells who won.", True),
        ("irrelevance_0", [{"name": "set_timer", "arguments": {"minutes": [3]}}], False),
    ],
)
def test_bfcl_is_judged_as_its_authors_do(folder: Path, item: str, answer: Any, is_right: Any) -> None:
    own = load(folder, "bfcl")
    (sample,) = [sample for sample in own.rows.samples if sample.item_id == f"bfcl-{item}"]
    text = answer if isinstance(answer, str) else json.dumps(answer)
    assert own.task.scorer(text, sample.target).passed is is_right


def test_bfcl_reads_one_category_and_messages_with_roles(folder: Path) -> None:
    definition = folder / "bfcl/bfcl.toml"
    definition.write_text(DEFINITIONS["bfcl"].replace('"data"', '"data/BFCL_v4_multiple.json"'))
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Tea!"}]
    question = {"id": "multiple_0", "question": [messages], "function": TEA}
    (folder / "bfcl/data/BFCL_v4_multiple.json").write_text(lines(question))
    (sample,) = load(folder, "bfcl").rows.samples
    assert (sample.prompt, len(sample.tools)) == ("System: Be brief.\n\nUser: Tea!", 1)


def asked(**changed: Any) -> str:
    question = {"id": "multiple_0", "question": [[{"role": "user", "content": "x"}]], "function": [TEA]}
    return lines({**question, **changed})


def truth(*calls: Any, times: int = 1) -> str:
    return lines({"id": "multiple_0", "ground_truth": [*calls]}) * times


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("", "[1]\n", "BFCL_v4_multiple.json: element 1: expected a JSON object"),
        ("", "{\n", "multiple.json:1: expected a JSON object, got {"),
        ("", asked(id=7), "multiple.json:1: field id: expected a text such as 'multiple_0', got 7"),
        ("", asked(id="multiple_9"), "multiple.json:1: field id: there is no answer to multiple_9 in "),
        ("", asked() * 2, ""),
        ("", asked() + asked(function=[TEA, TIMER]), "multiple.json:2: field id: "),
        ("", asked(id="multi_turn_base_0"), "field id: the category multi_turn_base is not read"),
        ("", asked(id="simple_java_0"), "field id: the category simple_java is not read"),
        ("", asked(id="live_relevance_0-0-0"), "field id: the category live_relevance is not read"),
        ("", truth(BREW), "field question: this is an answer: name the file of questions beside the folder possible_"),
        ("", asked(question="x"), "field question: expected one turn of messages"),
        ("", asked(question=[[], []]), "field question: expected one turn of messages"),
        ("", asked(question=[["x"]]), "field question: expected one turn of messages"),
        ("", asked(function="x"), "field function: expected a list of functions with name and parameters, got 'x'"),
        ("", asked(function=["x"]), "field function: expected a function with name and parameters, got 'x'"),
        ("", asked(function=[TEA, TEA]), "field function: there are two functions tea.brew"),
        ("", asked(function=[{"name": "x", "parameters": 1}]), "field function: expected a function"),
        ("", asked(deep=json.loads("[" * 150 + "]" * 150)), "expected at most 100 levels of JSON"),
        ("possible_answer", None, "possible_answer/BFCL_v4_multiple.json does not exist: it has the right calls of"),
        ("possible_answer", "{}\n", "multiple.json:1: expected an object with id and ground_truth, got {}"),
        ("possible_answer", "x\n", "multiple.json:1: expected a JSON object, got x"),
        ("possible_answer", truth(BREW, times=2), "multiple.json:2: field id: "),
        ("possible_answer", lines({"id": "multiple_0", "ground_truth": "x"}), "field ground_truth: expected calls"),
        ("possible_answer", truth({"tea.brew": {"kind": "green"}}), "field ground_truth: expected calls such as"),
        ("possible_answer", truth({"tea.brew": {"kind": []}}), '"unit": ["C", ""]}}], got {\'kind\': []}'),
        ("possible_answer", truth({}), "possible_answer/BFCL_v4_multiple.json:1: field ground_truth: expected calls"),
        ("possible_answer", truth({"brew": {"kind": ["x"]}}), "brew is not a function of the question: tea.brew, set_"),
    ],
)
def test_bfcl_names_what_is_wrong_with_questions_and_answers(
    folder: Path, file: str, text: str | None, said: str
) -> None:
    path = folder / "bfcl/data" / file / "BFCL_v4_multiple.json"
    if text is None:
        path.unlink()
    else:
        path.write_text(text, encoding="utf-8")
    if not said:
        assert len(load(folder, "bfcl").repeated) == 1
        return
    with pytest.raises((StoreError, TaskError)) as caught:
        load(folder, "bfcl")
    assert said in str(caught.value)


def test_bfcl_reads_no_allowed_value_for_a_list_as_an_empty_list(folder: Path) -> None:
    """Two rows of live_simple (106-63-0, 112-68-0) say so for the labels that no text has."""
    path = folder / "bfcl/data/possible_answer/BFCL_v4_multiple.json"
    other = lines({"id": "multiple_1", "ground_truth": [{"set_timer": {"minutes": []}}]})
    path.write_text(truth(BREW) + other, encoding="utf-8")
    own = load(folder, "bfcl")
    (sample,) = [sample for sample in own.rows.samples if sample.item_id == "bfcl-multiple_1"]
    answers = ([{"name": "set_timer", "arguments": {"minutes": minutes}}] for minutes in ([], [3]))
    assert [own.task.scorer(json.dumps(answer), sample.target).passed for answer in answers] == [True, False]


def test_bfcl_names_all_files_of_a_folder_that_it_does_not_read(folder: Path) -> None:
    for category in ("memory", "live_relevance"):
        (folder / f"bfcl/data/BFCL_v4_{category}.json").write_text("{}")
    with pytest.raises(StoreError, match=r"data: not read: BFCL_v4_live_relevance\.json, BFCL_v4_memory\.json"):
        load(folder, "bfcl")


def test_bfcl_shows_defaults_and_the_choices_of_a_lists_elements(folder: Path) -> None:
    kinds = {"type": "array", "items": {"type": "string"}, "enum": ["green", "black"]}
    litres = {"type": "float", "default": 0.5}
    schema = {"type": "dict", "properties": {"kinds": kinds, "litres": litres}, "required": ["kinds"]}
    (folder / "bfcl/data/BFCL_v4_multiple.json").write_text(asked(function=[{"name": "brew", "parameters": schema}]))
    answer = truth({"brew": {"kinds": [["green"]], "litres": [0.5, ""]}})
    (folder / "bfcl/data/possible_answer/BFCL_v4_multiple.json").write_text(answer)
    (sample,) = [sample for sample in load(folder, "bfcl").rows.samples if sample.item_id == "bfcl-multiple_0"]
    assert asked_text(sample).startswith('Functions:\nbrew(kinds: ("green"|"black")[], litres?: number = 0.5)\n')


def test_bfcl_reads_a_type_that_is_a_list(folder: Path) -> None:
    tea = {"name": "tea.brew", "parameters": {"type": "dict", "properties": {"kind": {"type": ["string", "null"]}}}}
    (folder / "bfcl/data/BFCL_v4_multiple.json").write_text(asked(function=[tea]))
    (folder / "bfcl/data/possible_answer/BFCL_v4_multiple.json").write_text(truth({"tea.brew": {"kind": ["green"]}}))
    (sample,) = [sample for sample in load(folder, "bfcl").rows.samples if sample.item_id == "bfcl-multiple_0"]
    assert "kind?: string|null" in asked_text(sample)


def test_bfcl_reads_no_answers_outside_the_folder_of_the_definition(folder: Path) -> None:
    answers = folder / "bfcl/data/possible_answer/BFCL_v4_multiple.json"
    answers.rename(folder / "private.json")
    answers.symlink_to(folder / "private.json")
    with pytest.raises(TaskError, match=r"BFCL_v4_multiple\.json is outside"):
        load_own_tasks(folder / "bfcl")


def test_a_missing_dev_file_is_named(folder: Path) -> None:
    (folder / "mmlu/dev/astronomy_dev.csv").unlink()
    with pytest.raises(StoreError, match=r"dev/astronomy_dev\.csv does not exist: MMLU is asked with 5 answered"):
        load(folder, "mmlu")


@pytest.mark.parametrize("laid_out", ["definition within test", "dev file is a link"])
def test_no_format_reads_a_file_outside_the_folder_of_the_definition(folder: Path, laid_out: str) -> None:
    """The dev file is the format's own idea, so `data` alone says nothing about it."""
    definition = folder / "mmlu/mmlu.toml"
    if laid_out == "definition within test":
        text = definition.read_text(encoding="utf-8")
        definition = folder / "mmlu/test/mmlu.toml"
        definition.write_text(text.replace('"test"', '"astronomy_test.csv"'), encoding="utf-8")
    else:
        dev = folder / "mmlu/dev/astronomy_dev.csv"
        dev.rename(folder / "private.csv")
        dev.symlink_to(folder / "private.csv")
    with pytest.raises(TaskError, match=r"astronomy_dev\.csv is outside") as caught:
        load_own_tasks(definition)
    assert "such as both dev and test" in (caught.value.hint or "")
