"""What a run will do, known before anything is loaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.domain.model import Instance, LoadConfig, Model
from harness.errors import SettingsError
from harness.lifecycle.selection import Selection, parameters
from harness.report.plan import PlanRow, render_plan
from harness.runner.ask import REASONING_EXTRA_TOKENS, reasoning_for
from harness.settings import Settings
from harness.task.task import Task

USUAL_SLOTS = 4
"""LM Studio's default for concurrent predictions; the real number is known only after the load."""

_LEAST_CONTEXT = 2048
_BANDWIDTH_BYTES_S = 10e9
_PREFILL_TO_DECODE = 4
_DISK_BYTES_S = 1e9


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
    """Refuse a reasoning setting that none of the models lists: it would silently be replaced by the lowest.

    Raises:
        SettingsError: says which ones they list.
    """
    listed = {one for model in models if model.capabilities for one in model.capabilities.reasoning_options or ()}
    if wanted is not None and wanted not in listed:
        names = ", ".join(sorted(listed)) or "none"
        raise SettingsError(f"reasoning {wanted!r} is listed by none of the selected models; they list: {names}")


def load_config(model: Model, tasks: Sequence[Task], settings: Settings) -> LoadConfig:
    """Return what to load with: the smallest power of two that holds every slot's longest request, within the model's.

    llama.cpp shares one context over all slots, so concurrent requests need the sum of their lengths (adr-0001).
    """
    if settings.context_length is not None:
        return LoadConfig(context_length=settings.context_length)
    longest = max((task.room_tokens for task in tasks), default=0) + _reasoning_tokens(model, settings)
    needed = max(_LEAST_CONTEXT, longest * (settings.concurrency or USUAL_SLOTS))
    power = 1 << (needed - 1).bit_length()
    return LoadConfig(context_length=min(power, model.max_context_length or power))


def room_tokens(task: Task, model: Model, settings: Settings) -> int:
    """Return what one request of the task may take, prompt and answer but no reasoning.

    For a task that is fitted to the context that is its own measure, so that a plain run stays quick whatever else is
    run; a slot's share of the context that the user set, be it longer or shorter; and never more than a slot's share of
    what the model was trained for.
    """
    if task.generate_for is None:
        return task.room_tokens
    slots = settings.concurrency or USUAL_SLOTS
    wanted = settings.context_length or (task.room_tokens + _reasoning_tokens(model, settings)) * slots
    context = min(wanted, model.max_context_length or wanted)
    return max(0, context // slots - _reasoning_tokens(model, settings))


def slots_for(task: Task, model: Model, instance: Instance, settings: Settings) -> int:
    """Return how many samples to ask at a time: what the user set, or as many as there are slots and context for.

    Requests at a time share one context (adr-0001), and how many slots there are is known only after the load.
    """
    if settings.concurrency is not None:
        return settings.concurrency
    room = room_tokens(task, model, settings) + _reasoning_tokens(model, settings)
    context = instance.config.context_length or room * instance.slots
    return max(1, min(instance.slots, context // max(1, room)))


def _prompt_tokens(task: Task, model: Model, settings: Settings) -> int:
    return max(0, room_tokens(task, model, settings) - task.max_output_tokens)


def _reasoning_tokens(model: Model, settings: Settings) -> int:
    reasoning = reasoning_for(model, settings.reasoning)
    return 0 if reasoning in {None, "off", "none"} else REASONING_EXTRA_TOKENS


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Models x tasks, before anything is loaded."""

    selection: Selection
    tasks: tuple[Task, ...]
    settings: Settings

    def rows(self) -> tuple[PlanRow, ...]:
        """Return what is planned for each model."""
        return tuple(
            PlanRow(
                model=model,
                context_length=load_config(model, self.tasks, self.settings).context_length or 0,
                samples=sum(fits(task, model) is None for task in self.tasks)
                * self.settings.limit
                * self.settings.epochs,
                estimate_s=self.seconds(model),
            )
            for model in self.selection.models
        )

    def render(self, *, width: int | None = None) -> str:
        """Return the plan as text, fitted into a terminal of this width."""
        names = [task.name for task in self.tasks]
        return render_plan(self.rows(), tasks=names, because=self.selection.reason, width=width)

    def seconds(self, model: Model) -> float:
        """Return a rough estimate for one model: all weights are read once a token, at 10 GB/s."""
        known = parameters(model)
        active_bytes = model.size_bytes * (known[1] / known[0] if known else 1.0)
        decode_s = active_bytes / _BANDWIDTH_BYTES_S
        tokens = sum(
            task.max_output_tokens / 2 + _prompt_tokens(task, model, self.settings) / _PREFILL_TO_DECODE
            for task in self.tasks
            if fits(task, model) is None
        )
        asked = tokens * self.settings.limit * self.settings.epochs * decode_s
        return 1.0 + model.size_bytes / _DISK_BYTES_S + asked + self.settings.latency_budget_s

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as it is recorded; `tasks` are fingerprints of what is asked and how it is judged.

        `room_tokens` are what a request of each fitted task may take on each model; the fingerprint covers all of them.
        """
        return {
            "models": [model.key for model in self.selection.models],
            "models_because": self.selection.reason,
            "limit": self.settings.limit,
            "epochs": self.settings.epochs,
            "room_tokens": {
                task.name: {model.key: room_tokens(task, model, self.settings) for model in self.selection.models}
                for task in self.tasks
                if task.generate_for is not None
            },
            "tasks": {task.name: self._fingerprint(task) for task in self.tasks},
        }

    def _fingerprint(self, task: Task) -> str:
        rooms = sorted({room_tokens(task, model, self.settings) for model in self.selection.models})
        seed, limit = self.settings.seed, self.settings.limit
        return task.fingerprint(
            [one for room in rooms for one in task.samples(seed=seed, limit=limit, room_tokens=room)]
        )
