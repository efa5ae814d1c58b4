"""Faults of event streams. They take the body apart and put it together again, always in chunks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from harness.testing.fault import Call, Then
from harness.testing.framing import chunk

_EVENT_END = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class CutEvent:
    """Breaks a stream off in the middle of the event after `after_events`; a shorter stream passes whole."""

    after_events: int
    then: Then = "close"

    def apply(self, call: Call) -> None:
        """Pass the beginning of the stream on."""
        for number, event in enumerate(_events(call)):
            if number == self.after_events:
                call.write(chunk(event[: len(event) // 2]))
                call.end(self.then)
                return
            call.write(chunk(event))
        call.write(chunk(b""))


@dataclass(frozen=True, slots=True)
class Repeat:
    """Sends every event of a stream several times, or with `only` just this one (from 0). Harmless."""

    times: int = 2
    only: int | None = None

    def apply(self, call: Call) -> None:
        """Pass the stream on, with repeats."""
        for number, event in enumerate(_events(call)):
            for _ in range(self.times if self.only in {None, number} else 1):
                call.write(chunk(event))
        call.write(chunk(b""))


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """Sends the beginning of an event stream, then nothing but `ping`, for ever."""

    every_s: float = 0.05
    beginning: bytes = b""
    ping: bytes = b": keep-alive\n\n"

    def apply(self, call: Call) -> None:
        """Send pings until the client leaves or the server or proxy is closed."""
        _ = call.request
        call.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n" + self.beginning)
        while True:
            call.wait(self.every_s)
            call.write(self.ping)


def _events(call: Call) -> Iterator[bytes]:
    """Send the head, for a body in chunks; yield the events of the body, then what follows the last one, if any."""
    waiting = b""
    for piece in call.pieces():
        if piece.head is not None:
            head = piece.head.with_header("content-length", None).with_header("transfer-encoding", "chunked")
            call.write(head.encoded())
        waiting += piece.payload
        while (end := _EVENT_END.search(waiting)) is not None:
            yield waiting[: end.end()]
            waiting = waiting[end.end() :]
    if waiting:
        yield waiting
