"""What a run will do: models and tasks, context lengths, numbers of samples, and about how long it takes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import Any

from harness.domain.candidate import Candidate, models_in, planned
from harness.domain.count import counted
from harness.domain.model import LoadConfig, Model
from harness.domain.sample import Sample, content_hash
from harness.errors import SettingsError
from harness.report.figure import seconds
from harness.report.live.standing import PlannedCell, PlannedModel
from harness.report.plan import PlanRow, render_plan
from harness.run.ask.reasoning import at_levels, levels_in, unlisted
from harness.run.ask.room import context_for, declared_tokens, room_tokens
from harness.run.plan.budget import Allotment, Basis, ModelCost, shared
from harness.run.plan.estimate import guess_load_s, guess_sample_s, measuring_s
from harness.selection.reference import choose_reference, reference_order
from harness.selection.selection import Selection
from harness.settings import Settings, setting
from harness.task.task import Task, item_hashes

_LEAST_CONTEXT = 2048
_DEEP_CONTEXT = 8192
_EMBEDDING_CONTEXT = 512
"""Each text of a shipped task is far shorter, and what is loaded with more serves as well."""
_WORTH_SAYING_S = 60.0
_MOST_NAMED = 5


def fits(task: Task, model: Model) -> str | None:
    """Return why this model cannot be given this task, or None."""
    can = model.capabilities
    if task.needs.embedding != model.is_embedding:
        return f"needs a{'n embedding' if task.needs.embedding else ' chat'} model"
    if task.needs.vision and not (can and can.vision):
        return "needs a model with vision"
    if task.needs.tools and not (can and can.trained_for_tool_use):
        return "needs a model trained for tool use"
    return None


def check_reasoning(models: Sequence[Model], wanted: str | None) -> None:
    """Refuse a reasoning setting that none of the models lists: each would silently be asked with its lowest one.

    Raises:
        SettingsError: says which settings they list.
    """
    if wanted is None:
        return
    listed = {option for model in models if model.capabilities for option in model.capabilities.reasoning_options or ()}
    for level in levels_in(wanted) or (wanted,):
        if level not in listed:
            expected = f"Expected one of: {', '.join(sorted(listed))}." if listed else "They list none: leave it out."
            raise SettingsError(f"none of the selected models lists the reasoning setting {level!r}", hint=expected)


def by_level(selection: Selection, wanted: str | None) -> Selection:
    """Return the selection with each of several reasoning levels of a model as a candidate of its own.

    They stand side by side, the lowest first, so that one load serves them all.

    Raises:
        SettingsError: as `check_reasoning`, or two candidates would have one name.
    """
    check_reasoning(selection.models, wanted)
    models = tuple(candidate for model in selection.models for candidate in at_levels(model, wanted))
    _check_distinct(models)
    left_out = {
        Candidate(model.key, level): why for model in selection.models for level, why in unlisted(model, wanted).items()
    }
    return replace(selection, models=models, left_out=left_out)


def _check_distinct(models: Sequence[Model]) -> None:
    """Refuse a model whose key is what another one is called at a level: their answers would count as one's."""
    keys = {str(model.name): model.key for model in models if model.reasoning_level is None}
    for model in models:
        if model.reasoning_level is not None and str(model.name) in keys:
            raise SettingsError(
                f"{model.name} is the key of a model, and also what {model.key} is called at the reasoning level "
                f"{model.reasoning_level}",
                hint=f"Ask them in separate runs: leave one of the two out, such as with "
                f"{setting('exclude', str(model.name))}.",
            )


def set_hash(task: Task, samples: Sequence[Sample]) -> str:
    """Return a hash of the scorer, its version and these samples; their order makes no difference."""
    hashes = sorted(item_hashes(samples))
    return content_hash([task.name, task.scorer.name, task.scorer.version, hashes])


