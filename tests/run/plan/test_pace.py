"""A run keeps to its budget, whatever the estimates were; with a clock that is moved by hand."""

from dataclasses import replace

import pytest

from harness.client.exchange import Exchange
from harness.domain.answer import Answer, Job
from harness.domain.model import Model, ModelKey
from harness.domain.sample import Sample
from harness.domain.score import Score
from harness.run.ask.job import jobs_of
from harness.run.plan.budget import CellCost, ModelCost
from harness.run.plan.pace import Pace
from harness.settings import Settings
from harness.task.task import Task
from harness.testing.clock import FakeClock


class Never:
    name, version = "never", "1"

    def __call__(self, output: str, target: object) -> Score:
        raise AssertionError("nothing is scored here")


def samples(seed: int, n: int) -> list[Sample]:
    return [Sample(item_id=str(i), prompt=str(i), target="") for i in range(n)]


TASK = Task(name="task", task_class="t", generate=samples, scorer=Never(), max_output_tokens=9, prompt_tokens=9)
SMALL, LARGE = (Model(key=ModelKey(key), type="llm") for key in ("small", "large"))
SETTINGS = Settings(limit=100, budget_s=100.0, latency_budget_s=1.0)


def cost(key: str, sample_s: float, *, is_guess: bool = False, measuring_s: float = 1.0) -> ModelCost:
    cell = CellCost(sample_s=sample_s, guess_s=sample_s, is_guess=is_guess)
    return ModelCost(key=key, fixed_s=1.0 + measuring_s, cells={"task": cell}, measuring_s=measuring_s)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def pace(clock: FakeClock, *costs: ModelCost, settings: Settings = SETTINGS) -> Pace:
    return Pace(list(costs), settings=settings, started=clock.monotonic(), clock=clock)


def ask_all(pace: Pace, clock: FakeClock, model: Model, *, takes_s: float) -> list[str]:
    """Ask a cell, one sample at a time, and return whose turn came."""
    asked: list[str] = []

    def ask(job: Job, exchange: Exchange) -> Answer:
        clock.sleep(takes_s)
        asked.append(job.sample.item_id)
        return Answer(job=job, outcome="ok")  # type: ignore[arg-type]

    jobs = jobs_of(TASK, SETTINGS, limit=SETTINGS.limit, address="x", reasoning=None, room_tokens=TASK.room_tokens)
    bounded = pace.bounded(ask)
    for job in pace.begin_cell(TASK, model, jobs, ()):
        bounded(job, Exchange())
    pace.end_cell(TASK, model, asked=len(asked))
    return asked


def test_measured_costs_share_the_time_evenly(clock: FakeClock) -> None:
    kept = pace(clock, cost("small", 1.0), cost("large", 1.0))
    numbers = []
    for model in (SMALL, LARGE):
        assert kept.why_not(model) is None
        clock.sleep(2.0)
        numbers.append(len(ask_all(kept, clock, model, takes_s=1.0)))
    assert abs(numbers[0] - numbers[1]) <= 8  # What is kept in reserve at first is given out later.
    assert min(numbers) >= 38
    assert kept.left_s >= 0


def test_guesses_that_are_far_too_high_cost_no_sample(clock: FakeClock) -> None:
    kept = pace(clock, cost("small", 50.0, is_guess=True), cost("large", 150.0, is_guess=True))
    assert kept.allotment.limit < 10
    assert kept.why_not(SMALL) is None
    assert len(ask_all(kept, clock, SMALL, takes_s=0.1)) == 100
    assert kept.why_not(LARGE) is None
    assert len(ask_all(kept, clock, LARGE, takes_s=0.3)) == 100


def test_guesses_that_are_far_too_low_leave_time_for_the_next_model(clock: FakeClock) -> None:
    kept = pace(clock, cost("small", 0.01, is_guess=True), cost("large", 0.01, is_guess=True))
    assert kept.why_not(SMALL) is None
    first = ask_all(kept, clock, SMALL, takes_s=2.0)
    assert kept.why_not(LARGE) is None
    second = ask_all(kept, clock, LARGE, takes_s=2.0)
    assert min(len(first), len(second)) >= 10
    assert kept.left_s >= -2.0
    assert first == [str(i) for i in range(len(first))]


def test_a_model_that_has_become_too_expensive_is_left_out_with_the_reason(clock: FakeClock) -> None:
    kept = pace(clock, cost("small", 1.0), cost("large", 1.0))
    assert kept.why_not(SMALL) is None
    ask_all(kept, clock, SMALL, takes_s=1.0)
    clock.sleep(kept.left_s - 1.5)
    reason = kept.why_not(LARGE)
    assert reason is not None
    assert "it takes longer than the 1.50 s that are left" in reason
    assert kept.why_not(LARGE) == reason  # for each of its tests


def test_nothing_begins_when_the_time_is_over(clock: FakeClock) -> None:
    kept = pace(clock, cost("small", 1.0))
    assert kept.why_not(SMALL) is None
    clock.sleep(101.0)
    assert "the time is up" in (kept.why_not(SMALL) or "")
    assert "the time is up" in (kept.why_not_measure(SMALL) or "")
    assert ask_all(kept, clock, SMALL, takes_s=1.0) == []


def test_measuring_gives_way_to_the_models_that_are_still_to_come(clock: FakeClock) -> None:
    kept = pace(clock, cost("small", 1.0, measuring_s=30.0), cost("large", 1.0))
    assert kept.why_not(SMALL) is None
    assert kept.why_not_measure(SMALL) is None
    clock.sleep(92.0)
    assert "are left for all" in (kept.why_not_measure(SMALL) or "")


def test_the_level_after_one_that_was_left_out_is_left_out_as_well_where_the_load_has_no_time(clock: FakeClock) -> None:
    """The first level has the load; where it was asked the next one needs none, else it needs its own."""
    off, high = (Model(key=ModelKey("m"), type="llm", reasoning_level=level) for level in ("off", "high"))

    def levels() -> Pace:
        costs = [replace(cost(str(model.name), 1.0), fixed_s=51.0, load_s=50.0, model_key="m") for model in (off, high)]
        return pace(clock, cost("small", 1.0), *costs)

    both = levels()
    assert both.why_not(SMALL) is None
    clock.sleep(20)
    assert both.why_not(off) is None
    clock.sleep(60)
    assert both.why_not(high) is None, "it is loaded"
    none = levels()
    assert none.why_not(SMALL) is None
    clock.sleep(55)
    assert "takes longer than the 45.0 s that are left" in (none.why_not(off) or "")
    assert "takes longer than the 45.0 s that are left" in (none.why_not(high) or ""), "a load takes 50 s"
