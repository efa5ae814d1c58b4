"""What a kind of work needs of a model: from names of tasks to one demand.

`ranking` says which models meet a demand. This module imports little, as the command line needs the names for its help.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from harness.errors import SettingsError

Preference: TypeAlias = Literal["loaded", "speed", "reasoning", "size"]
"""What models that fit are ordered by."""

PREFERENCES: tuple[Preference, ...] = get_args(Preference)

_LONG_CONTEXT_TOKENS = 32_768


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskNeed:
    """What one kind of task needs of a model; `prefer` is None where neither speed nor size matters much.

    `tools` is no more than a wish: a model that is not trained for tool use gets the functions in its prompt.
    """

    vision: bool = False
    tools: bool = False
    embedding: bool = False
    min_context_tokens: int = 0
    prefer: Preference | None = None


TASK_NEEDS: Mapping[str, TaskNeed] = {
    "brainstorm": TaskNeed(prefer="reasoning"),
    "chat": TaskNeed(),
    "classify": TaskNeed(prefer="speed"),
    "code": TaskNeed(prefer="reasoning"),
    "embedding": TaskNeed(embedding=True),
    "extract": TaskNeed(prefer="speed"),
    "instruct": TaskNeed(prefer="speed"),
    "longcontext": TaskNeed(min_context_tokens=_LONG_CONTEXT_TOKENS),
    "multiturn": TaskNeed(),
    "nearest-label": TaskNeed(embedding=True),
    "reason": TaskNeed(prefer="reasoning"),
    "retrieval": TaskNeed(embedding=True),
    "review": TaskNeed(prefer="reasoning"),
    "rewrite": TaskNeed(prefer="speed"),
    "similarity": TaskNeed(embedding=True),
    "summarise": TaskNeed(prefer="speed"),
    "tools": TaskNeed(tools=True),
    "vision": TaskNeed(vision=True),
}
"""What `lms-harness select` can be asked for. A task class that ships needs an entry here (docs/tasks.md)."""


def are_for_embedding(tasks: Collection[str]) -> bool:
    """Tell whether there are tasks, and all of them are ours and for embedding models."""
    return bool(tasks) and all(task in TASK_NEEDS and TASK_NEEDS[task].embedding for task in tasks)


def are_mixed(tasks: Collection[str]) -> bool:
    """Tell whether some of the tasks are for embedding models, and others are not."""
    return len({task in TASK_NEEDS and TASK_NEEDS[task].embedding for task in tasks}) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a model must have, and which of several is preferred.

    Attributes:
        vision: it must take images.
        tools: those that are trained for tool use come first.
        embedding: it must be an embedding model, not a chat model.
        min_context_tokens: the context that it must support; 0: any.
        prefer: what models are ordered by, most important first; the key comes last, so that the order is total.
        exclude: globs over the keys of models to leave out.
        max_size_bytes: the largest file allowed; None: any.
    """

    vision: bool = False
    tools: bool = False
    embedding: bool = False
    min_context_tokens: int = 0
    prefer: tuple[Preference, ...] = ("loaded", "size")
    exclude: tuple[str, ...] = ()
    max_size_bytes: int | None = None


def demand_for(
    tasks: Sequence[str],
    *,
    min_context_tokens: int = 0,
    prefer: Sequence[Preference] = (),
    exclude: Sequence[str] = (),
    max_size_bytes: int | None = None,
) -> Demand:
    """Return what these tasks need together: every need of each, and the preference of the hardest.

    "loaded" comes first unless `prefer` puts it elsewhere, and "size" comes last. So without tasks and preferences the
    smallest loaded model is wanted, else the smallest one.

    Raises:
        SettingsError: no single model can do them all.
    """
    needs = [TASK_NEEDS[task] for task in tasks]
    embedding = any(need.embedding for need in needs)
    if embedding and not all(need.embedding for need in needs):
        ours, others = (
            ", ".join(task for task in tasks if TASK_NEEDS[task].embedding == kind) for kind in (True, False)
        )
        raise SettingsError(
            f"no model does both {ours} and {others}: expected one of them", hint="Select one model for each."
        )
    preferred = {need.prefer for need in needs}
    hardest_first: Sequence[Preference] = ("reasoning", "speed")
    by_task = [preference for preference in hardest_first if preference in preferred][:1]
    order: list[Preference] = [*(prefer or by_task), "size"]
    if "loaded" not in order:
        order.insert(0, "loaded")
    return Demand(
        vision=any(need.vision for need in needs),
        tools=any(need.tools for need in needs),
        embedding=embedding,
        min_context_tokens=max([min_context_tokens, *(need.min_context_tokens for need in needs)]),
        prefer=tuple(dict.fromkeys(order)),
        exclude=tuple(exclude),
        max_size_bytes=max_size_bytes,
    )
