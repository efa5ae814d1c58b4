"""Keeps a run within its budget. How much a cell gets is decided from times alone, never from its scores."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.client.exchange import Exchange
from harness.clock import Clock
from harness.domain.answer import Answer, Job
from harness.domain.generation import Outcome
from harness.domain.model import Model
from harness.report.figure import seconds
from harness.run.ask.job import only
from harness.run.plan.budget import LEAST_SAMPLES, Allotment, CellCost, ModelCost, allot, shared
from harness.settings import Settings
from harness.task.task import Task

PLANNED_SHARE = 0.9
"""The share of the time left that is planned with: estimates are inexact, and releases take time as well."""

LATENCY_SHARE = 1 / 3
"""The largest share of the budget that the latency suite gets."""

_SLACK = 1.5
_PROBES = 7
"""The fewest requests of one test of the latency suite: a warm-up and five rounds, and one more to be safe."""


@dataclass(slots=True, kw_only=True)
class _CellTime:
    """The cell that is being asked, and its time; times are the clock's.

    Attributes:
        ends_at: nothing more is asked from then on.
        pilot: after so many samples it is decided how many are asked; None: that is decided.
        most: how many samples are asked; None: all.
        asked: how many were asked so far.
    """

    key: str
    task: str
    began_at: float
    ends_at: float = 0.0
    pilot: int | None = None
    most: int | None = None
    asked: int = 0


class Pace:
    """Decides what may still begin. What has begun is finished, so a run ends a sample's deadline and a release late.

    Args:
        costs: of the models that will be loaded, cheapest first.
        settings: of the run; its latency budget is already one model's share.
        started: when the budget began, on `clock`.
        clock: for all times.

    Attributes:
        allotment: how many samples were planned on which models when the run began.
    """

    def __init__(self, costs: Sequence[ModelCost], *, settings: Settings, started: float, clock: Clock) -> None:
        self._costs = {cost.key: cost for cost in costs}
        self._settings = settings
        self._clock = clock
        self._ends_at = started + (settings.budget_s or 0.0)
        self._cell = _CellTime(key="", task="", began_at=started)
        self._lock = threading.Lock()
        self._begun: set[str] = set()
        self._loaded = ""
        self._why_dropped: dict[str, str] = {}
        self._guessed_s = self._took_s = 0.0
        self.allotment = self._allot(list(costs))

    @property
    def left_s(self) -> float:
        """The time left, in seconds; negative once the budget is used up."""
        return self._ends_at - self._clock.monotonic()

    def time_left(self) -> float:
        """Return `left_s`, for who asks again and again."""
        return self.left_s

    def is_begun(self, model: Model) -> bool:
        """Tell whether `why_not` has allowed this model."""
        return model.name in self._begun

    def why_not(self, model: Model) -> str | None:
        """Return why no test may begin on a model, or None. The first call decides whether the model is used at all."""
        if self.is_begun(model):
            return self._left_out("the time is up") if self.left_s <= 0 else None
        cost = self._costs.get(model.name)
        if cost is None:
            return self._why_dropped.get(model.name)
        self._forget_before(cost.key)
        # Guesses were seen to be wrong by a factor of thirty: the first model is tried rather than left out for one.
        is_trial = not self._begun and self.left_s > 0 and any(cell.is_guess for cell in cost.cells.values())
        if not is_trial and cost.key in self._allot(self._ahead()).dropped:
            del self._costs[cost.key]
            why = f"it takes longer than the {seconds(max(0.0, self.left_s))} that are left"
            return self._why_dropped.setdefault(cost.key, self._left_out(why))
        self._begun.add(cost.key)
        self._loaded = cost.model_key
        return None

    def why_not_measure(self, model: Model) -> str | None:
        """Return why the latency of a model is not measured, or None. Later models keep time for one sample each."""
        if self.left_s <= 0:
            return self._left_out("the time is up")
        cost = self._costs.get(model.name)
        slowest_s = max((cell.sample_s for cell in cost.cells.values()), default=0.0) if cost else 0.0
        measuring_s = cost.measuring_s if cost else self._settings.latency_budget_s
        needed_s = max(measuring_s / 3, _PROBES * slowest_s)
        later = shared((cost for cost in self._ahead() if cost.key != model.name), loaded=self._loaded)
        later_s = sum(cost.seconds(1, self._settings.epochs) for cost in later)
        if needed_s + later_s > self.left_s:
            return self._left_out(f"measuring takes {seconds(needed_s)}, and {seconds(self.left_s)} are left for all")
        return None

    def begin_cell(
        self, task: Task, model: Model, jobs: Sequence[Job], known: Collection[tuple[str, int]]
    ) -> Sequence[Job]:
        """Return the jobs to ask: those of the first items, as many as fit, without the `known` ones.

        Where nothing was measured on this machine yet, all are returned, and `bounded` decides the number after 10.
        """
        self._cell = cell = _CellTime(key=model.name, task=task.name, began_at=self._clock.monotonic())
        # After its first round a cell has no cost any more: what is still asked then may use all the time left.
        cost = self._costs[model.name].cells.get(task.name) if model.name in self._costs else None
        missing = only(jobs, lambda job: job.place not in known) if known else jobs
        if cost is not None and cost.is_guess and not self._guessed_s and self.left_s > 0:
            cell.pilot = min(LEAST_SAMPLES, len(missing))
            cells = sum(len(each.cells) for each in self._costs.values())
            cell.ends_at = cell.began_at + self.left_s / max(1, cells)
            return missing
        if cost is None:  # The task was not collected, so it is not planned: a test that runs a task of its own.
            cell.ends_at = self._ends_at
            return missing
        given, share = self._share(cell)
        cell.ends_at = min(self._ends_at, cell.began_at + max(0.0, self.left_s) * share)
        first = set(list(dict.fromkeys(job.sample.item_id for job in jobs))[:given])
        return only(missing, lambda job: job.sample.item_id in first)

    def _share(self, cell: _CellTime) -> tuple[int, float]:
        """Return how many samples a cell gets, and which share of the time left it may use, with some slack."""
        ahead = self._ahead(loaded=cell.key)
        given = self._allot(ahead, first=cell.key)
        if cell.key not in given.kept:
            return 0, 0.0
        kept = shared((cost for cost in ahead if cost.key in given.kept), loaded=self._loaded)
        total_s = sum(cost.seconds(given.limit, self._settings.epochs) for cost in kept)
        own = next(cost for cost in kept if cost.key == cell.key).cells[cell.task]
        own_s = ModelCost(key="", fixed_s=0.0, cells={"": own}).seconds(given.limit, self._settings.epochs)
        return given.limit, min(1.0, own_s / total_s * _SLACK) if total_s > 0 else 1.0

    def end_cell(self, task: Task, model: Model, *, asked: int) -> None:
        """Scale later guesses by the time that this cell took, and forget it."""
        cost = self._costs.get(model.name)
        if cost is None or task.name not in cost.cells:
            return
        cells = dict(cost.cells)
        cell = cells.pop(task.name)
        self._learn(cell, asked)
        self._costs[model.name] = replace(cost, cells=cells)

    def bounded(self, ask: Callable[[Job, Exchange], Answer]) -> Callable[[Job, Exchange], Answer]:
        """Return `ask` limited to the cell's time: jobs come in planned order, and the last ones are left out."""

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

    def _settle(self, cell: _CellTime) -> None:
        """Decide how many samples a cell gets, by the time that its first ones took."""
        cost = self._costs[cell.key]
        own = cost.cells[cell.task]
        took_s = self._clock.monotonic() - cell.began_at
        measured_s = took_s / max(1, cell.asked)
        self._guessed_s, self._took_s = own.guess_s * cell.asked, took_s
        scaled = replace(own, sample_s=measured_s, is_guess=False, known=own.known + cell.asked)
        self._costs[cell.key] = replace(cost, cells={**cost.cells, cell.task: scaled})
        given, share = self._share(cell)
        # `end_cell` learns from the whole cell, these first samples included.
        self._guessed_s = self._took_s = 0.0
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
            loaded=self._loaded,
        )

    def _ahead(self, *, loaded: str = "") -> list[ModelCost]:
        """Return what lies ahead, guesses scaled by what was measured.

        The loaded model needs no load any more; who adds them up takes those of other levels away (`shared`).
        """
        costs = []
        for cost in self._costs.values():
            cells: Mapping[str, CellCost] = {name: self._scaled(cell) for name, cell in cost.cells.items()}
            scaled = replace(cost, cells=cells)
            is_loaded = cost.key == loaded
            costs.append(replace(scaled, fixed_s=cost.measuring_s, load_s=0.0) if is_loaded else scaled)
        return costs

    def _scaled(self, cell: CellCost) -> CellCost:
        if not cell.is_guess or not self._guessed_s:
            return cell
        return replace(cell, sample_s=cell.guess_s * self._took_s / self._guessed_s)

    def _forget_before(self, key: str) -> None:
        """Drop the models before this one: they are finished."""
        keys = list(self._costs)
        for earlier in keys[: keys.index(key)]:
            del self._costs[earlier]

    def _left_out(self, why: str) -> str:
        return f"left out: {why}, within the budget of {seconds(self._settings.budget_s)}"
