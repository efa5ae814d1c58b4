"""A cell of the table from its answers: epochs, reducers, variance and flips."""

from collections.abc import Sequence
from typing import Any

import pytest

from harness.domain.answer import Answer, Job, KeptAnswer, kept
from harness.domain.generation import ChatRequest, Outcome
from harness.domain.record import SummaryRecord
from harness.domain.sample import Sample
from harness.domain.score import Score
from harness.scoring.exact import Exact
from harness.stats.repeat import NOT_MEASURED
from harness.task.task import Task
from harness.verdict.summary import summarise
from harness.verdict.value import value_of

HEAD = {"run_id": "r", "at": "2026-11-25T08:00:00.000Z"}
TASK = Task(name="t", task_class="t", generate=lambda _, __: [], scorer=Exact(), max_output_tokens=1, prompt_tokens=1)


def answers(items: Sequence[Sequence[float | None]]) -> list[KeptAnswer]:
    request = ChatRequest(model="m", input="x")
    made = []
    for number, values in enumerate(items):
        sample = Sample(item_id=f"i{number}", prompt="p", target="t")
        for epoch, value in enumerate(values, 1):
            score = None if value is None else Score(value=value, passed=value == 1)
            outcome = Outcome.OK if score else Outcome.SERVER_ERROR
            answer = Answer(job=Job(sample=sample, epoch=epoch, request=request), outcome=outcome, score=score)
            made.append(kept(answer, with_target=False))
    return made


def cell(items: Sequence[Sequence[float | None]], **more: Any) -> SummaryRecord:
    epochs = max(map(len, items))
    given: dict[str, Any] = {"planned": epochs * len(items), "epochs": epochs, "model_key": "m", "head": HEAD, **more}
    return summarise(TASK, answers(items), **given)


def test_at_one_epoch_the_repeat_variance_is_not_measured() -> None:
    one = cell([[1.0], [0.0]])
    assert one.repeats == {"between": None, "within": None, "flip_rate": None, "reason": NOT_MEASURED}
    assert one.item_rates == {}


def test_epochs_tell_items_from_chance() -> None:
    steady = cell([[1.0, 1.0], [0.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    assert (steady.repeats["within"], steady.repeats["flip_rate"]) == (0.0, 0.0)
    assert steady.repeats["between"] == pytest.approx(1 / 3)
    chance = cell([[1.0, 0.0]] * 4)
    assert (chance.repeats["between"], chance.repeats["within"], chance.repeats["flip_rate"]) == (0.0, 0.5, 1.0)
    assert list(cell([[1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]).item_rates.items()) == [("i2", 0), ("i1", 0.5), ("i0", 1)]


@pytest.mark.parametrize(
    ("reducer", "score"),
    [("mean", 5 / 9), ("majority", 2 / 3), ("pass@1", 5 / 9), ("pass@2", 2 / 3), ("pass^2", (1 + 1 / 3) / 3)],
)
def test_the_reducer_makes_one_value_of_an_items_epochs(reducer: str, score: float) -> None:
    one = cell([[1.0, 1.0, 1.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]], reducer=reducer)
    assert (one.reducer, one.n) == (reducer, 3)
    assert one.score == pytest.approx(score)


def test_graded_scores_count_as_passes_only_when_full_except_for_the_mean() -> None:
    graded = Score(value=0.9, passed=False)
    assert (value_of(graded, "mean"), value_of(graded, "majority"), value_of(None, "mean")) == (0.9, 0.0, None)
    assert value_of(Score(value=1.0), "pass@1") == 1.0
    assert value_of(Score(value=None), "mean") is None


def test_an_item_with_fewer_scored_epochs_than_k_does_not_count_and_what_was_lost_is_unscored() -> None:
    one = cell([[1.0, None], [1.0, 1.0]], reducer="pass@2")
    assert (one.n, one.unscored, one.planned, one.score) == (1, 1, 4, 1.0)
