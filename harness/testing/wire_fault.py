"""Faults of pace and of framing: an answer that comes too slowly, or with bytes that do not belong to it."""

import random
from dataclasses import dataclass

from harness.testing.fault import Call, Trickle, pass_on
from harness.testing.framing import MessageHead


@dataclass(frozen=True, slots=True)
class Pause:
    """Falls silent for `seconds` after so many bytes of the answer, its head included; then continues."""

    after_bytes: int
    seconds: float

    def apply(self, call: Call) -> None:
        """Pass the answer on, with a pause in it."""
        left = self.after_bytes
        for piece in call.pieces():
            if 0 <= left < len(piece.wire):
                call.write(piece.wire[:left])
                call.wait(self.seconds)
                call.write(piece.wire[left:])
            else:
                call.write(piece.wire)
            left -= len(piece.wire)


@dataclass(frozen=True, slots=True)
class Latency:
    """Delays the head and each part of the body by `seconds` and up to `jitter_s` more, drawn from `seed`."""

    seconds: float
    jitter_s: float = 0.0
    seed: int = 0

    def apply(self, call: Call) -> None:
        """Pass the answer on, late."""
        draw = random.Random(self.seed)  # noqa: S311  (a seeded generator, not cryptography)
        for piece in call.pieces():
            if piece.head is not None or piece.payload:
                call.wait(self.seconds + draw.uniform(0, self.jitter_s))
            call.write(piece.wire)


@dataclass(frozen=True, slots=True)
class Throttle:
    """Sends at most so many bytes a second, in parts of a fiftieth of that."""

    bytes_per_s: int

    def apply(self, call: Call) -> None:
        """Pass the answer on, slowly."""
        size = max(1, self.bytes_per_s // 50)
        Trickle(every_s=size / self.bytes_per_s, part_bytes=size, with_head=True).apply(call)


@dataclass(frozen=True, slots=True)
class Garbage:
    """Sends these bytes before the answer."""

    data: bytes = b"\x16\x03\x01 not a status line\r\n"

    def apply(self, call: Call) -> None:
        """Send the bytes, and the answer."""
        call.ask()  # Some clients leave at once, and what was asked should not depend on how fast they are.
        call.write(self.data)
        pass_on(call, call.pieces())


@dataclass(frozen=True, slots=True)
class WrongLength:
    """Sends the answer with a `content-length` that is off by so many bytes; a negative number promises too little."""

    by_bytes: int

    def apply(self, call: Call) -> None:
        """Send the answer as a whole, with that length."""
        pieces = list(call.pieces())
        body = b"".join(piece.payload for piece in pieces)
        head = next((piece.head for piece in pieces if piece.head is not None), MessageHead(start=b"HTTP/1.1 200 OK"))
        promised = max(0, len(body) + self.by_bytes)
        head = head.with_header("transfer-encoding", None).with_header("content-length", str(promised))
        call.write(head.encoded() + body)
        call.end("close")
