"""One input of a task, with its ideal output."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, TypeAlias

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
        prompt: the user's message, complete.
        target: the ideal output, in the form that the task's scorer expects.
        tier: difficulty, 1 (a 135M model gets some) to 3 (a 30B model misses some).
        cluster_id: items made from one template or document share it; they are not independent.
    """

    item_id: str
    prompt: str
    target: Json
    tier: int = 1
    cluster_id: str = ""
    system_prompt: str | None = None

    @property
    def item_hash(self) -> str:
        """A hash of everything that decides what is asked and what is right."""
        return content_hash([self.prompt, self.system_prompt, self.target])
