"""`score` reads the files that people have: other targets, groups, null outputs, arrays, packed and piped files."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.domain.record import ScoreRecord
from harness.store.reader import read_run

FIRST = Path(__file__).parents[1] / "domain" / "first-version.jsonl"
Call = Callable[..., Any]
ROWS = [
    {"target": "billing", "output": "Billing.", "model": "a"},
    {"target": "login", "output": "It is billing.", "model": "a"},
    {"target": "login", "output": "login", "model": "b"},
]
LABELS = "--labels=billing, login"


def jsonl(*records: Any) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def cell(call: Call, file: Path, *words: str) -> Any:
    result = call("score", str(file), *words, "--json")
    assert result.code == 0, result.err
    (only,) = result.json["cells"]
    return only


def test_gsm8ks_own_gold_is_a_target_of_number(call: Call, tmp_path: Path) -> None:
    gold = "She eats 3 and bakes 4, so 16 - 3 - 4 = <<16-3-4=9>>9 are left.\nShe makes 9 * 2 = $<<9*2=18>>18.\n#### 18"
    file = tmp_path / "x.jsonl"
    file.write_bytes(jsonl({"target": gold, "output": "#### 18"}, {"target": "#### 1,234", "output": "It is 1234."}))
    assert cell(call, file, "--scorer=number")["passed"] == 2


@pytest.mark.parametrize("scorer", ["choice", "choices", "labels"])
def test_labels_make_a_target_of_a_plain_label(call: Call, tmp_path: Path, scorer: str) -> None:
    file = tmp_path / "x.jsonl"
    file.write_bytes(jsonl(*ROWS))
    found = cell(call, file, f"--scorer={scorer}", LABELS)
    assert (found["n"], found["passed"]) == (3, 2)


def test_labels_take_a_list_of_right_ones_and_numbers(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_bytes(jsonl({"target": ["billing", "login"], "output": "login, billing"}))
    assert cell(call, file, "--scorer=labels", LABELS + ",other")["passed"] == 1
    file.write_bytes(jsonl({"target": 1, "output": "1"}, {"target": "0", "output": "1"}))
    assert cell(call, file, "--scorer=choice", "--labels=0,1")["passed"] == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--scorer=labels", "--labels=billing,other"), "x.jsonl:2: field target: expected one of the labels billing"),
        (("--scorer=labels", "--labels=billing"), "expected at least two labels with commas between, got 'billing'"),
        (("--scorer=labels", "--labels=billing,,login"), "expected at least two labels"),
        (("--scorer=number", LABELS), "--labels is for the scorers choice, choices, labels, not for number"),
        (("--scorer=labels",), "Is the target only the right label? Then name all labels with --labels A,B,C."),
        (("--scorer=labels", LABELS, "--output-field=said"), "Name another field with --output-field."),
        (("--scorer=labels", LABELS, "--by=site"), "there is no field site; the fields are target, output, model"),
    ],
)
def test_wrong_labels_and_groups_are_named(call: Call, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    file = tmp_path / "x.jsonl"
    file.write_bytes(jsonl(*ROWS))
    result = call("score", str(file), *words)
    assert result.code == 2
    assert said in result.err


def test_by_prints_a_line_for_each_value(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_bytes(jsonl(*ROWS))
    words = ("score", str(file), "--scorer=labels", LABELS, "--by=model")
    cells = call(*words, "--json").json["cells"]
    assert [(cell["by"], cell["n"], cell["mean"]) for cell in cells] == [("a", 2, 0.5), ("b", 1, 1.0)]
    header, _, first, second, *_ = call(*words).out.splitlines()
    assert header.split()[:2] == ["model", "mean"]
    assert [first.split()[:2], second.split()[:2]] == [["a", "0.500"], ["b", "1.000"]]


def test_a_null_output_is_unscored_counted_and_named(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_bytes(jsonl({"target": 1, "output": "1"}, {"target": 1, "output": None}))
    found = cell(call, file, "--scorer=number")
    assert (found["n"], found["mean"], found["unscored"], found["unparsed"]) == (1, 1.0, 1, 0)
    assert "unscored: 1 without an output (line 2)" in call("score", str(file), "--scorer=number").out


@pytest.mark.parametrize("separator", [";", "\t", "|", ","])
def test_the_separator_of_a_csv_file_is_recognised(call: Call, tmp_path: Path, separator: str) -> None:
    file = tmp_path / "x.csv"
    file.write_text(separator.join(["n", "output", "target"]) + "\n" + separator.join(["1", '"a, b; c | d"', "7"]))
    assert cell(call, file, "--scorer=number")["unparsed"] == 1


def test_an_array_a_packed_file_and_standard_input_are_read_by_what_they_hold(call: Call, tmp_path: Path) -> None:
    csv_rows = b"target;output\nlogin;It is login\n"
    contents = {"lines": jsonl(*ROWS), "array": json.dumps(ROWS, indent=1).encode(), "csv": csv_rows}
    for name, content in contents.items():
        for form, data in (("", content), (".packed", gzip.compress(content))):
            file = tmp_path / (name + form)
            file.write_bytes(data)
            expected = cell(call, file, "--scorer=labels", LABELS)
            piped = call("score", "-", "--scorer=labels", LABELS, "--json", stdin=data)
            assert piped.code == 0, piped.err
            assert piped.json["cells"] == [expected]
            assert expected["passed"] == (1 if name == "csv" else 2)
    assert "standard input:1: field target" in call("score", "-", "--scorer=number", stdin=jsonl(ROWS[0])).err


def test_an_answer_may_contain_a_line_separator(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text('{"target": "a\u2028b", "output": "a\u2028b"}\n', encoding="utf-8")
    assert cell(call, file, "--scorer=exact")["passed"] == 1


def with_other_targets() -> bytes:
    """A run file whose first sample of classify has a target without a label."""
    lines = [json.loads(line) for line in FIRST.read_bytes().split(b"\n") if line]
    sample = next(line for line in lines if line["kind"] == "sample")
    sample["target"] = {"right": ["billing"], "labels": ["billing", "login"]}
    return jsonl(*lines)


def test_samples_of_a_run_without_the_target_field_are_left_out_and_counted(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    file.write_bytes(with_other_targets())
    words = ("score", str(file), "--scorer=exact", "--target-field=target.label", f"--out={tmp_path / 'out'}")
    result = call(*words, "--json")
    assert result.code == 0, result.err
    assert (result.json["lacking"], result.json["cells"][0]["n"]) == (1, 1)
    (tmp_path / "out").unlink()
    assert "left out: 1 sample without the field target.label" in call(*words).out
    none = call("score", str(file), "--scorer=exact", "--target-field=target.lable")
    assert none.code == 2
    assert "there is no field target.lable" in none.err


def test_a_null_that_a_run_file_leaves_out_is_read_as_if_it_stood_there(call: Call, tmp_path: Path) -> None:
    """A new sample lacks its fields that are null: nothing could be told apart by them any more."""
    whole, lean = tmp_path / "whole.jsonl", tmp_path / "lean.jsonl"
    whole.write_bytes(FIRST.read_bytes())
    records = map(json.loads, FIRST.read_bytes().splitlines())
    lean.write_bytes(jsonl(*({name: value for name, value in each.items() if value is not None} for each in records)))
    words = "--scorer=exact", "--target-field=target.label", "--by=error", "--json"
    found = [call("score", str(file), *words, f"--out={tmp_path / file.stem}") for file in (whole, lean)]
    assert [result.code for result in found] == [0, 0], found
    assert found[0].json["cells"] == found[1].json["cells"]
    assert found[0].json["cells"][0]["by"] == "null"


@pytest.mark.parametrize("way", ["packed", "piped"])
def test_a_packed_or_piped_run_file_is_scored_but_not_changed(call: Call, tmp_path: Path, way: str) -> None:
    file = tmp_path / "run.jsonl.gz"
    data = gzip.compress(FIRST.read_bytes())
    file.write_bytes(data)
    where = "-" if way == "piped" else str(file)
    words = ("score", where, "--scorer=exact", "--target-field=target.label")
    said = call(*words, stdin=data)
    assert said.code == 0, said.err
    assert "not written" in said.out
    assert file.read_bytes() == data
    out = tmp_path / "late.jsonl"
    assert call(*words, f"--out={out}", stdin=data).code == 0
    assert sum(isinstance(record, ScoreRecord) for record in read_run(out)) == 3


@pytest.mark.parametrize("length", [5, 14, 150])
def test_a_run_that_died_within_its_first_record_is_an_empty_run(call: Call, tmp_path: Path, length: int) -> None:
    file = tmp_path / "run.jsonl"
    file.write_bytes(FIRST.read_bytes()[:length])
    result = call("score", str(file), "--scorer=exact")
    assert result.code == 2
    assert "is an empty run: it died before its first record was written" in result.err


def test_the_paper_s_own_outputs_of_gsm8k_get_the_paper_s_judgement(call: Call, tmp_path: Path) -> None:
    # Made up, in the shape of example_model_solutions.jsonl: there, solutions end in "A: 18".
    gold = "He has 16 - 3 = <<16-3=13>>13 left.\nSo he gets 13,000 + 5,000 = $<<13000+5000=18000>>18,000.\nA: 18000"
    answers = {"A: 18,000": True, "A: 18000": True, "A: 18000.0": False, "So 18000": False, "A: -18000": False}
    file = tmp_path / "x.jsonl"
    rows = [
        {"ground_truth": gold, "6b": {"is_correct": is_correct, "solution": f"He has 13 left.\n{answer}"}}
        for answer, is_correct in answers.items()
    ]
    file.write_bytes(jsonl(*rows))
    out = tmp_path / "scores.jsonl"
    words = ("--scorer=gsm8k", "--target-field=ground_truth", "--output-field=6b.solution", f"--out={out}")
    found = cell(call, file, *words)
    assert (found["n"], found["passed"], found["unparsed"]) == (5, 2, 1)
    passed = [json.loads(line)["passed"] for line in out.read_text().splitlines()]
    assert passed == list(answers.values())


IFEVAL = [
    {"key": 1, "prompt": "a", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]},
    {
        "key": 2,
        "prompt": "b",
        "instruction_id_list": ["punctuation:no_comma", "keywords:existence"],
        "kwargs": [{}, {"keywords": ["tea"]}],
    },
]


def test_ifevals_outputs_are_scored_with_the_targets_of_its_input_file(call: Call, tmp_path: Path) -> None:
    file, targets = tmp_path / "responses.jsonl", tmp_path / "input_data.jsonl"
    file.write_bytes(jsonl({"prompt": "b", "response": "Sure, here.\nI like tea"}, {"prompt": "a", "response": "x"}))
    targets.write_bytes(jsonl(*IFEVAL))
    words = ("--scorer=ifeval", "--output-field=response", f"--targets={targets}", "--match=prompt", "--target-field=.")
    found = cell(call, file, *words)
    assert found["mean"] == 0.5
    assert found["metrics"] == {
        "prompt_strict": 0.5,
        "instruction_strict": 2 / 3,
        "prompt_loose": 1.0,
        "instruction_loose": 1.0,
    }
    assert (
        "all: prompt strict 0.500, instruction strict 0.667, prompt loose 1.000" in call("score", str(file), *words).out
    )
    # As lm-evaluation-harness logs its samples.
    file.write_bytes(jsonl({"doc": IFEVAL[0], "resps": [["no comma"]]}))
    assert cell(call, file, "--scorer=ifeval", "--target-field=doc", "--output-field=resps.0.0")["passed"] == 1


@pytest.mark.parametrize(
    ("targets", "words", "said"),
    [
        (IFEVAL, ("--targets={}",), "--targets and --match belong together"),
        (IFEVAL, ("--match=prompt",), "--targets and --match belong together"),
        (IFEVAL, ("--targets={}", "--match=name"), "there is no field name"),
        (IFEVAL[1:], ("--targets={}", "--match=prompt"), 'input_data.jsonl has no row with "a"'),
        ([*IFEVAL, IFEVAL[0]], ("--targets={}", "--match=prompt"), "field prompt: another row has the same"),
        (["x"], ("--targets={}", "--match=prompt"), "input_data.jsonl:1: expected a JSON object"),
    ],
)
def test_targets_that_do_not_match_are_named(
    call: Call, tmp_path: Path, targets: list[Any], words: tuple[str, ...], said: str
) -> None:
    file, other = tmp_path / "responses.jsonl", tmp_path / "input_data.jsonl"
    file.write_bytes(jsonl({"prompt": "a", "response": "x"}))
    other.write_bytes(jsonl(*targets))
    given = [word.format(other) for word in words]
    result = call("score", str(file), "--scorer=ifeval", "--output-field=response", "--target-field=.", *given)
    assert result.code == 2
    assert said in " ".join((result.out + result.err).split())
