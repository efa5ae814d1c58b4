"""How much of a context a request may take, and how many requests fit into it at a time (adr-0001)."""

from harness.domain.model import Instance, Model
from harness.run.ask.request import REASONING_EXTRA_TOKENS, reasoning_for
from harness.settings import Settings
from harness.task.task import Task

USUAL_SLOTS = 4
"""LM Studio's default for concurrent predictions; the real number is known only after the load."""


def room_tokens(task: Task, model: Model, settings: Settings) -> int:
    """Return what one request of the task may take, prompt and answer but no reasoning.

    For a task that is fitted to the context that is its own measure, so that a plain run stays quick whatever else is
    run; a slot's share of the context that the user set, be it longer or shorter; and never more than a slot's share of
    what the model was trained for.
    """
    if task.generate_for is None:
        return task.room_tokens
    slots = settings.concurrency or USUAL_SLOTS
    wanted = settings.context_length or (task.room_tokens + reasoning_tokens(model, settings)) * slots
    context = min(wanted, model.max_context_length or wanted)
    return max(0, context // slots - reasoning_tokens(model, settings))


def slots_for(task: Task, model: Model, instance: Instance, settings: Settings) -> int:
    """Return how many samples to ask at a time: what the user set, or as many as there are slots and context for.

    Requests at a time share one context (adr-0001), and how many slots there are is known only after the load.
    """
    if settings.concurrency is not None:
        return settings.concurrency
    room = room_tokens(task, model, settings) + reasoning_tokens(model, settings)
    context = instance.config.context_length or room * instance.slots
    return max(1, min(instance.slots, context // max(1, room)))


def prompt_tokens(task: Task, model: Model, settings: Settings) -> int:
    """Return how long a prompt of the task is at most."""
    return max(0, room_tokens(task, model, settings) - task.max_output_tokens)


def reasoning_tokens(model: Model, settings: Settings) -> int:
    """Return what an answer's budget grows by on this model."""
    reasoning = reasoning_for(model, settings.reasoning)
    return 0 if reasoning in {None, "off", "none"} else REASONING_EXTRA_TOKENS
