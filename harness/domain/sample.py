"""One input of a task, with its ideal output."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from harness.errors import TaskError

Json: TypeAlias = Any
"""A JSON value: None, bool, int, float, str, list or dict with string keys."""


TOOLS_FORM = 2
"""How `harness.task.tool_prompt` writes tools into a prompt: another wording is another question, so raise it then."""

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(value: Json) -> str:
    """Return `value` as JSON that is identical for equal values: sorted keys, no spaces, no NaN."""
    return _CANONICAL.encode(value)


def is_unicode(text: str) -> bool:
    """Return whether a text can be sent and recorded: half of a surrogate pair, as cut JSON may hold, cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def content_hash(value: Json) -> str:
    """Return the first 16 hex digits of the SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFile:
    """An image that goes with a prompt: it is read when it is sent, as thousands of them would fill the memory.

    Attributes:
        path: where it lies.
        sha256: of its content, in hex.
        size_bytes: of its content.
    """

    path: Path
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnImage:
    """An image that a task draws: it is drawn again when it is sent, for the same reason.

    Attributes:
        draw: returns its content, the same bytes each time.
        sha256: of its content, in hex.
        size_bytes: of its content.
    """

    draw: Callable[[], bytes] = field(compare=False, repr=False)
    sha256: str
    size_bytes: int

    @classmethod
    def of(cls, draw: Callable[[], bytes]) -> "DrawnImage":
        """Return the image that a function draws, measured once."""
        data = draw()
        return cls(draw=draw, sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One input, its target, and its place in its task.

    Attributes:
        item_id: unique within the task and stable across runs with one seed, such as `extract-0007`.
        prompt: the user's message, complete; with turns, the last one, whose answer is scored.
        target: the ideal output, in the form that the task's scorer expects.
        tier: difficulty, 1 (a 135M model gets some) to 3 (a 30B model misses some).
        stratum: the generator's template or kind. Strata are fixed and part of what a claim is about, so that they do
            not widen an interval.
        cluster_id: something that was itself sampled and that several items share, such as a customer or a document
            with several questions. Such items are not independent. An item alone has none.
        system_prompt: sent with the first message only.
        turns: the user's messages before the prompt, in order; the server stores them and its answers.
        continues: the turn that the prompt follows, counted from 1; None: the last. An earlier turn makes a branch:
            later turns are not part of the conversation.
        images: sent with the prompt, in this order.
        texts: for an embedding model, in place of a chat: what the others are compared with, then those others. The
            prompt says the same for a person to read.
        tools: the functions that may be called, as `function` of a tool in OpenAI's API: name, description, parameters.
        tags: values by which results can be grouped, such as the depth of a needle; recorded, never sent.

    Raises:
        TaskError: it continues from a turn that does not exist.
    """

    item_id: str
    prompt: str
    target: Json
    tier: int = 1
    stratum: str = ""
    cluster_id: str = ""
    system_prompt: str | None = None
    turns: tuple[str, ...] = ()
    continues: int | None = None
    images: tuple[ImageFile | DrawnImage, ...] = ()
    texts: tuple[str, ...] = ()
    tools: tuple[Mapping[str, Json], ...] = ()
    tags: Mapping[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a branch from a turn that does not exist."""
        if self.continues is not None and not 1 <= self.continues <= len(self.turns):
            raise TaskError(
                f"{self.item_id}: cannot continue from turn {self.continues}: there are only {len(self.turns)}",
                hint="Set continues to a turn from 1 on, or leave it out to continue from the last one.",
            )

    @property
    def prompt_hash(self) -> str:
        """A hash of everything that is sent to the model."""
        return content_hash([self.system_prompt, self.prompt, *self._conversation])

    @property
    def item_hash(self) -> str:
        """A hash of everything that decides what is asked and what is right."""
        return content_hash([self.prompt, self.system_prompt, self.target, *self._conversation])

    @property
    def _conversation(self) -> list[Json]:
        # Empty without turns, images, texts and tools, so that hashes from before these existed stay the same.
        turns: list[Json] = [list(self.turns), self.continues or len(self.turns)] if self.turns else []
        images: list[Json] = [{"images": [image.sha256 for image in self.images]}] if self.images else []
        tools: list[Json] = [{"tools": list(self.tools), "form": TOOLS_FORM}] if self.tools else []
        return [*turns, *images, *([{"texts": list(self.texts)}] if self.texts else []), *tools]
