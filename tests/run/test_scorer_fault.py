"""A scorer or a target that fails leaves its samples unscored and fails the test; all other answers are kept."""

import json
import os
from pathlib import Path

import pytest

from harness.domain.record import SampleRecord, ScoreRecord, SummaryRecord
from harness.store.reader import read_run
from harness.testing.scripted import ScriptedServer
from tests import forkserver

TASK = """
import pytest
from harness import Sample, Score, Task
from harness.errors import TaskError

class Own:
    name, version = "own", "1"

    def __call__(self, output, target):
        if target == 1:
            raise ZeroDivisionError("of all things")
        if target == 2:
            raise TaskError("own: expected another target")
        return Score(value=float("nan") if target == 3 else 1.0)

def samples(seed, n):
    return [Sample(item_id=f"say-{i}", prompt=f"say {i}", target=i) for i in range(n)]

TASK = Task(name="say", task_class="say", generate=samples, scorer=Own(), max_output_tokens=20, prompt_tokens=40)

@pytest.mark.lms_task(TASK)
def test_say(lms_run_task):
    lms_run_task(TASK)
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("fault")
    (folder / "test_say.py").write_text(TASK)
    with ScriptedServer() as server:
        done = forkserver.run(
            "pytest",
            "-p",
            "no:cacheprovider",
            f"--lms-url={server.url}",
            "--lms-limit=8",
            "--lms-model=acme/tiny-1b",
            "--lms-results=results",
            cwd=folder,
            env={**os.environ, "LMS_HARNESS_STATE": str(folder / "state")},
        )
    (path,) = (folder / "results").glob("*.jsonl")
    return f"{done.returncode}\n{done.stdout}", path


def test_the_test_fails_and_names_scorer_and_samples(finished: tuple[str, Path]) -> None:
    printed, _ = finished
    assert printed.startswith("1\n")
    assert "say: answers could not be scored" in printed
    assert "say-1: the scorer own raised ZeroDivisionError: of all things" in printed
    assert "say-2: own: expected another target" in printed
    assert "say-3: the scorer own returned the value nan" in printed


def test_all_other_answers_are_kept_and_nothing_impossible_is_written(finished: tuple[str, Path]) -> None:
    _, path = finished
    assert "NaN" not in path.read_text()
    records = list(read_run(path))
    items = {record.sample_uid: record.item_id for record in records if isinstance(record, SampleRecord)}
    scores = {items[record.sample_uid]: record for record in records if isinstance(record, ScoreRecord)}
    assert len(items) == len(scores) == 8
    assert {item for item, score in scores.items() if score.value is None} == {"say-1", "say-2", "say-3"}
    # The scorer leaves `passed` out.
    assert {score.passed for score in scores.values() if score.value == 1.0} == {True}
    (cell,) = (record for record in records if isinstance(record, SummaryRecord))
    assert (cell.n, cell.unscored, len(cell.scorer_faults)) == (5, 3, 3)
    assert json.loads(cell.to_json())["scorer_faults"] == cell.scorer_faults
