"""`export`, run as a user would, on run files of known answers."""

import csv
import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from harness.domain.record import MeasureRecord, PromptRecord, Record, SampleRecord
from tests.store.written import write
from tests.verdict.recorded import AT, KEY, OTHER, cell, head, lost

from .conftest import Call

HEAD: dict[str, Any] = {"run_id": "r1", "at": AT}
PLAN = {"models": [KEY, OTHER], "tasks": {"say": "f", "tell": "g"}}


def answering(records: list[Record], text: str) -> list[Record]:
    said = {"output_text": text}
    return [record.model_copy(update=said) if isinstance(record, SampleRecord) else record for record in records]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    prompt = PromptRecord(**HEAD, prompt_hash="p", prompt="Say\nit, now")
    measure = MeasureRecord(**HEAD, name="ttft_s", value=-0.5, unit="s", model_key=KEY, cold=False)
    told = lost(cell([1.0, None], key=KEY, task="tell"), 1)
    run = [head("r1", plan=PLAN), prompt, *cell([1.0, 0.0, 0.5], key=KEY), *cell([1.0], key=OTHER), *told, measure]
    write(tmp_path / "results" / "r1.jsonl", run)
    return tmp_path


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_cells_go_to_standard_output_and_a_cell_that_lost_too_much_has_no_score(call: Call, folder: Path) -> None:
    done = call("export", "--format", "csv")
    assert (done.code, done.err) == (0, "")
    small, tiny, told = table(done.out)
    assert (small["model_key"], small["task"], small["score"], small["n"]) == (KEY, "say", "0.5", "3")
    assert (tiny["model_key"], tiny["why_no_score"]) == (OTHER, "")
    assert (told["score"], told["low"]) == ("", "")
    assert told["why_no_score"] == "1 of 2 answers were lost (above 5 %)"


def test_samples_have_prompt_answer_and_score_and_a_lost_one_has_none(call: Call, folder: Path) -> None:
    done = call("export", "r1", "--format", "csv", "--table", "samples", "-o", "samples.csv")
    assert done.out.splitlines() == ["samples.csv", "6 rows of 1 run."]
    rows = table((folder / "samples.csv").read_text(encoding="utf-8"))
    assert [row["score"] for row in rows] == ["1.0", "0.0", "0.5", "1.0", "1.0", ""]
    assert {row["prompt"] for row in rows} == {"Say\nit, now"}
    assert rows[0]["answer"] == "answer 1.0"
    assert stat.S_IMODE((folder / "samples.csv").stat().st_mode) == 0o600


def test_figures_stay_figures(call: Call, folder: Path) -> None:
    (row,) = table(call("export", "--format", "csv", "--table", "measures").out)
    assert (row["value"], row["cold"]) == ("-0.5", "false")


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1+1", '=HYPERLINK("x")']
)
def test_no_spreadsheet_runs_what_a_model_says(call: Call, tmp_path: Path, text: str) -> None:
    write(tmp_path / "evil.jsonl", [head("r1", plan=PLAN), *answering(cell([1.0], key=KEY), text)])
    done = call("export", str(tmp_path / "evil.jsonl"), "--format", "csv", "--table", "samples")
    (row,) = table(done.out)
    assert row["answer"].startswith(("'", "\\r"))
    assert row["answer"].endswith(text.lstrip("\r"))


def test_several_runs_stand_in_one_table_each_once(call: Call, folder: Path) -> None:
    write(folder / "results" / "r2.jsonl", [head("r2", plan=PLAN), *cell([1.0], key=KEY)])
    done = call("export", "r1", "r2", "r1", "--format", "csv")
    assert [row["run_id"] for row in table(done.out)] == ["r1", "r1", "r1", "r1"]  # As the records say.


def test_every_eval_ever_gets_files_for_each_model_and_says_what_is_left_out(call: Call, folder: Path) -> None:
    done = call("export", "--format", "eee", "-o", "out", "--organisation", "ACME Labs")
    assert f"Left out {KEY} tell: 1 of 2 answers were lost (above 5 %)." in done.err
    *files, end = done.out.splitlines()
    assert len(files) == 4
    assert end == "4 rows of 1 run."
    aggregates = [json.loads((folder / name).read_text()) for name in files if name.endswith(".json")]
    assert {log["source_metadata"]["source_organization_name"] for log in aggregates} == {"ACME Labs"}
    again = call("export", "--format", "eee", "-o", "out", "--json")
    assert again.json["files"] == files
    assert (again.json["rows"], again.json["unscored"], list(again.json["left_out"])) == (4, 0, [f"{KEY} tell"])
    assert len(list((folder / "out").rglob("*.json*"))) == 4


def test_a_run_without_scores_is_an_error_and_no_empty_folder(call: Call, tmp_path: Path) -> None:
    write(tmp_path / "lost.jsonl", [head("r1", plan=PLAN), *lost(cell([None], key=KEY), 1)])
    done = call("export", str(tmp_path / "lost.jsonl"), "--format", "eee", "-o", str(tmp_path / "out"))
    assert done.code == 2
    assert "there is no score to export" in done.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "Missing option '--format'"),
        (("--format", "xlsx"), "'xlsx' is not one of 'csv', 'eee'"),
        (("--format", "eee"), "name a folder with -o"),
        (("--format", "eee", "-o", "results/r1.jsonl"), "results/r1.jsonl is a file; expected a folder"),
        (("--format", "eee", "-o", "x", "--table", "cells"), "--table is about --format csv"),
        (("--format", "csv", "--organisation", "x"), "--organisation only applies to --format eee"),
        (("--format", "csv", "--json"), "--json says what was written: name a file with -o"),
        (("--format", "csv", "-o", "-"), "without -o the table goes to standard output"),
        (("--format", "csv", "-o", "results"), "results is a folder; expected a file"),
        (("--format", "csv", "-o", "new.jsonl"), "new.jsonl is named as a run file"),
        (("--format", "csv", "-o", "copy.csv"), "copy.csv is a run file, which is never overwritten"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    call: Call, folder: Path, words: tuple[str, ...], message: str
) -> None:
    (folder / "copy.csv").write_bytes((folder / "results" / "r1.jsonl").read_bytes())
    done = call("export", *words)
    assert done.code == 2
    assert message in done.err


def test_there_is_no_such_run(call: Call, folder: Path) -> None:
    done = call("export", "nowhere", "--format", "csv")
    assert done.code != 0
    assert "there is no run nowhere" in done.err
