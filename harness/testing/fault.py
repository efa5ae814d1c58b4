"""What can go wrong with an answer: one set of faults for the scripted server and for the proxy.

A fault is anything with `apply(call)`, so tests can write their own: see `Call` for what it may do. `ScriptedServer.on`
and `FaultProxy.on` take the same faults. Two of them, `Ignore` and `Lag`, need a `ScriptedCall`, because only the
scripted server knows what a request does; the proxy knows bytes alone and works with any server.

`wire_fault` has faults of pace and framing, `stream_fault` those of event streams, `random_fault` draws one.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from harness.testing.framing import Piece
from harness.testing.message import Request, Response

Then = Literal["close", "reset", "hang", "half_close"]
"""How a connection ends: closed; reset by TCP; silent for ever; closed only in the direction of the client."""


class ClientGone(Exception):
    """The client closed its end, or the server or proxy is being closed. Raised by the methods of a `Call`."""


class Call(Protocol):
    """One request and its answer, on the way. A fault that returns without sending anything closes the connection."""

    @property
    def request(self) -> Request:
        """The request. The proxy reads it when it is first needed, and leaves its Authorization header out."""
        ...

    def ask(self) -> None:
        """Hand the request to the server, once, without waiting for the answer."""
        ...

    def answer(self) -> Response:
        """Let the server do what was asked, and return its answer."""
        ...

    def pieces(self) -> Iterator[Piece]:
        """Let the server do what was asked, and yield its answer as it goes over the wire."""
        ...

    def send(self, response: Response) -> None:
        """Send a whole answer to the client."""
        ...

    def write(self, data: bytes) -> None:
        """Send bytes to the client at once and unchanged."""
        ...

    def wait(self, seconds: float | None) -> None:
        """Wait; None waits until the client leaves or the server or proxy is closed."""
        ...

    def end(self, then: Then) -> None:
        """End the connection to the client in this way; a fault returns after this."""
        ...


class ScriptedCall(Call, Protocol):
    """A call of the scripted server, which also knows what its requests do."""

    def rehearse(self) -> Response:
        """Return the answer without doing what was asked."""
        ...

    def stale_listing(self) -> Response:
        """Return the listing of the models as it was before the last load or unload."""
        ...


class Fault(Protocol):
    """Something that goes wrong with a call, at the scripted server or on the way to any server."""

    def apply(self, call: Call) -> None:
        """Answer the call, or fail to."""
        ...


class ScriptedFault(Protocol):
    """Something that goes wrong at the scripted server; every `Fault` is one."""

    def apply(self, call: ScriptedCall) -> None:
        """Answer the call, or fail to."""
        ...


@dataclass(frozen=True, slots=True)
class Delay:
    """The answer comes `seconds` later. The server acts after the wait, or with `after_effect` before it."""

    seconds: float
    after_effect: bool = False

    def apply(self, call: Call) -> None:
        """Wait and answer."""
        done = list(call.pieces()) if self.after_effect else None
        call.wait(self.seconds)
        pass_on(call, call.pieces() if done is None else done)


@dataclass(frozen=True, slots=True)
class Status:
    """Answers with this status and body (a str unchanged, anything else as JSON) in place of the server.

    `Status(200, "<html>…", "text/html")` is what a login page on the way does. With `after_effect` the server acts
    first, and its own answer is lost.
    """

    status: int
    body: Any = ""
    content_type: str = "application/json"
    after_effect: bool = False

    def apply(self, call: Call) -> None:
        """Send this answer."""
        _let_happen(call, is_wanted=self.after_effect)
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        call.send(Response(status=self.status, content_type=self.content_type, parts=(text.encode(),)))


@dataclass(frozen=True, slots=True)
class Raw:
    """Writes these bytes in place of an HTTP answer, with a pause after each part, and ends the connection."""

    parts: Sequence[bytes]
    every_s: float = 0.0
    then: Then = "close"
    after_effect: bool = False

    def apply(self, call: Call) -> None:
        """Write the parts."""
        _let_happen(call, is_wanted=self.after_effect)
        _ = call.request  # Read it first: a client that is still sending would see a broken pipe instead.
        for part in self.parts:
            call.write(part)
            call.wait(self.every_s)
        call.end(self.then)


@dataclass(frozen=True, slots=True)
class Drop:
    """Closes the connection without an answer; with `after_effect` the server acts first."""

    after_effect: bool = False

    def apply(self, call: Call) -> None:
        """Close."""
        _let_happen(call, is_wanted=self.after_effect)
        call.end("close")


@dataclass(frozen=True, slots=True)
class Reset:
    """Breaks the connection by a TCP reset; with `after_effect` the server acts first."""

    after_effect: bool = False

    def apply(self, call: Call) -> None:
        """Reset."""
        _let_happen(call, is_wanted=self.after_effect)
        call.end("reset")


@dataclass(frozen=True, slots=True)
class Hang:
    """Never answers; with `after_effect` the server acts all the same."""

    after_effect: bool = False

    def apply(self, call: Call) -> None:
        """Stay silent until the client leaves or the server or proxy is closed."""
        _let_happen(call, is_wanted=self.after_effect)
        call.end("hang")


@dataclass(frozen=True, slots=True)
class Abandon:
    """Breaks the connection once the server has the request. Behind a proxy the server, too, sees its client leave."""

    then: Then = "reset"

    def apply(self, call: Call) -> None:
        """Ask, and leave."""
        call.ask()
        call.end(self.then)


@dataclass(frozen=True, slots=True)
class Cut:
    """Breaks off after so many bytes of the body, or with `with_head` of the whole answer as it goes over the wire.

    The sizes of chunks do not count as body. A shorter answer passes whole before the connection ends.
    """

    after_bytes: int
    then: Then = "close"
    with_head: bool = False

    def apply(self, call: Call) -> None:
        """Pass the beginning of the answer on."""
        left = self.after_bytes
        for piece in call.pieces():
            counted = piece.wire if self.with_head else piece.payload
            if len(counted) <= left:
                call.write(piece.wire)
                left -= len(counted)
            else:
                call.write(counted[:left])
                left = 0
            # The head passes before this is asked, so a cut after 0 bytes of the body leaves a head alone.
            if left == 0:
                break
        call.end(self.then)


@dataclass(frozen=True, slots=True)
class Trickle:
    """Sends the body, or with `with_head` the whole answer, in small parts with a pause after each.

    Without a pause it is harmless: a client must read an answer however it is split.
    """

    every_s: float = 0.0
    part_bytes: int = 1
    with_head: bool = False

    def apply(self, call: Call) -> None:
        """Send the answer in parts."""
        for piece in call.pieces():
            is_whole = piece.head is not None and not self.with_head
            part_bytes = len(piece.wire) if is_whole else self.part_bytes
            for start in range(0, len(piece.wire), part_bytes):
                call.write(piece.wire[start : start + part_bytes])
                call.wait(self.every_s)


@dataclass(frozen=True, slots=True)
class Ignore:
    """Answers as if the server had done what was asked; it does nothing."""

    def apply(self, call: ScriptedCall) -> None:
        """Send the rehearsed answer."""
        call.send(call.rehearse())


@dataclass(frozen=True, slots=True)
class Lag:
    """Answers a listing of the models with the state before the last load or unload, until a listing has shown that."""

    def apply(self, call: ScriptedCall) -> None:
        """Send the old listing."""
        call.send(call.stale_listing())


def pass_on(call: Call, pieces: Iterable[Piece]) -> None:
    """Send the pieces of an answer to the client."""
    for piece in pieces:
        call.write(piece.wire)


def _let_happen(call: Call, *, is_wanted: bool) -> None:
    """Let the server do what was asked, to the end of its answer, which is discarded."""
    for _ in call.pieces() if is_wanted else ():
        pass
