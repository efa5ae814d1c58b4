"""`score` and `schema`: stored outputs judged without a server, late scores in run files, errors that name the line."""

import csv
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.clock import SystemClock
from harness.domain.kind import Kinds
from harness.domain.record import SampleRecord, ScoreRecord, SummaryRecord
from harness.run.recorder import Recorder
from harness.store.reader import read_run

FIRST = Path(__file__).parents[1] / "domain" / "first-version.jsonl"
Call = Callable[..., Any]


def lines(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    path = tmp_path / "run.jsonl"
    path.write_bytes(FIRST.read_bytes())
    return path


def test_jsonl_of_anybody_is_scored_and_summed_up(call: Call, tmp_path: Path) -> None:
    file = lines(
        tmp_path / "graded.jsonl",
        {"doc": {"answer": "4"}, "resps": [["The answer is 4."]], "n": "a"},
        {"doc": {"answer": "5"}, "resps": [["It is 6."]], "n": "b"},
        {"doc": {"answer": "7"}, "resps": [["I do not know."]], "n": "c"},
    )
    out = tmp_path / "scores.jsonl"
    result = call(
        "score",
        str(file),
        "--scorer=number",
        "--target-field=doc.answer",
        "--output-field=resps.0.0",
        "--id-field=n",
        f"--out={out}",
        "--json",
    )
    assert result.code == 0, result.err
    (cell,) = result.json["cells"]
    assert (cell["n"], cell["passed"], cell["unparsed"], cell["unscored"]) == (3, 1, 1, 0)
    assert (cell["mean"], cell["interval"]) == (pytest.approx(1 / 3), "wilson")
    written = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(line["line"], line["id"], line["value"]) for line in written] == [
        (1, "a", 1.0),
        (2, "b", 0.0),
        (3, "c", 0.0),
    ]
    assert {(line["scorer"], line["scorer_version"]) for line in written} == {("number", result.json["scorer_version"])}
    assert written[2]["reason"].startswith("unparsed")
    assert file.read_text().count("\n") == 3


def test_a_name_with_dots_goes_before_a_path(call: Call, tmp_path: Path) -> None:
    file = lines(tmp_path / "x.jsonl", {"a.b": "yes", "a": {"b": "no"}, "output": "yes"})
    assert call("score", str(file), "--scorer=exact", "--target-field=a.b", "--json").json["cells"][0]["passed"] == 1


def test_csv_and_tsv_are_told_by_their_name_and_may_hold_targets_in_json(call: Call, tmp_path: Path) -> None:
    for name, delimiter in (("x.csv", ","), ("x.TSV", "\t")):
        with (tmp_path / name).open("w", newline="", encoding="utf-8-sig") as file:
            rows = csv.writer(file, delimiter=delimiter)
            rows.writerow(["target", "output"])
            rows.writerow([json.dumps({"label": "B", "labels": ["A", "B"]}), "I say:\nB"])
        result = call("score", str(tmp_path / name), "--scorer=choice", "--target-json", "--json")
        assert result.code == 0, result.err
        assert result.json["cells"][0]["mean"] == 1.0


def test_a_person_gets_a_table_that_fits(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = lines(tmp_path / "x.jsonl", *[{"target": "x b", "output": f"x {word}"} for word in "bcdb"])
    monkeypatch.setenv("COLUMNS", "40")
    result = call("score", str(file), "--scorer=token_f1")
    assert result.code == 0, result.err
    assert "0.750 [" in result.out
    assert "scorer: token_f1, version" in result.out
    assert all(len(line) <= 40 for line in result.out.splitlines())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"target": "abc", "output": "1"}, ":2: field target: number: expected a target with one number, got 'abc'"),
        ({"output": "1"}, ":2: there is no field target; the fields are output"),
        ({"target": 1, "output": {"a": 1}}, ':2: field output: expected text or null, got {"a": 1}'),
        ([1], ":2: expected a JSON object, got [1]"),
    ],
)
def test_what_is_wrong_with_a_line_is_told_with_its_number_and_field(
    call: Call, tmp_path: Path, line: Any, said: str
) -> None:
    file = lines(tmp_path / "x.jsonl", {"target": 1, "output": "1"}, line)
    result = call("score", str(file), "--scorer=number", f"--out={tmp_path / 'out'}")
    assert result.code == 2
    assert f"{file}{said}" in result.err
    assert not (tmp_path / "out").exists()