def load_config(model: Model, tasks: Sequence[Task], settings: Settings) -> LoadConfig:
    """Return the context to load with: what the user set, else what the tasks need in all slots (adr-0001).

    The latter is rounded up to a power of two, and is at most what the model was trained for. Where only latency is
    measured, and in full, there is room for its longest prompt. Beside tasks there is not: their answers would then be
    of another context than those of other runs. Nor is there for a model that is loaded, which would get a second copy.
    """
    if settings.context_length is not None:
        return LoadConfig(context_length=settings.context_length)
    if model.is_embedding:
        return LoadConfig(context_length=min(_EMBEDDING_CONTEXT, model.max_context_length or _EMBEDDING_CONTEXT))
    longest = max((declared_tokens(task, model) for task in tasks), default=0)
    needed = max(_LEAST_CONTEXT, context_for(longest, model, settings))
    if settings.thorough and not tasks and not model.is_loaded:
        needed = max(needed, _DEEP_CONTEXT)
    power = 1 << (needed - 1).bit_length()
    return LoadConfig(context_length=min(power, model.max_context_length or power))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Models x tasks, before anything is loaded.

    Attributes:
        selection: the models, and why they were selected.
        tasks: that were collected.
        settings: of the run.
        suites: the names of our suites that tests were collected from.
        known: how many answers the resumed run has already, by model and task.
        complete: the keys of models of which nothing is missing.
        allotment: what fits into the budget; None: there is no budget.
        costs: what each model was estimated to cost.
        free_form: a fingerprint of each free-form test's task.
    """

    selection: Selection
    tasks: tuple[Task, ...]
    settings: Settings
    suites: tuple[str, ...] = ()
    known: Mapping[tuple[str, str], int] = field(default_factory=dict)
    complete: frozenset[str] = frozenset()
    allotment: Allotment | None = None
    costs: Mapping[str, ModelCost] = field(default_factory=dict)
    free_form: Mapping[str, str] = field(default_factory=dict)

    def rows(self) -> tuple[PlanRow, ...]:
        """Return what is planned for each model."""
        return tuple(
            PlanRow(
                model=model,
                context_length=load_config(model, self.tasks, self.settings).context_length or 0,
                samples=self._samples(model),
                estimate_s=self.seconds(model),
            )
            for model in self.selection.models
            if self.allotment is None or model.name in {*self.allotment.kept, *self.complete}
        )

    def render(self, *, width: int | None = None) -> str:
        """Return the plan as text, fitted into a terminal of this width."""
        names = [task.name for task in self.tasks]
        return render_plan(
            self.rows(),
            tasks=names,
            because=self.selection.reason,
            notes=self.notes(),
            width=width,
            load_bases={cost.load_basis for cost in self.costs.values()} or {"assumed"},
            answer_bases=self._answer_bases(),
        )

    def announcement(self) -> str:
        """Return what a run of over a minute is about to ask, of whom, how long that takes, and how to ask less."""
        rows = self.rows()
        total_s = sum(row.estimate_s for row in rows)
        if total_s <= _WORTH_SAYING_S:
            return ""
        samples = sum(row.samples for row in rows)
        tasks = counted(len(self.tasks), "task")
        asks = f"asks {counted(samples, 'sample')} of {tasks}" if samples else "measures"
        bases = self._answer_bases()
        basis = "partly by earlier runs" if len(bases) > 1 else "by earlier runs"
        basis = {"assumed": "a rough guess from sizes", "other models": "as fast as other models were here"}.get(
            "".join(bases), basis
        )
        half = f"{max(1, round(total_s / 120))}m"
        less = "" if self.settings.budget_s else f" Less with {setting('budget_s', half)}."
        models = models_in(row.model.name for row in rows) + " one after the other" * (len(rows) > 1)
        lines = [f"This run {asks}, {models}: about {seconds(total_s)} ({basis}).{less}"]
        lines += [self._thorough()] if self.settings.thorough else []
        return "\n".join([*lines, *([self._rounds()] if len(self.settings.rounds) > 1 else [])])

    def _answer_bases(self) -> set[Basis]:
        """Return what the estimates of the answers rest on."""
        cells = [(cost, cell) for cost in self.costs.values() for cell in cost.cells.values()]
        bases: set[Basis] = {cost.answer_basis if cell.is_guess else "this model" for cost, cell in cells}
        return bases or {"assumed"}

    def notes(self) -> list[str]:
        """Return, in sentences, what is not asked or short, what a resumed run has, what the budget leaves out."""
        lines = self._not_asked()
        lines += [
            f"{name} has {counted(count, 'sample')}, fewer than the limit of {self.settings.rounds[0]}."
            for name, count in self._counts.items()
            if count < self.settings.rounds[0]
        ]
        if self.settings.thorough:
            lines.append(self._thorough())
        if self.free_form:
            named = ", ".join([*self.free_form][:_MOST_NAMED]) + ", …" * (len(self.free_form) > _MOST_NAMED)
            lines.append(f"Not in these figures is what tests ask with lms_ask: {named}.")
        if len(self.settings.rounds) > 1:
            lines.append(self._rounds())
        if self.settings.resume:
            complete = ", ".join(model.name for model in self.selection.models if model.name in self.complete)
            lines.append(
                f"Resumes {self.settings.resume}, which has {sum(self.known.values())} of these answers; "
                f"complete, so not loaded: {complete or 'none'}."
            )
        if self.allotment is not None:
            budget, wanted = f"the budget of {seconds(self.settings.budget_s)}", self.settings.rounds[0]
            if not self.allotment.kept and self.allotment.dropped:
                lines.append(f"Nothing fits into {budget}.")
            elif self.allotment.limit < wanted:
                lines.append(f"{self.allotment.limit} of {counted(wanted, 'sample')} per task fit into {budget}.")
            else:
                lines.append(f"All samples of the models above fit into {budget}.")
            if self.allotment.dropped:
                lines.append(
                    f"Left out, because the budget is too short for them: {', '.join(self.allotment.dropped)}."
                )
        return lines

    def _not_asked(self) -> list[str]:
        """Return which tasks none of the models is asked, and which reasoning levels these do not list."""
        lines = [
            f"{task.name} is not asked: it {fits(task, self.selection.models[-1])}."
            for task in self.tasks
            if all(fits(task, model) for model in self.selection.models)
        ]
        if names := [*self.selection.left_out]:
            more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
            lines.append(f"Not asked, as these models do not list the level: {', '.join(names[:_MOST_NAMED])}{more}.")
        return lines

    def _thorough(self) -> str:
        """Return what measuring in full takes, or that it changes nothing."""
        if "latency" not in self.suites:
            return f"{setting('thorough')} changes nothing here: it is for the latency suite, which is not run."
        each_s = [self._measuring_s(row.model) for row in self.rows()]
        return f"Latency is measured in full: about {seconds(max(each_s, default=0.0))} a model at most, loads apart."

    def _measuring_s(self, model: Model) -> float:
        cost = self.costs.get(model.name)
        return cost.measuring_s if cost else measuring_s(model, self.settings)

    def _rounds(self) -> str:
        """Return what is asked after the first round, which the table is about, and at most how long that takes."""
        rounds, epochs = self.settings.rounds, self.settings.epochs
        more_s = sum(
            (rounds[-1] - rounds[0]) * epochs * cell.sample_s
            for cost in self.costs.values()
            for cell in cost.cells.values()
        )
        at_most = f" That takes {seconds(more_s)} more at most." if more_s else ""
        return (
            f"These are the first {counted(rounds[0], 'sample')} of each task. Then up to "
            f"{', '.join(map(str, rounds[1:]))} are asked of what is still open.{at_most}"
        )

    def seconds(self, model: Model) -> float:
        """Return how long one model is estimated to take, in seconds."""
        if model.name in self.complete:
            return 0.0
        cost = self._costs.get(model.name)
        if self.allotment is not None:
            return cost.seconds(self.allotment.limit, self.settings.epochs) if cost else 0.0
        if cost is not None:
            return cost.fixed_s + sum(
                max(0, self._counts[name] * self.settings.epochs - cell.known) * cell.sample_s
                for name, cell in cost.cells.items()
            )
        asked_s = sum(
            guess_sample_s(task, model, self.settings) * self._counts[task.name]
            for task in self.tasks
            if fits(task, model) is None
        )
        return guess_load_s(model) + asked_s * self.settings.epochs + self._measuring_s(model)

    @cached_property
    def _costs(self) -> Mapping[str, ModelCost]:
        """What each model that is asked costs, where the levels of a model share a load."""
        kept = [cost for name, cost in self.costs.items() if self.allotment is None or name in self.allotment.kept]
        return {cost.key: cost for cost in shared(kept)}

    @cached_property
    def _counts(self) -> Mapping[str, int]:
        """How many samples of each task are asked, at most the limit; in the first round, where there are several."""
        seed, limit = self.settings.seed, self.settings.rounds[0]
        return {task.name: len(task.samples(seed=seed, limit=limit)) for task in self.tasks}

    def _samples(self, model: Model) -> int:
        if model.name in self.complete:
            return 0
        limit = self.allotment.limit if self.allotment else self.settings.rounds[0]
        counts = {name: min(limit, count) for name, count in self._counts.items()}
        return sum(
            max(0, counts[task.name] * self.settings.epochs - self.known.get((model.name, task.name), 0))
            for task in self.tasks
            if fits(task, model) is None
        )

    def expected(self) -> list[PlannedModel]:
        """Return what is asked of each model in the first round, and what is known about how long that takes."""
        return [self._expected(row.model) for row in self.rows()]

    def _expected(self, model: Model) -> PlannedModel:
        limit = self.allotment.limit if self.allotment else self.settings.rounds[0]
        cost, is_complete = self._costs.get(model.name), model.name in self.complete
        cells = []
        for task in self.tasks:
            if fits(task, model) is None:
                total = min(limit, self._counts[task.name]) * self.settings.epochs
                known = total if is_complete else min(total, self.known.get((model.name, task.name), 0))
                cell = cost.cells.get(task.name) if cost else None
                guess_s = cell.guess_s if cell else guess_sample_s(task, model, self.settings)
                measured_s = None if cell is None or cell.is_guess else cell.sample_s
                cells.append(
                    PlannedCell(task=task.name, total=total, known=known, measured_s=measured_s, guess_s=guess_s)
                )
        latency_s = self._measuring_s(model) if "latency" in self.suites else 0.0
        fixed_s = cost.fixed_s if cost else guess_load_s(model) + latency_s
        return PlannedModel(key=model.name, cells=cells, fixed_s=0.0 if is_complete else fixed_s)

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as it is recorded.

        `reference_order_by_task` has the tasks that the reference is not asked, such as those for embedding models.
        `floors` are those of tasks with one of their own, which suffices for them where the user sets no other.
        `tasks` has a fingerprint of each task: what is asked, and how it is judged. `room_tokens` is how long a request
        of each fitted task may be on each model; the fingerprint covers the samples of all these lengths. `sets` are
        hashes that do not depend on the order of the samples, which makes no difference to a run that is resumed.
        """
        samples = {task.name: task.samples(seed=self.settings.seed, limit=self.settings.limit) for task in self.tasks}
        reference, because = choose_reference(self.selection.models, self.settings.primary)
        return {
            "models": [model.name for model in self.selection.models],
            **({"candidates": levels} if (levels := planned(model.name for model in self.selection.models)) else {}),
            "models_because": self.selection.reason,
            "reference": reference.name,
            "reference_because": because,
            "reference_order": [model.name for model in reference_order(self.selection.models, self.settings.primary)],
            "reference_order_by_task": {task.name: names for task in self.tasks if (names := self._own_order(task))},
            "suites": list(self.suites),
            "limit": self.settings.limit,
            "rounds": list(self.settings.rounds),
            "epochs": self.settings.epochs,
            "allotted": None if self.allotment is None else asdict(self.allotment),
            "room_tokens": {
                task.name: {model.name: room_tokens(task, model, self.settings) for model in self._able(task)}
                for task in self.tasks
                if task.generate_for is not None
            },
            "floors": {task.name: task.floor for task in self.tasks if task.floor is not None},
            "tasks": {**{task.name: self._fingerprint(task) for task in self.tasks}, **self.free_form},
            "sets": {task.name: set_hash(task, samples[task.name]) for task in self.tasks},
        }

    def _able(self, task: Task) -> Sequence[Model]:
        """Return the models that are asked a task, which are of its kind: chat, or embedding; all where none is."""
        models = self.selection.models
        return [model for model in models if model.is_embedding == task.needs.embedding] or models

    def _own_order(self, task: Task) -> Sequence[str]:
        """Return the order of references of a task that the run's own reference is not asked; empty for the others."""
        order = reference_order(self.selection.models, self.settings.primary)
        able = [model.name for model in order if fits(task, model) is None]
        return able if able and able[0] != order[0].name else []

    def unasked(self) -> Iterator[tuple[Model, Task, str]]:
        """Yield each model with a task that is for the other kind of model, and the reason."""
        for model in self.selection.models:
            for task in self.tasks:
                if model.is_embedding != task.needs.embedding and (reason := fits(task, model)):
                    yield model, task, reason

    def _fingerprint(self, task: Task) -> str:
        rooms = sorted({room_tokens(task, model, self.settings) for model in self._able(task)})
        parts = (task.samples(seed=self.settings.seed, limit=self.settings.limit, room_tokens=room) for room in rooms)
        return task.fingerprint(next(parts) if len(rooms) == 1 else chain.from_iterable(parts))
