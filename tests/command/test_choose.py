"""Which runs an answer rests on."""

from pathlib import Path

import pytest

from harness.command.choose import choose_all
from harness.store.run_file import RunFile
from harness.verdict.contender import Rule
from tests.store.written import write
from tests.verdict.recorded import KEY, OTHER, cell, head, passes


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A folder with an old run of two models and a newer one of one of them."""
    plan = {"models": [KEY, OTHER], "tasks": {"say": "f"}}
    write(tmp_path / "r1.jsonl", [head("r1", plan=plan), *cell(passes(10)), *cell(passes(40), key=OTHER)])
    write(tmp_path / "r2.jsonl", [head("r2"), *cell(passes(40))])
    return tmp_path


def test_of_a_model_that_several_runs_asked_the_newest_counts(results: Path) -> None:
    chosen = choose_all([], results, Rule())
    (task,) = chosen.tasks
    assert [path.name for path in chosen.runs] == ["r2.jsonl", "r1.jsonl"]
    assert {candidate.key: candidate.score for candidate in task.evidence.candidates} == {KEY: 1.0, OTHER: 1.0}
    assert [run.run_id for run in task.evidence.runs] == ["r2", "r1"]


def test_a_run_of_which_newer_ones_have_asked_everything_is_not_read(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Last year's nights cost nothing."""
    plan = {"models": [OTHER, KEY], "tasks": {"say": "f"}}
    write(results / "r3.jsonl", [head("r3", plan=plan), *cell(passes(20)), *cell(passes(20), key=OTHER)])
    for name in ("r1.jsonl", "r2.jsonl"):
        with (results / name).open("a") as file:
            file.write("damaged, but nobody will know\n")
    chosen = choose_all([], results, Rule())
    assert ([path.name for path in chosen.runs], chosen.skipped) == (["r3.jsonl"], {})


def test_a_run_that_did_not_finish_a_task_leaves_it_to_the_one_before(results: Path) -> None:
    write(results / "r3.jsonl", [head("r3", plan={"models": [KEY], "tasks": {"say": "f"}}), *cell(passes(5))[:-1]])
    chosen = choose_all([], results, Rule())
    assert [path.name for path in chosen.runs] == ["r2.jsonl", "r1.jsonl"]
    assert chosen.skipped == {str(results / "r3.jsonl"): "it finished no task"}
    assert RunFile.read(results / "r3.jsonl").cells
