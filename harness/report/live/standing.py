"""How far a run has got: counts and scores by model and task. Values only: who draws them is `picture`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

from harness.domain.answer import Answer, KeptAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCell:
    """What is about to be asked of a model on a task.

    Attributes:
        task: its name.
        total: how many answers there will be, the known ones included.
        known: how many of them an earlier run, or an earlier round, has given already.
        measured_s: how long a sample took in earlier runs, with all slots at work; None: there were none.
        guess_s: the same, guessed from the model's size.
    """

    task: str
    total: int
    known: int = 0
    measured_s: float | None = None
    guess_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedModel:
    """What is about to be asked of a model; `fixed_s` is what its load and the tests without a task take."""

    key: str
    cells: Sequence[PlannedCell]
    fixed_s: float = 0.0


class Stage(Enum):
    """Where a cell or a model is on its way."""

    WAITING = "waiting"
    NOW = "now"
    OVER = "over"


@dataclass(slots=True)
class CellStanding:
    """How far a cell has got.

    Attributes:
        plan: what was planned.
        total: how many answers there will be, as is known now.
        done: how many there are.
        asked: how many of them this run asked for.
        took_s: how long that took.
        scores: the sum of the scores, and how many they are.
    """

    plan: PlannedCell
    total: int
    done: int
    stage: Stage = Stage.WAITING
    asked: int = 0
    took_s: float = 0.0
    scores: tuple[float, int] = (0.0, 0)

    @property
    def score(self) -> float | None:
        """The mean of the scores so far; None: there is none yet."""
        total, count = self.scores
        return total / count if count else None

    @property
    def missing(self) -> int:
        """How many answers are still to come."""
        return 0 if self.stage is Stage.OVER else max(0, self.total - self.done)

    def add_score(self, answer: Answer | KeptAnswer) -> None:
        """Count the score of an answer, if it has one."""
        if answer.score is not None and answer.score.value is not None:
            self.scores = self.scores[0] + answer.score.value, self.scores[1] + 1


@dataclass(slots=True)
class ModelStanding:
    """How far a model has got; `other_s` is the time that went into anything but its tasks."""

    plan: PlannedModel
    cells: dict[str, CellStanding]
    stage: Stage = Stage.WAITING
    other_s: float = 0.0

    @property
    def is_skipped(self) -> bool:
        """Whether it has ended without an answer to any of its tasks."""
        return bool(self.cells) and self.stage is Stage.OVER and not any(cell.done for cell in self.cells.values())


@dataclass(slots=True)
class Standing:
    """How far a run has got.

    Attributes:
        models: by key, in the order in which they are asked.
        doing: what the current model does, where that is not a task.
        current: the key of the model that is asked; "" before the first one.
        task: the name of the task that is asked; "" between tasks.
    """

    models: dict[str, ModelStanding] = field(default_factory=dict)
    doing: str = ""
    current: str = ""
    task: str = ""
    _since: float = 0.0

    def expect(self, models: Sequence[PlannedModel], now: float) -> None:
        """Take in what is planned from now on. What was asked before keeps its counts."""
        for model in self.models.values():
            _close(model)
        for planned in models:
            is_known = all(cell.known >= cell.total for cell in planned.cells) and not planned.fixed_s
            model = self.models.setdefault(planned.key, ModelStanding(planned, {}))
            model.plan, model.stage, model.other_s = planned, Stage.OVER if is_known else Stage.WAITING, 0.0
            for cell in planned.cells:
                model.cells[cell.task] = self._continued(model.cells.get(cell.task), cell)
        self.current, self.task, self.doing, self._since = "", "", "", now

    @staticmethod
    def _continued(before: CellStanding | None, planned: PlannedCell) -> CellStanding:
        if before is None:
            return CellStanding(planned, planned.total, planned.known)
        before.plan, before.total, before.stage = planned, max(planned.total, before.done), Stage.WAITING
        return before

    def turn_to(self, model_key: str, now: float, *, doing: str = "") -> None:
        """Note which model it is the turn of, and what it does.

        The models before it have ended, also those that could not be loaded or that the budget had no time for.
        """
        self._pass(now)
        self.doing = doing
        if model_key == self.current:
            return
        self.current = model_key
        self._model(model_key).stage = Stage.NOW
        for key, model in self.models.items():
            if key == model_key:
                break
            _close(model)

    def begin(self, model_key: str, task: str, total: int, known: Sequence[KeptAnswer], now: float) -> None:
        """Note that a task is being asked: `total` answers more than the known ones."""
        self.turn_to(model_key, now)
        cells = self._model(model_key).cells
        planned = PlannedCell(task=task, total=total + len(known))
        cell = cells.setdefault(task, CellStanding(planned, planned.total, 0))
        cell.stage, cell.total, cell.done, cell.scores = Stage.NOW, planned.total, len(known), (0.0, 0)
        for answer in known:
            cell.add_score(answer)
        self.task = task

    def add(self, answer: Answer, now: float) -> None:
        """Count an answer to the current task; one that the budget had no time for is not an answer."""
        self._pass(now)
        cell = self._model(self.current).cells[self.task]
        if answer.is_left_out:
            cell.total -= 1
            return
        cell.done += 1
        cell.asked += 1
        cell.add_score(answer)

    def end(self, now: float) -> None:
        """Note that the current task has ended: what it has got so far is all that it gets."""
        self._pass(now)
        cell = self._model(self.current).cells[self.task]
        cell.stage, cell.total, self.task = Stage.OVER, cell.done, ""

    def counts(self) -> tuple[int, int]:
        """Return how many answers there are, and how many there will be."""
        cells = list(self.cells())
        return sum(cell.done for cell in cells), sum(cell.done + cell.missing for cell in cells)

    def cells(self) -> Iterator[CellStanding]:
        """Yield all cells."""
        for model in self.models.values():
            yield from model.cells.values()

    def _model(self, key: str) -> ModelStanding:
        return self.models.setdefault(key, ModelStanding(PlannedModel(key=key, cells=()), {}))

    def _pass(self, now: float) -> None:
        """Add the time since the last event to what it went into."""
        passed_s, self._since = now - self._since, now
        if (model := self.models.get(self.current)) is None:
            return
        if self.task:
            model.cells[self.task].took_s += passed_s
        else:
            model.other_s += passed_s

    def since(self, now: float) -> float:
        """Return how long ago the last event was, in seconds."""
        return now - self._since


def _close(model: ModelStanding) -> None:
    """Expect nothing more of a model."""
    model.stage = Stage.OVER
    for cell in model.cells.values():
        cell.stage, cell.total = Stage.OVER, cell.done
