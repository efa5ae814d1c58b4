"""A gate that measured nothing does not pass."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.domain.model import Model, ModelKey
from harness.domain.record import SkipRecord, SummaryRecord
from harness.domain.sample import Sample
from harness.run.gap import gaps
from harness.scoring.number import Number
from harness.store.run_file import RunFile
from harness.task.task import Needs, Task

SMALL, LARGE = (Model(key=ModelKey(key), type="llm") for key in ("small", "large"))


def samples(seed: int, n: int) -> list[Sample]:
    return [Sample(item_id=str(number), prompt="?", target=seed) for number in range(n)]


TASK = Task(name="sum", task_class="sum", generate=samples, scorer=Number(), max_output_tokens=9, prompt_tokens=9)


def skip(model: Model, reason: str, task: str | None = None) -> SkipRecord:
    return SkipRecord(run_id="r", at="now", model_key=str(model.key), task=task, reason=reason)


def cell(model: Model, *, n: int = 3, score: float | None = None) -> SummaryRecord:
    return SummaryRecord.model_construct(model_key=str(model.key), task="sum", n=n, score=score)


def found(seen: RunFile, **more: Any) -> list[str]:
    settings: dict[str, Any] = {"models": [SMALL, LARGE], "tasks": [TASK], "floors": {"sum": 0.5}, **more}
    return list(gaps(seen, **settings))


def run_file(*summaries: SummaryRecord, skips: tuple[SkipRecord, ...] = ()) -> RunFile:
    return RunFile(path=Path("x.jsonl"), summaries=list(summaries), skips=list(skips))


def test_every_floor_that_was_checked_is_no_gap() -> None:
    assert found(run_file(cell(SMALL), cell(LARGE))) == []


def test_a_floor_on_a_model_that_could_not_be_loaded_is_one_with_the_reason() -> None:
    assert found(run_file(cell(SMALL), skips=(skip(LARGE, "out of memory"),))) == [
        "the floor of 0.5 for sum was not checked on large: out of memory"
    ]


def test_a_task_that_was_left_out_and_a_cell_without_answers_are_gaps() -> None:
    gone = run_file(cell(SMALL), cell(LARGE, n=0), skips=(skip(LARGE, "no time", task="sum"),))
    assert found(gone) == ["the floor of 0.5 for sum was not checked on large: no time"]
    assert found(run_file(cell(SMALL))) == [
        "the floor of 0.5 for sum was not checked on large: the test did not run the task"
    ]


def test_without_floors_only_a_run_in_which_all_models_were_skipped_has_one() -> None:
    assert found(run_file(cell(SMALL)), floors={}) == []
    assert found(run_file(skips=(skip(SMALL, "a"), skip(LARGE, "b"))), floors={}) == [
        "no model was measured: 2 models were skipped"
    ]


def test_a_task_that_no_model_can_be_given_is_one_and_a_model_that_cannot_be_given_it_is_none() -> None:
    seeing = replace(TASK, needs=Needs(vision=True))
    assert found(run_file(), tasks=[seeing]) == [
        "the floor of 0.5 for sum was not checked: none of the selected models can be given this task"
    ]


def test_a_model_that_the_resumed_run_has_measured_is_none() -> None:
    assert found(run_file(cell(SMALL)), complete={"large"}) == []


def test_a_floor_that_is_missed_in_rounds_is_one_with_the_command_that_shows_the_worst_samples() -> None:
    decided = run_file(cell(SMALL, score=0.25), cell(LARGE, score=0.5))
    assert found(decided) == []
    assert found(decided, is_decided_late=True) == [
        (
            "small scored 0.250 on sum, below the floor of 0.5. The worst samples: "
            "lms-harness show x.jsonl --task sum --model small --limit 3"
        )
    ]
