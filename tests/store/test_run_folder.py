"""Many run files: which one is resumed, and which ones are read together."""

import os
from pathlib import Path
from typing import Any

import pytest

from harness.domain.record import EndRecord, RunRecord, ScoreRecord, SkipRecord
from harness.errors import StoreError
from harness.store.run_file import RunFile
from harness.store.run_folder import last_unfinished, lineage, run_paths, whole_runs
from tests.store.written import write

AT = "2026-11-28T08:00:00.000Z"
END = '{"kind":"end","schema":"lms-harness/1","run_id":"r","at":"t","exit_code":0,"duration_s":1,"samples":0}\n'


def run(name: str, **more: Any) -> RunRecord:
    return RunRecord(run_id=name, at=AT, harness_version="0", server_kind="x", server_url="u", **more)


def end(name: str, **more: Any) -> EndRecord:
    return EndRecord(run_id=name, at=AT, exit_code=0, duration_s=1, samples=0, **more)


def late(name: str) -> ScoreRecord:
    return ScoreRecord(run_id=name, at=AT, sample_uid="u", scorer="s", scorer_version="1", value=1.0)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A folder with a run of each fate; the newest come last."""
    write(tmp_path / "1-died.jsonl", [run("1-died")])
    write(tmp_path / "2-resumed.jsonl", [run("2-resumed")])
    write(tmp_path / "3-resuming.jsonl", [run("3-resuming", parent_run_id="2-resumed"), end("3-resuming")])
    write(tmp_path / "4-rescored.jsonl", [run("4-rescored"), end("4-rescored"), late("4-rescored")])
    (tmp_path / "5-empty.jsonl").write_text("")
    (tmp_path / "6-torn.jsonl").write_text(run("6-torn").to_json()[:100])
    (tmp_path / "7-foreign.jsonl").write_text('{"prompt": "hello"}\n')
    write(tmp_path / "8-scores.jsonl", [late("4-rescored")])
    (tmp_path / "9-damaged.jsonl").write_text(run("9-damaged").to_json() + "\nnoise\n" + run("x").to_json() + "\n")
    return tmp_path


def test_the_newest_come_first(results: Path) -> None:
    assert [path.name[0] for path in run_paths(results)] == list("987654321")


def test_the_last_unfinished_run_is_whole_and_neither_finished_nor_resumed(results: Path) -> None:
    assert last_unfinished(results).name == "1-died.jsonl"
    interrupted = write(results / "4-stopped.jsonl", [run("4-stopped"), end("4-stopped", interrupted=True)])
    assert last_unfinished(results) == interrupted
    for path in (interrupted, results / "1-died.jsonl"):
        path.unlink()
    with pytest.raises(StoreError, match="there is no unfinished run in"):
        last_unfinished(results)


def test_a_run_descends_from_all_that_were_resumed_before_it(results: Path, tmp_path: Path) -> None:
    newest = write(tmp_path / "else" / "a.jsonl", [run("4-again", parent_run_id="3-resuming")])
    seen = RunFile.read(newest)
    assert lineage(seen, [results / "9-damaged.jsonl", *run_paths(results)]) == ["4-again", "3-resuming", "2-resumed"]
    assert lineage(seen, []) == ["4-again", "3-resuming"]
    own = RunFile.read(write(tmp_path / "else" / "b.jsonl", [run("own", parent_run_id="own")]))
    assert lineage(own, []) == ["own"]


def test_an_answer_that_spells_an_end_record_does_not_end_a_run(results: Path) -> None:
    said = SkipRecord(run_id="z", at=AT, reason=END)
    assert last_unfinished(write(results / "z.jsonl", [run("z"), said]).parent).name == "z.jsonl"


def test_whole_runs_pass_over_what_is_not_one_and_name_it(results: Path) -> None:
    skipped: dict[str, tuple[str, bool]] = {}

    def skip(path: Path, reason: str, *, is_damaged: bool) -> None:
        skipped[path.name] = reason, is_damaged

    runs = [seen.path.name for seen in whole_runs(run_paths(results), on_skip=skip)]
    assert runs == ["4-rescored.jsonl", "3-resuming.jsonl", "1-died.jsonl"]
    assert {name for name, (_, is_damaged) in skipped.items() if is_damaged} == {
        "7-foreign.jsonl",
        "8-scores.jsonl",
        "9-damaged.jsonl",
    }
    assert skipped["2-resumed.jsonl"][0] == "resumed by 3-resuming, which holds its answers too"
    assert "empty run" in skipped["5-empty.jsonl"][0]
    assert "empty run" in skipped["6-torn.jsonl"][0]
    assert "expected one JSON object a line" in skipped["9-damaged.jsonl"][0]


def test_a_pipe_in_the_folder_is_named_and_not_waited_for(results: Path) -> None:
    os.mkfifo(results / "a-pipe.jsonl")
    skipped: dict[str, str] = {}

    def skip(path: Path, reason: str, *, is_damaged: bool) -> None:
        skipped[path.name] = f"{reason} {is_damaged}"

    assert len(list(whole_runs(run_paths(results), on_skip=skip))) == 3
    assert skipped["a-pipe.jsonl"] == f"cannot read {results / 'a-pipe.jsonl'}: it is not a regular file True"
    assert last_unfinished(results).name == "1-died.jsonl"
