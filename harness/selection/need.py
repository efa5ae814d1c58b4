"""What a piece of work asks of a model: from the words of `select --task` to one demand.

Imports little, as the command line needs the words for its help. `ranking` says which models meet a demand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from harness.errors import SettingsError

Preference: TypeAlias = Literal["loaded", "speed", "reasoning", "size"]
"""What counts first among models that fit."""

PREFERENCES: tuple[Preference, ...] = get_args(Preference)

_LONG_CONTEXT_TOKENS = 32_768


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskNeed:
    """What one task class asks of a model; `prefer` is None where size and speed hardly matter to it."""

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
    "reason": TaskNeed(prefer="reasoning"),
    "review": TaskNeed(prefer="reasoning"),
    "rewrite": TaskNeed(prefer="speed"),
    "summarise": TaskNeed(prefer="speed"),
    "tools": TaskNeed(tools=True),
    "vision": TaskNeed(vision=True),
}
"""Needs and task classes by the word that `select --task` takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What is asked of a model.

    Attributes:
        min_context_tokens: tokens of context that it must be able to have; 0: any.
        prefer: what counts first, second, …; the key decides at last, so that the order is total.
        exclude: globs over keys.
        max_size_bytes: largest file; None: any.
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
    """Return what these tasks together ask for: every need of each, and the preference of the hardest.

    "loaded" comes first unless `prefer` puts it elsewhere, and "size" last: without tasks and preferences, that is the
    smallest loaded model, else the smallest one.

    Raises:
        SettingsError: no single model can serve them all.
    """
    needs = [TASK_NEEDS[task] for task in tasks]
    embedding = any(need.embedding for need in needs)
    if embedding and not all(need.embedding for need in needs):
        others = ", ".join(task for task in tasks if not TASK_NEEDS[task].embedding)
        raise SettingsError(
            f"no model does both embedding and {others}: expected one of them", hint="Select one model for each."
        )
    usual = {need.prefer for need in needs}
    hardest: Sequence[Preference] = ("reasoning", "speed")
    by_task = [one for one in hardest if one in usual][:1]
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
