"""How long requests may be, how many of them run at a time, and what context that takes (adr-0001).

llama.cpp shares one context over all slots of an instance: requests in flight need the sum of their lengths.
"""

from harness.domain.model import Instance, Model
from harness.run.ask.reasoning import EXTRA_TOKENS, most_extra_tokens
from harness.settings import Settings
from harness.task.task import Task

USUAL_SLOTS = 4
"""LM Studio's default for concurrent predictions; the real number is known only after the load."""


def context_for(request_tokens: int, model: Model, settings: Settings) -> int:
    """Return the context that holds a request of this length, reasoning added, in every slot planned for the model."""
    return (request_tokens + _reasoning_tokens(model, settings)) * _planned_slots(settings)


def room_tokens(task: Task, model: Model, settings: Settings) -> int:
    """Return how many tokens one request of the task may take: prompt and answer, without reasoning.

    That is what the task declares. A task that is fitted to the context gets more or less than that only where the user
    set the context length: a slot's share of it, within what the model was trained for.
    """
    declared = declared_tokens(task, model)
    if task.generate_for is None:
        return declared
    wanted = settings.context_length or context_for(declared, model, settings)
    context = min(wanted, model.max_context_length or wanted)
    return max(0, context // _planned_slots(settings) - _reasoning_tokens(model, settings))


def declared_tokens(task: Task, model: Model) -> int:
    """Return how many tokens one request takes, as the task declares: more where its functions are sent as `tools`."""
    can = model.capabilities
    return task.room_tokens + (task.tools_tokens if can is not None and can.trained_for_tool_use else 0)


def prompt_tokens(task: Task, model: Model, settings: Settings) -> int:
    """Return how long a prompt of the task is at most."""
    return max(0, room_tokens(task, model, settings) - task.max_output_tokens)


def slots_of(instance: Instance, settings: Settings) -> int:
    """Return how many requests this instance is sent at a time: what the user set, else its number of slots."""
    return settings.concurrency or instance.slots


def thought_tokens(task: Task, model: Model, settings: Settings, *, context_length: int | None) -> int:
    """Return how many more tokens an answer gets from a model that turns out to think in its text.

    It was loaded without room for thoughts, so they get what its context has left beside one request.
    """
    if context_length is None:
        return EXTRA_TOKENS
    return max(0, min(EXTRA_TOKENS, context_length - room_tokens(task, model, settings)))


def slots_for(task: Task, model: Model, instance: Instance, settings: Settings, *, extra: int = 0) -> int:
    """Return how many samples of this task are asked at a time: as `slots_of`, but no more than fit into the context.

    An embedding model is sent one sample at a time: its texts are a batch. A number that the user set is kept, whatever
    the context. `extra` tokens are those of `thought_tokens`.
    """
    slots = slots_of(instance, settings)
    context = instance.config.context_length
    if settings.concurrency is not None or context is None:
        return slots
    if model.is_embedding:
        return 1
    request_tokens = room_tokens(task, model, settings) + _reasoning_tokens(model, settings) + extra
    return max(1, min(slots, context // max(1, request_tokens)))


def _planned_slots(settings: Settings) -> int:
    return settings.concurrency or USUAL_SLOTS


def _reasoning_tokens(model: Model, settings: Settings) -> int:
    return most_extra_tokens(model, settings.reasoning)
