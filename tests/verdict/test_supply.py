"""What a task can give caps what a verdict asks for."""

from dataclasses import dataclass
from typing import Any

import pytest

from harness.domain.sample import Sample
from harness.domain.score import Score
from harness.settings import Settings
from harness.task.task import Task
from harness.verdict.comparison import comparisons
from harness.verdict.supply import Supply
from tests.store.written import written
from tests.verdict.test_comparison import BIG, HEAD, SMALL, cell, ones


@dataclass(frozen=True)
class Same:
    version: str = "1"
    name: str = "s"

    def __call__(self, output: str, target: Any) -> Score:
        return Score(value=float(output == target))


class Rows:
    """A task of your own with so many rows, of which some repeat; counts how often they are made."""

    def __init__(self, rows: int, *, distinct: int) -> None:
        self.made = 0
        self._rows, self._distinct = rows, distinct

    def __call__(self, _seed: int, n: int) -> list[Sample]:
        self.made += 1
        rows = range(min(n, self._rows))
        return [Sample(item_id=f"i{row}", prompt=f"say {row % self._distinct}", target="") for row in rows]


def task(rows: Rows) -> Task:
    return Task(name="say", task_class="say", generate=rows, scorer=Same(), max_output_tokens=5, prompt_tokens=5)


@pytest.mark.parametrize(("rows", "distinct"), [(60, 60), (500, 60)])
def test_a_task_has_as_many_items_as_differ_and_they_are_made_only_where_it_is_not_known(
    rows: int, distinct: int
) -> None:
    made = Rows(rows, distinct=distinct)
    supply = Supply(lambda: {"say": task(made)}, seed=0)
    assert [supply.has("say", n) for n in (61, 60, 70, 10)] == [False, True, False, True]
    assert made.made == 2
    assert supply.has("another", 10_000)


@pytest.mark.parametrize(("rows", "needed"), [(52, 52), (51, None)])
def test_no_more_items_are_asked_for_than_the_task_has(rows: int, needed: int | None) -> None:
    records = [*cell(SMALL, ones(30, 24)), *cell(BIG, ones(30, 24))]
    supply = Supply(lambda: {"say": task(Rows(rows, distinct=rows))}, seed=0)
    (verdict,) = comparisons(written(*records), Settings(), reference=BIG, head=lambda: HEAD, supply=supply)
    assert verdict.needed == needed
    assert ("it would take 52 items, more than the task has" in verdict.reason) == (needed is None)
