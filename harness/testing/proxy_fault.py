"""What can go wrong on the way between a client and any server; each is given to `FaultProxy.on`.

Where a fault of `harness.testing.fault` has the same name, it means the same. The difference is who does it: those are
part of the scripted server, so they know what a request does (`Ignore`, `Lag`); these work with any server, and know
only bytes. So `after_effect` here means that the server's whole answer was read before anything went wrong.

A fault is anything with `apply(passage)`, so others can be written: see `Passage` for what it may do. A connection ends
with the request that a fault was applied to. `stream_fault` has those of event streams.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal, Protocol

from harness.testing.framing import Head, Piece
from harness.testing.message import Request

Then = Literal["close", "reset", "hang", "half_close"]
"""What follows: the connection is closed; is reset; stays silent; ends only in the direction of the client."""


class Passage(Protocol):
    """One request on its way. Every method ends with an exception of the proxy's own when the client is gone."""

    @property
    def request(self) -> Request:
        """What is asked, without its Authorization header; read from the client when first asked for."""
        ...

    def ask(self) -> None:
        """Forward the request to the server, once."""
        ...

    def answer(self) -> Iterator[Piece]:
        """Forward the request unless that was done, and yield the server's answer as it comes."""
        ...

    def write(self, data: bytes) -> None:
        """Send bytes to the client, at once."""
        ...

    def wait(self, seconds: float | None) -> None:
        """Wait, at most until the client or the proxy goes away; None waits for that."""
        ...

    def end(self, then: Then) -> None:
        """End the connection to the client so."""
        ...


class Fault(Protocol):
    """Something that goes wrong."""

    def apply(self, passage: Passage) -> None:
        """Answer the client, or do not."""
        ...


@dataclass(frozen=True, slots=True)
class Delay:
    """The answer comes `seconds` later; the request is forwarded after the wait, or before it (`after_effect`)."""

    seconds: float
    after_effect: bool = False

    def apply(self, passage: Passage) -> None:
        """Wait and pass the answer on."""
        done = list(passage.answer()) if self.after_effect else None
        passage.wait(self.seconds)
        for piece in passage.answer() if done is None else done:
            passage.write(piece.wire)


