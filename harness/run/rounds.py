"""The rounds after the first one of a run that goes on until its tasks are decided.

Each round reads the run's own file, as a resumed run reads its parent's, so only what is missing is asked. A model is
loaded once a round, and not at all where nothing of it is open.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypedDict

from harness.domain.model import Model
from harness.errors import LeaseError, LoadFailed, ReleaseFailed
from harness.report.live.standing import PlannedCell, PlannedModel
from harness.report.round import NextRound, render_round
from harness.run.plan.pace import Pace
from harness.run.plan.plan import load_config
from harness.run.resume.resume import Resumption
from harness.run.run import Run
from harness.settings import Settings
from harness.store.cell import CellKey
from harness.store.run_file import RunFile
from harness.task.task import Task
from harness.verdict.spending import ROUND_SAMPLES
from harness.verdict.task_choice import choices_of


class _What(TypedDict):
    models: Sequence[Model]
    tasks: Sequence[Task]
    settings: Settings


class Rounds:
    """What is asked after the first round, and what that settles.

    Args:
        run: whose first round has ended.
        models: of the run, cheapest first.
        tasks: of the run.
        settings: of the run.
        pace: keeps the run within its budget; None: there is none.
        say: prints lines for the user.
        on_failure: is given an instance that could not be released; the other models are asked all the same.
    """

    def __init__(
        self,
        run: Run,
        *,
        models: Sequence[Model],
        tasks: Sequence[Task],
        settings: Settings,
        pace: Pace | None,
        say: Callable[[str], None],
        on_failure: Callable[[ReleaseFailed], None],
    ) -> None:
        self._run = run
        self._models = models
        self._tasks = tasks
        self._settings = settings
        self._pace = pace
        self._say = say
        self._on_failure = on_failure

    def ask(self) -> None:
        """Ask round after round what is still open, until nothing is, the samples are used up, or the time is.

        Raises:
            HarnessError: the server went away, an instance was lost, or records can no longer be written.
        """
        sizes = self._settings.rounds
        what: _What = {"models": self._models, "tasks": self._tasks, "settings": self._settings}
        for number, size in enumerate(sizes[1:], start=2):
            seen = RunFile.read(self._run.path)
            asked = still_open(seen, size, **what)
            if not any(asked.values()):  # Nothing is open, or a resumed run has the answers of this round already.
                continue
            is_late = self._pace is not None and self._pace.left_s <= 0
            before = NextRound(number=number, rounds=len(sizes), size=size, is_late=is_late)
            self._say(render_round(before, choices_of(seen), asked=asked, cells=_missing(seen, size, **what)))
            if is_late:
                return
            for model in self._models:
                if names := asked[model.name]:
                    self._run.recorder.measure(ROUND_SAMPLES, size, "samples", model=model, round=number, tasks=names)
            self._run.continue_from(Resumption(parent=seen, tests={}, **what))
            self._run.progress.expect(
                expected(seen, asked, size, **what),
                title=f"round {number} of {len(sizes)}",
                time_left=self._pace.time_left if self._pace else None,
            )
            for model in self._models:
                later = self._models[self._models.index(model) + 1 :]
                self._ask_model(
                    model,
                    [task for task in self._tasks if task.name in asked[model.name]],
                    size,
                    has_more_levels=any(other.key == model.key and asked[other.name] for other in later),
                )
        seen = RunFile.read(self._run.path)
        self._say(render_round(None, choices_of(seen), asked={}, cells=_missing(seen, sizes[-1], **what)))

    def _ask_model(self, model: Model, tasks: Sequence[Task], size: int, *, has_more_levels: bool) -> None:
        if not tasks:
            return
        if self._pace is not None and self._pace.left_s <= 0:
            for task in tasks:
                self._run.recorder.skip("asked no more: the budget is used up", model_key=model.name, task=task.name)
            return
        config = load_config(model, self._tasks, self._settings)
        try:
            with self._run.leased(model, config, has_more_levels=has_more_levels) as leased:
                for task in tasks:
                    self._run.evaluate(task, leased, limit=size)
                self._run.check(leased.lease)
        except ReleaseFailed as exc:  # Before LeaseError, whose subclass it is.
            self._on_failure(exc)
        except (LoadFailed, LeaseError) as exc:
            for task in tasks:
                self._run.recorder.skip(f"asked no more: {exc}", model_key=model.name, task=task.name)


def still_open(
    seen: RunFile, size: int, *, models: Sequence[Model], tasks: Sequence[Task], settings: Settings
) -> Mapping[str, Sequence[str]]:
    """Return by model, in the order given, the tasks that it is asked more of in a round of this size.

    What a run that died had begun in this round is finished, whatever it says so far: the rounds are the only looks.
    """
    wanted = {found.evidence.task: found.to_ask() for found in choices_of(seen)}
    missing = _missing(seen, size, models=models, tasks=tasks, settings=settings)
    earlier = max((other for other in settings.rounds if other < size), default=0)
    planned, before = _planned(tasks, size, settings), _planned(tasks, earlier, settings)

    def is_open(key: CellKey) -> bool:
        is_begun = 0 < missing[key] < planned[key.task] - before[key.task]
        return is_begun or (missing[key] > 0 and key.model_key in wanted.get(key.task, ()))

    return {
        model.name: [task.name for task in tasks if (key := CellKey(model.name, task.name)) in missing and is_open(key)]
        for model in models
    }


def expected(
    seen: RunFile,
    asked: Mapping[str, Sequence[str]],
    size: int,
    *,
    models: Sequence[Model],
    tasks: Sequence[Task],
    settings: Settings,
) -> list[PlannedModel]:
    """Return what a round of this size asks, of each model the tasks named, and what there is of that already."""
    planned = _planned(tasks, size, settings)
    missing = _missing(seen, size, models=models, tasks=tasks, settings=settings)
    loads_s = {use.model_key: use.load_wall_s for use in seen.uses}
    return [
        PlannedModel(
            key=key,
            cells=[
                PlannedCell(task=name, total=planned[name], known=planned[name] - missing[CellKey(key, name)])
                for name in names
            ],
            fixed_s=loads_s.get(key) or 0.0,
        )
        for key, names in asked.items()
        if names
    ]


def _planned(tasks: Sequence[Task], size: int, settings: Settings) -> Mapping[str, int]:
    """Return how many answers a model has on each task after a round of this size; a task may have fewer samples."""
    return {
        task.name: len(task.samples(seed=settings.seed, limit=size)) * settings.epochs if size else 0 for task in tasks
    }


def _missing(
    seen: RunFile, size: int, *, models: Sequence[Model], tasks: Sequence[Task], settings: Settings
) -> Mapping[CellKey, int]:
    """Return how many answers each cell that has come to its end lacks for a round of this size."""
    keys, planned = {model.name for model in models}, _planned(tasks, size, settings)
    return {
        key: max(0, planned[key.task] - sum(sample.is_counted for sample in seen.cells.get(key, ())))
        for key in (CellKey(cell.model_key, cell.task) for cell in seen.summaries)
        if key.task in planned and key.model_key in keys
    }
