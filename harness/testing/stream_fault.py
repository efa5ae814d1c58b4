"""What can go wrong with a stream of events on its way; each is given to `FaultProxy.on`.

These take the body apart and put it together anew, always in chunks.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from harness.testing.framing import chunk
from harness.testing.proxy_fault import Passage, Then

_EVENT_END = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class CutEvent:
    """A stream of events breaks off in the middle of the one after `after_events`; a shorter stream passes whole."""

    after_events: int
    then: Then = "close"

    def apply(self, passage: Passage) -> None:
        """Pass the beginning of the stream on."""
        for number, event in enumerate(_events(passage)):
            if number == self.after_events:
                passage.write(chunk(event[: len(event) // 2]))
                passage.end(self.then)
                return
            passage.write(chunk(event))
        passage.write(chunk(b""))


@dataclass(frozen=True, slots=True)
class Repeat:
    """Every event of a stream comes so often; with `only`, just the one with this number (from 0). Harmless."""

    times: int = 2
    only: int | None = None

    def apply(self, passage: Passage) -> None:
        """Pass the stream on, with repeats."""
        for number, event in enumerate(_events(passage)):
            for _ in range(self.times if self.only in {None, number} else 1):
                passage.write(chunk(event))
        passage.write(chunk(b""))


def _events(passage: Passage) -> Iterator[bytes]:
    """Send the head, for a body in chunks, and yield the events of the body; then what follows the last one, if any."""
    waiting = b""
    for piece in passage.answer():
        if piece.head is not None:
            head = piece.head.with_header("content-length", None).with_header("transfer-encoding", "chunked")
            passage.write(head.encoded())
        waiting += piece.payload
        while (end := _EVENT_END.search(waiting)) is not None:
            yield waiting[: end.end()]
            waiting = waiting[end.end() :]
    if waiting:
        yield waiting
