"""Keeps a run within its budget: how much each cell gets is decided before it begins, and never by its scores."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.client.exchange import Exchange
from harness.clock import Clock
from harness.domain.answer import Answer, Job
from harness.domain.generation import Outcome
from harness.domain.model import Model
from harness.report.figure import seconds
from harness.run.plan.budget import LEAST_SAMPLES, Allotment, CellCost, ModelCost, allot
from harness.settings import Settings
from harness.task.task import Task

PLANNED_SHARE = 0.9
"""Of the time left: estimates are wrong, and releases take time, too."""

LATENCY_SHARE = 1 / 3
"""Of the budget, at most, is for the latency suite."""

_SLACK = 1.5
_PROBES = 7
"""The least that the latency suite asks in one test: a warm-up and five rounds, and one more to be safe."""


@dataclass(slots=True, kw_only=True)
class _Cell:
    """The cell that is being asked.

    Attributes:
        ends_at: when no more is to be asked.
        pilot: after so many samples it is settled how many are asked; None: it is settled.
        most: samples that are asked; None: all.
        asked: samples so far.
    """

    key: str
    task: str
    began_at: float
    ends_at: float = 0.0
    pilot: int | None = None
    most: int | None = None
    asked: int = 0


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
        self._cell = _Cell(key="", task="", began_at=started)
        self._lock = threading.Lock()
        self._begun: set[str] = set()
        self._guessed_s = self._took_s = 0.0
        self.allotment = self._allot(list(costs))

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
            return None
        self._forget_before(cost.key)
        # Nothing was ever measured here: guesses may be wrong by a factor of thirty, so the cheapest one is tried.
        is_trial = not self._begun and self.left_s > 0 and any(one.is_guess for one in cost.cells.values())
        if not is_trial and cost.key in self._allot(self._ahead()).dropped:
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
        """Return which jobs are to be asked: of the first items, as many as fit; those `known` cost nothing.

        Where nothing tells yet how fast this machine is, all are returned, and `bounded` settles the number after 10.
        """
        self._cell = cell = _Cell(key=str(model.key), task=task.name, began_at=self._clock.monotonic())
        cost = self._costs[model.key].cells[task.name] if model.key in self._costs else None
        missing = [job for job in jobs if job.place not in known]
        if cost is not None and cost.is_guess and not self._guessed_s and self.left_s > 0:
            cell.pilot = min(LEAST_SAMPLES, len(missing))
            cells = sum(len(one.cells) for one in self._costs.values())
            cell.ends_at = cell.began_at + self.left_s / max(1, cells)
            return missing
        if cost is None:  # A task that was not collected: nobody has planned it.
            cell.ends_at = self._ends_at
            return missing
        given, share = self._share(cell)
        cell.ends_at = min(self._ends_at, cell.began_at + max(0.0, self.left_s) * share)
        first = set(list(dict.fromkeys(job.sample.item_id for job in jobs))[:given])
        return [job for job in missing if job.sample.item_id in first]

    def _share(self, cell: "_Cell") -> tuple[int, float]:
        """Return how many samples a cell gets, and its share of the time that is left, with some slack."""
        ahead = self._ahead(loaded=cell.key)
        given = self._allot(ahead, first=cell.key)
        if cell.key not in given.kept:
            return 0, 0.0
        kept = [one for one in ahead if one.key in given.kept]
        total_s = sum(one.seconds(given.limit, self._settings.epochs) for one in kept)
        own = next(one for one in kept if one.key == cell.key).cells[cell.task]
        own_s = ModelCost(key="", fixed_s=0.0, cells={"": own}).seconds(given.limit, self._settings.epochs)
        return given.limit, min(1.0, own_s / total_s * _SLACK) if total_s > 0 else 1.0

    def end_cell(self, task: Task, model: Model, *, asked: int) -> None:
        """Learn from what a cell took."""
        cost = self._costs.get(model.key)
        if cost is None or task.name not in cost.cells:
            return
        cells = dict(cost.cells)
        cell = cells.pop(task.name)
        self._learn(cell, asked)
        self._costs[model.key] = replace(cost, cells=cells)

    def bounded(self, ask: Callable[[Job, Exchange], Answer]) -> Callable[[Job, Exchange], Answer]:
        """Return `ask`, but that it leaves out what the cell has no time for. Jobs come in order: the last are cut."""

        def within(job: Job, exchange: Exchange) -> Answer:
            if self._may_ask():
                return ask(job, exchange)
            return Answer(job=job, outcome=Outcome.CANCELLED, is_left_out=True)

        return within

    def _may_ask(self) -> bool:
        cell = self._cell
        with self._lock:
            if cell.pilot is not None and cell.asked == cell.pilot:
                self._settle(cell)
            if self._clock.monotonic() >= cell.ends_at or (cell.most is not None and cell.asked >= cell.most):
                return False
            cell.asked += 1
            return True

    def _settle(self, cell: "_Cell") -> None:
        """Decide how many samples a cell gets, from the time that its first ones took."""
        cost = self._costs[cell.key]
        own = cost.cells[cell.task]
        took_s = self._clock.monotonic() - cell.began_at
        measured_s = took_s / max(1, cell.asked)
        self._guessed_s, self._took_s = own.guess_s * cell.asked, took_s
        scaled = replace(own, sample_s=measured_s, is_guess=False, known=own.known + cell.asked)
        self._costs[cell.key] = replace(cost, cells={**cost.cells, cell.task: scaled})
        given, share = self._share(cell)
        self._guessed_s = self._took_s = 0.0  # Learned again, from the whole cell, at its end.
        cell.pilot = None
        cell.most = max(cell.asked, given * self._settings.epochs - own.known)
        cell.ends_at = min(self._ends_at, self._clock.monotonic() + max(0.0, self.left_s) * share)

    def _learn(self, cell: CellCost, asked: int) -> None:
        if asked:
            self._guessed_s += cell.guess_s * asked
            self._took_s += self._clock.monotonic() - self._cell.began_at

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
