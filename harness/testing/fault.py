"""What can go wrong with an answer of a scripted server; each is given to `ScriptedServer.on`.

A fault is anything with `apply(call)`, so others can be written: see `Call` for what it may do.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from harness.testing.message import Answer, Request


class Call(Protocol):
    """One request being answered. A fault that returns without sending anything closes the connection."""

    @property
    def request(self) -> Request:
        """What was asked."""
        ...

    def answer(self) -> Answer:
        """Do what was asked, and return LM Studio's answer."""
        ...

    def rehearse(self) -> Answer:
        """Return the answer without doing what was asked."""
        ...

    def stale_listing(self) -> Answer:
        """Return the listing of the models as it was before the last load or unload."""
        ...

    def send(self, answer: Answer, *, every_s: float = 0.0, part_bytes: int | None = None) -> None:
        """Send an answer, in parts of at most this size, with pauses between them if wanted."""
        ...

    def write(self, data: bytes) -> None:
        """Send bytes as they are, headers included."""
        ...

    def wait(self, seconds: float | None) -> None:
        """Wait, at most until the client or the server goes away; None waits for that."""
        ...

    def reset(self) -> None:
        """Break the connection by a TCP reset."""
        ...


class Fault(Protocol):
    """Something that goes wrong."""

    def apply(self, call: Call) -> None:
        """Answer the call, or do not."""
        ...


@dataclass(frozen=True, slots=True)
class Delay:
    """The answer comes `seconds` later; what was asked is done before the wait, or after it."""

    seconds: float
    after_effect: bool = False

    def apply(self, call: Call) -> None:
        """Wait and answer."""
        if self.after_effect:
            answer = call.answer()
            call.wait(self.seconds)
        else:
            call.wait(self.seconds)
            answer = call.answer()
        call.send(answer)


@dataclass(frozen=True, slots=True)
class Status:
    """Answers with this status and body (a str as it is, all else as JSON), and nothing is done."""

    status: int
    body: Any = ""
    content_type: str = "application/json"

    def apply(self, call: Call) -> None:
        """Answer so."""
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        call.send(Answer(status=self.status, content_type=self.content_type, parts=(text.encode(),)))


@dataclass(frozen=True, slots=True)
class Raw:
    """Writes these bytes in place of an HTTP answer, with a pause after each; then closes, resets or hangs."""

    parts: Sequence[bytes]
    every_s: float = 0.0
    then: Literal["close", "reset", "hang"] = "close"

    def apply(self, call: Call) -> None:
        """Write them."""
        for part in self.parts:
            call.write(part)
            call.wait(self.every_s)
        if self.then == "hang":
            call.wait(None)
        elif self.then == "reset":
            call.reset()


@dataclass(frozen=True, slots=True)
class Drop:
    """Closes the connection without an answer; `after_effect` does what was asked first."""

    after_effect: bool = False

    def apply(self, call: Call) -> None:
        """Close."""
        if self.after_effect:
            call.answer()


@dataclass(frozen=True, slots=True)
class Reset:
    """Breaks the connection by a TCP reset; `after_effect` does what was asked first."""

    after_effect: bool = False

    def apply(self, call: Call) -> None:
        """Reset."""
        if self.after_effect:
            call.answer()
        call.reset()


@dataclass(frozen=True, slots=True)
class Hang:
    """Never answers; `after_effect` does what was asked first."""

    after_effect: bool = False

    def apply(self, call: Call) -> None:
        """Hang until the client or the server goes away."""
        if self.after_effect:
            call.answer()
        call.wait(None)


@dataclass(frozen=True, slots=True)
class Cut:
    """Breaks off after so many bytes of the body: closes, resets or hangs."""

    after_bytes: int
    then: Literal["close", "reset", "hang"] = "close"

    def apply(self, call: Call) -> None:
        """Send the beginning of the answer."""
        answer = call.answer()
        body = b"".join(answer.parts)
        head = (
            f"HTTP/1.1 {answer.status} X\r\ncontent-type: {answer.content_type}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        Raw([head.encode() + body[: self.after_bytes]], then=self.then).apply(call)


@dataclass(frozen=True, slots=True)
class Trickle:
    """Sends the body in small parts, with a pause after each."""

    every_s: float = 0.05
    part_bytes: int = 1

    def apply(self, call: Call) -> None:
        """Send it so."""
        call.send(call.answer(), every_s=self.every_s, part_bytes=self.part_bytes)


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """Sends the beginning of an event stream, then nothing but `ping` for ever."""

    every_s: float = 0.05
    beginning: bytes = b""
    ping: bytes = b": keep-alive\n\n"

    def apply(self, call: Call) -> None:
        """Send them until the client or the server goes away."""
        call.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n" + self.beginning)
        while True:
            call.wait(self.every_s)
            call.write(self.ping)


@dataclass(frozen=True, slots=True)
class Ignore:
    """Answers as if it had done what was asked, and does nothing."""

    def apply(self, call: Call) -> None:
        """Answer so."""
        call.send(call.rehearse())


@dataclass(frozen=True, slots=True)
class Lag:
    """For the listing of the models: shows the state before the last load or unload."""

    def apply(self, call: Call) -> None:
        """Answer so."""
        call.send(call.stale_listing())