@dataclass(frozen=True, slots=True)
class Status:
    """Answers with this status and body (a str as it is, all else as JSON) in place of the server.

    `Status(200, "<html>…", "text/html")` is what a login page in between does. `after_effect`: the server was asked.
    """

    status: int
    body: Any = ""
    content_type: str = "application/json"
    after_effect: bool = False

    def apply(self, passage: Passage) -> None:
        """Answer so."""
        _ask(passage, is_wanted=self.after_effect)
        _ = passage.request
        body = (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()
        lines = (f"content-type: {self.content_type}", f"content-length: {len(body)}", "connection: close")
        start = f"HTTP/1.1 {self.status} {_phrase(self.status)}"
        passage.write(Head(start=start.encode(), lines=tuple(one.encode() for one in lines)).encoded() + body)


@dataclass(frozen=True, slots=True)
class Raw:
    """Writes these bytes in place of an answer, with a pause after each; then ends the connection so."""

    parts: Sequence[bytes]
    every_s: float = 0.0
    then: Then = "close"
    after_effect: bool = False

    def apply(self, passage: Passage) -> None:
        """Write them."""
        _ask(passage, is_wanted=self.after_effect)
        _ = passage.request
        for part in self.parts:
            passage.write(part)
            passage.wait(self.every_s)
        passage.end(self.then)


@dataclass(frozen=True, slots=True)
class Drop:
    """Closes the connection without an answer; `after_effect` lets the server do what was asked first."""

    after_effect: bool = False

    def apply(self, passage: Passage) -> None:
        """Close."""
        _ask(passage, is_wanted=self.after_effect)
        passage.end("close")


@dataclass(frozen=True, slots=True)
class Reset:
    """Breaks the connection by a TCP reset; `after_effect` lets the server do what was asked first."""

    after_effect: bool = False

    def apply(self, passage: Passage) -> None:
        """Reset."""
        _ask(passage, is_wanted=self.after_effect)
        passage.end("reset")


@dataclass(frozen=True, slots=True)
class Hang:
    """Never answers; `after_effect` lets the server do what was asked first."""

    after_effect: bool = False

    def apply(self, passage: Passage) -> None:
        """Hang until the client or the proxy goes away."""
        _ask(passage, is_wanted=self.after_effect)
        passage.end("hang")


@dataclass(frozen=True, slots=True)
class Abandon:
    """Breaks off with both sides once the request is on its way: the server, too, sees its client leave."""

    then: Then = "reset"

    def apply(self, passage: Passage) -> None:
        """Forward, and leave."""
        passage.ask()
        passage.end(self.then)


@dataclass(frozen=True, slots=True)
class Cut:
    """Breaks off after so many bytes of the body (`with_head`: of the whole answer); a shorter answer passes whole.

    Bytes on the wire are counted, so the sizes of chunks, too; the double counts those of the body itself.
    """

    after_bytes: int
    then: Then = "close"
    with_head: bool = False

    def apply(self, passage: Passage) -> None:
        """Pass the beginning of the answer on."""
        left = self.after_bytes
        for piece in passage.answer():
            is_spared = piece.head is not None and not self.with_head
            part = piece.wire if is_spared else piece.wire[:left]
            passage.write(part)
            left -= 0 if is_spared else len(part)
            if left == 0:
                break
        passage.end(self.then)


@dataclass(frozen=True, slots=True)
class Pause:
    """Falls silent for `seconds` after so many bytes of the answer, its head included; then goes on."""

    after_bytes: int
    seconds: float

    def apply(self, passage: Passage) -> None:
        """Pass the answer on, with a pause in it."""
        left = self.after_bytes
        for piece in passage.answer():
            if 0 <= left < len(piece.wire):
                passage.write(piece.wire[:left])
                passage.wait(self.seconds)
                passage.write(piece.wire[left:])
            else:
                passage.write(piece.wire)
            left -= len(piece.wire)


@dataclass(frozen=True, slots=True)
class Trickle:
    """Sends the answer, its head included (the double's keeps that whole), in small parts with a pause after each.

    Harmless: the default splits at every byte, each of which is a send of its own.
    """

    every_s: float = 0.0
    part_bytes: int = 1

    def apply(self, passage: Passage) -> None:
        """Send it so."""
        for piece in passage.answer():
            for start in range(0, len(piece.wire), self.part_bytes):
                passage.write(piece.wire[start : start + self.part_bytes])
                passage.wait(self.every_s)


@dataclass(frozen=True, slots=True)
class Latency:
    """Head and every chunk of the answer come later, by `seconds` and up to `jitter_s` more, drawn from `seed`."""

    seconds: float
    jitter_s: float = 0.0
    seed: int = 0

    def apply(self, passage: Passage) -> None:
        """Pass the answer on, late."""
        draw = random.Random(self.seed)  # noqa: S311  (a seeded generator, not cryptography)
        for piece in passage.answer():
            if piece.head is not None or piece.payload:
                passage.wait(self.seconds + draw.uniform(0, self.jitter_s))
            passage.write(piece.wire)


@dataclass(frozen=True, slots=True)
class Throttle:
    """The answer comes at no more than so many bytes a second, in parts of a fiftieth of that."""

    bytes_per_s: int

    def apply(self, passage: Passage) -> None:
        """Pass the answer on, slowly."""
        size = max(1, self.bytes_per_s // 50)
        Trickle(every_s=size / self.bytes_per_s, part_bytes=size).apply(passage)


@dataclass(frozen=True, slots=True)
class Garbage:
    """These bytes come before the answer."""

    data: bytes = b"\x16\x03\x01 not a status line\r\n"

    def apply(self, passage: Passage) -> None:
        """Send them, and the answer."""
        passage.ask()  # Some clients leave at once, and what was asked should not depend on how fast they are.
        passage.write(self.data)
        for piece in passage.answer():
            passage.write(piece.wire)


@dataclass(frozen=True, slots=True)
class WrongLength:
    """The answer's `content-length` is wrong by so many bytes: negative promises less than there is."""

    by_bytes: int

    def apply(self, passage: Passage) -> None:
        """Send the answer as a whole, with that length."""
        head, body = _whole(passage)
        promised = max(0, len(body) + self.by_bytes)
        head = head.with_header("transfer-encoding", None).with_header("content-length", str(promised))
        passage.write(head.encoded() + body)
        passage.end("close")


def _ask(passage: Passage, *, is_wanted: bool) -> None:
    """Let the server do what was asked, to the end of its answer."""
    for _ in passage.answer() if is_wanted else ():
        pass


def _whole(passage: Passage) -> tuple[Head, bytes]:
    """Return the head of the answer and its body, chunks taken apart."""
    pieces = list(passage.answer())
    head = next((piece.head for piece in pieces if piece.head is not None), Head(start=b"HTTP/1.1 200 OK"))
    return head, b"".join(piece.payload for piece in pieces)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
