"""Verdicts, floors, epochs and races as users meet them: their own tests in a pytest of its own."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from harness.domain.model import ModelKey
from harness.domain.record import ComparisonRecord, Record, RunRecord, SampleRecord
from harness.store.reader import read_run
from harness.testing.fault import Call, Status
from harness.testing.library import DEFAULT_MODELS
from harness.testing.message import Request
from harness.testing.scripted import ScriptedServer
from tests import forkserver

SMALL = "acme/tiny-1b"
BIG = "acme/small-4b"

OWN_TASK = """
import pytest
from harness import Exact, RunTask, Sample, Task

def samples(seed, n):
    return [Sample(item_id=f"say-{i}", prompt=f"say {i}", target=f"say {i}") for i in range(n)]

SAY = Task(name="say", task_class="say", generate=samples, scorer=Exact(), max_output_tokens=20, prompt_tokens=40)

@pytest.mark.lms_task(SAY)
def test_say(lms_run_task: RunTask) -> None:
    lms_run_task(SAY)
"""


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    records: list[Record]

    @property
    def text(self) -> str:
        """What was printed, however it was broken into lines."""
        return " ".join(self.out.split())

    def verdicts(self) -> dict[tuple[str, str | None], str]:
        return {
            (comparison.model_key, comparison.reference): comparison.verdict
            for comparison in self.records
            if isinstance(comparison, ComparisonRecord)
        }


Pytest = Callable[..., Result]


def reply(request: Request) -> str:
    return request.prompt if request.json["model"] == BIG else "no"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        scripted.reply_with(reply)
        yield scripted


@pytest.fixture
def run(server: ScriptedServer, tmp_path: Path) -> Pytest:
    def call(*words: str, ini: str = "") -> Result:
        (tmp_path / "test_own.py").write_text(OWN_TASK)
        (tmp_path / "pytest.ini").write_text(f"[pytest]\n{ini}\n")
        environ = {**os.environ, "LMS_HARNESS_STATE": str(tmp_path / "state"), "COLUMNS": "160"}
        words = ("-p", "no:cacheprovider", f"--lms-url={server.url}", *words)
        done = forkserver.run("pytest", *words, cwd=tmp_path, env=environ)
        # Not by name: two runs may begin within one second.
        files = sorted((tmp_path / "results").glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
        return Result(done.returncode, done.stdout + done.stderr, list(read_run(files[-1])) if files else [])

    return call


def test_a_run_of_two_models_ends_with_a_verdict_against_the_larger_one(run: Pytest) -> None:
    result = run("--lms-model=all", "--lms-limit=20", "--lms-details")
    assert result.code == 0, result.out
    assert result.verdicts() == {(SMALL, BIG): "worse"}
    assert f"against {BIG}" in result.out
    assert result.records[-2].kind == "comparison"
    (plan,) = (header.plan for header in result.records if isinstance(header, RunRecord))
    assert (plan["reference"], plan["reference_because"]) == (BIG, "most parameters, then the largest file")


def test_a_reference_that_cannot_be_loaded_is_replaced_by_the_next_in_the_planned_order(run: Pytest) -> None:
    largest = replace(DEFAULT_MODELS[1], key=ModelKey("acme/large-8b"), params_string="8B", size_bytes=5_000_000_000)

    class CannotLoadTheLargest:
        def apply(self, call: Call) -> None:
            if call.request.json["model"] == largest.key:
                Status(500, {"error": {"message": "Failed to load LLM", "type": "model_load_failed"}}).apply(call)
            else:
                call.send(call.answer())

    with ScriptedServer([*DEFAULT_MODELS[:2], largest]) as other:
        other.reply_with(reply)
        other.on("POST", "/api/v1/models/load", CannotLoadTheLargest())
        result = run("--lms-model=all", "--lms-limit=20", f"--lms-url={other.url}")
    assert result.code == 0, result.out
    assert result.verdicts() == {(SMALL, BIG): "worse"}
    assert f"{largest.key} was skipped, so models are compared with {BIG}" in result.text
    (plan,) = (record.plan for record in result.records if isinstance(record, RunRecord))
    assert plan["reference_order"] == [largest.key, BIG, SMALL]


def test_primary_turns_the_comparison_round_and_has_to_be_selected(run: Pytest, server: ScriptedServer) -> None:
    assert run("--lms-model=all", "--lms-limit=20", f"--lms-primary={SMALL}").verdicts() == {(BIG, SMALL): "better"}
    wrong = run(f"--lms-model={BIG}", f"--lms-primary={SMALL}")
    assert wrong.code == 2
    assert f"the primary model '{SMALL}' is not selected" in wrong.text


def test_one_model_gets_a_verdict_only_against_its_floor(run: Pytest) -> None:
    assert run(f"--lms-model={BIG}", "--lms-limit=8").verdicts() == {}
    result = run(f"--lms-model={BIG}", "--lms-limit=8", "--lms-floor=say=0.5", "--lms-results=results/floor")
    assert f"Floor reached: {BIG} say (0.5)" in result.out


def test_epochs_and_their_reducer_are_shown(run: Pytest) -> None:
    result = run(f"--lms-model={BIG}", "--lms-limit=5", "--lms-epochs=3", "--lms-reducer=pass^2", "--lms-details")
    assert result.code == 0, result.out
    assert "between items" in result.out
    assert "score: the pass^2 of an item's epochs" in result.text
    wrong = run("--lms-reducer=pass@3")
    assert wrong.code == 4
    assert "expected at least 3 epochs, got 1" in wrong.text


def test_two_runs_of_one_suite_share_their_hashes_and_another_suite_does_not(run: Pytest) -> None:
    def identity(result: Result) -> tuple[str, dict[str, tuple[str, str]]]:
        (first,) = (header for header in result.records if isinstance(header, RunRecord))
        assert first.harness_version
        assert {"python", "pytest", "httpx"} <= set(first.versions)
        samples = [sample for sample in result.records if isinstance(sample, SampleRecord)]
        return first.suite_hash, {sample.item_id: (sample.item_hash, sample.sample_uid) for sample in samples}

    words = (f"--lms-model={BIG}", "--lms-limit=3")
    one, same, more = (identity(run(*words, *extra)) for extra in ((), (), ("--lms-limit=4",)))
    assert one == same
    assert one[0] != more[0]
    assert one[1].items() < more[1].items()  # An item asked the same way is the same sample in every run.