def test_not_more_than_five_lines_are_complained_of(call: Call, tmp_path: Path) -> None:
    file = lines(tmp_path / "x.jsonl", *[{"output": "1"}] * 9)
    assert call("score", str(file), "--scorer=number").err.count("there is no field") == 5


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.jsonl", b"not json\n", ":1: expected a JSON object, got not json"),
        ("x.jsonl", b"", "has no answers to score"),
        ("x.jsonl", b"\xff\xfe\n", "it is not UTF-8: line 1, byte 1 is 0xff; it looks like UTF-16"),
        ("x.jsonl", b'{"target": 1, "output": "1"}\n{"target": 1, "output": "\xe9"}\n', "line 2, byte 26 is 0xe9"),
        ("x.csv", b"target,output\n1,1\n1,\xe9\n", "line 3, byte 3 is 0xe9"),
        ("x.csv", b"target,output,output\n1,1,2\n", "the column output appears twice in the first row"),
        ("x.csv", b"a,b\n1,2\n", "there is no field output; the fields are a, b"),
        ("x.json", b'[{"target": 1, "output": "1"}, 2]', "x.json: element 2: expected a JSON object, got 2"),
        (
            "x.json",
            b'[\n{"target": 1 "output": "1"}\n]',
            "x.json: expected a JSON array: Expecting ',' delimiter: line 2",
        ),
        ("x.json", b'{\n"data": [{"target": 1, "output": "1"}]\n}', "x.json is one JSON object, with data"),
        ("x.json", b'[1]\n{"target": 1, "output": "1"}\n', "x.json:1: expected a JSON object, got [1]"),
        ("x.jsonl", b'{"target": 1, "out\n{"target": 1, "output": "1"}\n', "x.jsonl:1: expected a JSON object"),
        ("x.json", b'[\n{"target": "\xe9"}]', "it is not UTF-8: line 2, byte 13 is 0xe9"),
        ("x.jsonl", b"\x1f\x8b\x08\x00\x00", "cannot unpack"),
        ("x.csv", b"target,output\n1\n", ":2: expected 2 cells, as in the first row"),
        ("x.csv", b"target,output\n1,2,3\n", ":2: expected 2 cells"),
        ("x.csv", b'target,output\n1,"2\n', "expected CSV"),
        ("x.csv", b"target,output\n{,2\n", ":2: field target: expected JSON, got {"),
    ],
)
def test_files_that_cannot_be_read_are_told(call: Call, tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    result = call("score", str(tmp_path / name), "--scorer=number", *(["--target-json"] if b"{" in content else []))
    assert result.code == 2
    assert said in result.err


def test_wrong_options_end_with_2(call: Call, tmp_path: Path, run_file: Path) -> None:
    file = lines(tmp_path / "x.jsonl", {"target": 1, "output": "1"})
    for words, said in (
        ((str(tmp_path / "none"), "--scorer=number"), "cannot read"),
        ((str(tmp_path), "--scorer=number"), "is a directory"),
        ((str(file), "--scorer=nmber"), "no scorer is called 'nmber'"),
        ((str(file), "--scorer=number", f"--out={file}"), "exists already"),
        ((str(file), "--scorer=number", "--out=-"), "--out: expected the name of a new file"),
        ((str(file), "--scorer=number", "--task=x"), "--task is for run files"),
        ((str(run_file), "--scorer=choice", "--task=none"), "has no answers to score"),
        ((str(file), "--scorer=number", f"--out={tmp_path / 'no' / 'out'}"), "cannot write"),
    ):
        result = call("score", *words)
        assert result.code == 2, words
        assert said in result.err


def test_a_run_file_gets_its_late_scores_appended_and_nothing_else_is_changed(call: Call, run_file: Path) -> None:
    before = run_file.read_bytes()
    result = call("score", str(run_file), "--scorer=exact", "--target-field=target.label", "--json")
    assert result.code == 0, result.err
    assert run_file.read_bytes().startswith(before)
    (cell,) = result.json["cells"]
    assert (cell["model_key"], cell["task"], cell["n"], cell["unscored"]) == ("acme/tiny-1b", "classify", 2, 1)
    samples = [sample for sample in read_run(run_file) if isinstance(sample, SampleRecord)]
    late = [score for score in read_run(run_file) if isinstance(score, ScoreRecord)][3:]
    assert [score.sample_uid for score in late] == [sample.sample_uid for sample in samples]
    assert [(score.scorer, score.value) for score in late] == [("exact", 1.0), ("exact", 0.0), ("exact", None)]
    assert {score.run_id for score in late} == {samples[0].run_id}
    assert [cell for cell in read_run(run_file) if isinstance(cell, SummaryRecord)]


def test_scores_of_a_run_file_may_go_elsewhere(call: Call, run_file: Path, tmp_path: Path) -> None:
    before = run_file.read_bytes()
    out = tmp_path / "late.jsonl"
    result = call("score", str(run_file), "--scorer=exact", "--target-field=target.label", f"--out={out}")
    assert result.code == 0
    assert run_file.read_bytes() == before
    assert [record.kind for record in read_run(out)] == ["score"] * 3


def test_a_torn_last_line_makes_way(call: Call, run_file: Path) -> None:
    whole = run_file.read_bytes()
    run_file.write_bytes(whole + b'{"kind":"sco')
    assert call("score", str(run_file), "--scorer=exact", "--target-field=target.label").code == 0
    kinds = [record.kind for record in read_run(run_file)]
    assert kinds[-4:] == ["end", "score", "score", "score"]


def test_a_run_that_is_still_writing_is_left_alone(call: Call, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "results", clock=SystemClock())
    path = recorder.path
    path.write_bytes(FIRST.read_bytes())
    before = path.read_bytes()
    words = ("score", str(path), "--scorer=exact", "--target-field=target.label")
    result = call(*words)
    assert result.code == 2
    assert "a run is still writing" in result.err
    assert path.read_bytes() == before
    assert call(*words, f"--out={tmp_path / 'elsewhere.jsonl'}").code == 0
    recorder.end(exit_code=0, interrupted=False, resident=None)
    assert call(*words).code == 0


def test_twenty_thousand_lines_take_a_second_and_no_scipy(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    with file.open("w") as stream:
        stream.writelines(
            json.dumps({"target": "yes", "output": "yes" if i % 3 else "no"}) + "\n" for i in range(20_000)
        )
    program = (
        "import sys, time\nfrom harness.cli import main\n"
        f"sys.argv = ['lms-harness', 'score', {str(file)!r}, '--scorer', 'exact', '--json']\n"
        "main()\nprint([name for name in ('scipy', 'numpy', 'httpx', 'pytest') if name in sys.modules], "
        "time.process_time())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=True)
    summary, modules = done.stdout.splitlines()
    assert json.loads(summary)["cells"][0]["n"] == 20_000
    assert modules.startswith("[]")
    assert float(modules.partition("] ")[2]) < 6  # less than a second on an idle machine


def test_schema_prints_all_kinds_or_one(call: Call) -> None:
    assert set(json.loads(call("schema").out)["$defs"]) == set(Kinds.by_name)
    assert json.loads(call("schema", "--kind", "sample").out)["properties"]["kind"]["const"] == "sample"
    wrong = call("schema", "--kind", "smaple")
    assert wrong.code == 2
    assert "expected one of run, instance" in wrong.err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
@pytest.mark.parametrize(("option", "wanted"), [((), 0o600), (("--share-results",), 0o644)])
def test_scores_are_private_unless_they_are_to_be_shared(
    call: Call, tmp_path: Path, run_file: Path, option: tuple[str, ...], wanted: int
) -> None:
    graded = lines(tmp_path / "graded.jsonl", {"target": "a", "output": "a"})
    before = os.umask(0)
    try:
        for file, field in ((run_file, "target.label"), (graded, "target")):
            out = tmp_path / f"{file.stem}.out"
            words = ("--scorer=exact", f"--target-field={field}", f"--out={out}", *option)
            assert call("score", str(file), *words).code == 0
            assert stat.S_IMODE(out.stat().st_mode) == wanted
    finally:
        os.umask(before)


def test_what_is_to_be_shared_must_be_a_file_of_its_own(call: Call, run_file: Path) -> None:
    result = call("score", str(run_file), "--scorer=exact", "--target-field=target.label", "--share-results")
    assert result.code == 2
    assert "--out" in result.err


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_a_link_to_a_run_file_is_followed_because_the_user_named_it(call: Call, tmp_path: Path, run_file: Path) -> None:
    link = tmp_path / "latest.jsonl"
    link.symlink_to(run_file)
    before = len(run_file.read_bytes())
    assert call("score", str(link), "--scorer=exact", "--target-field=target.label").code == 0
    assert len(run_file.read_bytes()) > before
