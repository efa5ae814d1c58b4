"""Keeps a run within its budget: how much each cell gets is decided before it begins, and never by its scores."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from harness.client.exchange import Exchange
from harness.clock import Clock
from harness.domain.generation import Outcome
from harness.domain.model import Model
from harness.report.table import seconds
from harness.runner.ask import Answer, Job
from harness.runner.budget import Allotment, CellCost, ModelCost, allot
from harness.settings import Settings
from harness.task.task import Task

PLANNED_SHARE = 0.9
"""Of the time left: estimates are wrong, and releases take time, too."""

LATENCY_SHARE = 1 / 3
"""Of the budget, at most, is for the latency suite."""

_SLACK = 1.5
_PROBES = 7
"""The least that the latency suite asks in one test: a warm-up and five rounds, and one more to be safe."""


class Pace:
    """What may still begin. What is begun is finished, so a run ends at most a sample's deadline and a release late.

    Args:
        costs: of the models that are to be loaded, cheapest first.
        settings: of the run; its latency budget is one model's share already.
        started: when the budget began, on `clock`.
        clock: for all times.
    """

    def __init__(self, costs: Sequence[ModelCost], *, settings: Settings, started: float, clock: Clock) -> None:
        self._costs = {one.key: one for one in costs}
        self._settings = settings
        self._clock = clock
        self._ends_at = started + (settings.budget_s or 0.0)
        self._cell_ends_at = self._ends_at
        self._cell_began_at = started
        self._begun: set[str] = set()
        self._guessed_s = self._took_s = 0.0
        self.allotment = self._allot(list(costs))
        self._costs = {key: self._costs[key] for key in self.allotment.kept}

    @property
    def left_s(self) -> float:
        """The time left, in seconds; negative when it is over."""
        return self._ends_at - self._clock.monotonic()

    def is_begun(self, model: Model) -> bool:
        """Tell whether `why_not` has let this model begin."""
        return model.key in self._begun

    def why_not(self, model: Model) -> str | None:
        """Return why nothing is to begin on a model any more, or None. A model is let in, or not, the first time."""
        if self.is_begun(model):
            return self._said("the time is over") if self.left_s <= 0 else None
        cost = self._costs.get(model.key)
        if cost is None:
            return self._said("too expensive")
        self._forget_before(cost.key)
        if cost.key in self._allot(self._ahead()).dropped:
            del self._costs[cost.key]
            return self._said(f"too expensive for the {seconds(max(0.0, self.left_s))} that are left")
        self._begun.add(cost.key)
        return None

    def why_not_measure(self, model: Model) -> str | None:
        """Return why the latency of a model is not to be measured any more, or None: others are to have a turn."""
        if self.left_s <= 0:
            return self._said("the time is over")
        cost = self._costs.get(model.key)
        slowest_s = max((one.sample_s for one in cost.cells.values()), default=0.0) if cost else 0.0
        needed_s = max(self._settings.latency_budget_s / 3, _PROBES * slowest_s)
        later_s = sum(one.seconds(1, self._settings.epochs) for one in self._ahead() if one.key != model.key)
        if needed_s + later_s > self.left_s:
            return self._said(f"measuring takes {seconds(needed_s)}, and {seconds(self.left_s)} are left for all")
        return None

    def begin_cell(
        self, task: Task, model: Model, jobs: Sequence[Job], known: Collection[tuple[str, int]]
    ) -> list[Job]:
        """Return which jobs are to be asked: of the first items, as many as fit; those `known` cost nothing."""
        ahead = self._ahead(loaded=model.key)
        given = self._allot(ahead, first=model.key)
        epochs, limit = self._settings.epochs, given.limit if model.key in given.kept else 0
        items = list(dict.fromkeys(job.sample.item_id for job in jobs))
        first = set(items[:limit])
        chosen = [job for job in jobs if job.place not in known and job.sample.item_id in first]
        total_s = sum(one.seconds(limit, epochs) for one in ahead if one.key in given.kept)
        cost = self._costs[model.key].cells[task.name] if model.key in self._costs else None
        own_s = len(chosen) * (self._scaled(cost).sample_s if cost else 0.0)
        share = min(1.0, own_s / total_s) if total_s > 0 else 1.0
        self._cell_began_at = self._clock.monotonic()
        self._cell_ends_at = min(self._ends_at, self._cell_began_at + max(0.0, self.left_s) * min(1.0, share * _SLACK))
        return chosen

    def end_cell(self, task: Task, model: Model, *, asked: int) -> None:
        """Learn from what a cell took."""
        cost = self._costs.get(model.key)
        if cost is None or task.name not in cost.cells:
            return
        cells = dict(cost.cells)
        cell = cells.pop(task.name)
        if asked:
            self._guessed_s += cell.guess_s * asked
            self._took_s += self._clock.monotonic() - self._cell_began_at
        self._costs[model.key] = replace(cost, cells=cells)

    def bounded(self, ask: Callable[[Job, Exchange], Answer]) -> Callable[[Job, Exchange], Answer]:
        """Return `ask`, but that it asks nothing once the cell's time is over. Jobs come in order: the last are cut."""

        def within(job: Job, exchange: Exchange) -> Answer:
            if self._clock.monotonic() >= self._cell_ends_at:
                return Answer(job=job, outcome=Outcome.CANCELLED, is_left_out=True)
            return ask(job, exchange)

        return within

    def _allot(self, costs: Sequence[ModelCost], *, first: str = "") -> Allotment:
        return allot(
            costs,
            limit=self._settings.limit,
            epochs=self._settings.epochs,
            available_s=max(0.0, self.left_s) * PLANNED_SHARE,
            first=first,
        )

    def _ahead(self, *, loaded: str = "") -> list[ModelCost]:
        """Return what is still to be paid, by what was learned; of the loaded model the measurements only."""
        costs = []
        for one in self._costs.values():
            cells: Mapping[str, CellCost] = {name: self._scaled(cell) for name, cell in one.cells.items()}
            fixed_s = self._settings.latency_budget_s if one.key == loaded else one.fixed_s
            costs.append(replace(one, cells=cells, fixed_s=min(fixed_s, one.fixed_s)))
        return costs

    def _scaled(self, cell: CellCost) -> CellCost:
        if not cell.is_guess or not self._guessed_s:
            return cell
        return replace(cell, sample_s=cell.guess_s * self._took_s / self._guessed_s)

    def _forget_before(self, key: str) -> None:
        """The models before this one are done with."""
        keys = list(self._costs)
        for one in keys[: keys.index(key)]:
            del self._costs[one]

    def _said(self, why: str) -> str:
        return f"left out: {why}, within the budget of {seconds(self._settings.budget_s)}"
