"""One input of a task, with its ideal output."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from harness.errors import TaskError

Json: TypeAlias = Any
"""A JSON value: None, bool, int, float, str, list or dict with string keys."""


def canonical_json(value: Json) -> str:
    """Return `value` as JSON that is the same for equal values: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_hash(value: Json) -> str:
    """Return the first 16 hex digits of the SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One input, its target, and where it stands in its task.

    Attributes:
        item_id: unique within the task and stable across runs with one seed, such as `extract-0007`.
        prompt: the user's message, complete; with turns, the last one, whose answer is scored.
        target: the ideal output, in the form that the task's scorer expects.
        tier: difficulty, 1 (a 135M model gets some) to 3 (a 30B model misses some).
        cluster_id: items made from one template or document share it; they are not independent.
        system_prompt: goes with the first message only.
        turns: the user's messages before the prompt, in order; the server keeps them and the answers to them.
        continues: which turn the prompt goes on from, counted from 1; None: the last. An earlier one is a branch: what
            was said after it is not part of the conversation.
        tags: figures by which results may be grouped, such as the depth of a needle; recorded, never asked.

    Raises:
        TaskError: it goes on from a turn that there is not.
    """

    item_id: str
    prompt: str
    target: Json
    tier: int = 1
    cluster_id: str = ""
    system_prompt: str | None = None
    turns: tuple[str, ...] = ()
    continues: int | None = None
    tags: Mapping[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a branch from nowhere."""
        if self.continues is not None and not 1 <= self.continues <= len(self.turns):
            raise TaskError(f"{self.item_id}: has {len(self.turns)} turns, so none to continue is no. {self.continues}")

    @property
    def prompt_hash(self) -> str:
        """A hash of everything that is said to the model."""
        return content_hash([self.system_prompt, self.prompt, *self._conversation])

    @property
    def item_hash(self) -> str:
        """A hash of everything that decides what is asked and what is right."""
        return content_hash([self.prompt, self.system_prompt, self.target, *self._conversation])

    @property
    def _conversation(self) -> list[Json]:
        # Nothing where there are no turns: figures from before there were any stay comparable.
        return [list(self.turns), self.continues or len(self.turns)] if self.turns else []
