"""Where the parts of one HTTP/1.1 message begin and end (RFC 9112, 6.3); sans-I/O.

Just enough for doubles and a proxy that passes bytes on as they came: no byte is changed, and none is lost.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Literal, Self

MAX_HEAD_BYTES = 64 * 1024
"""A longer head is refused: what comes is not HTTP."""

_LINE_END = b"\r\n"
_HEAD_END = b"\r\n\r\n"
_REQUEST = re.compile(rb"[A-Z]+ \S+ HTTP/1\.[01]")
_ANSWER = re.compile(rb"HTTP/1\.[01] \d{3}(?: .*)?")
_NO_BODY = frozenset({204, 304})
_FINAL = 200

_Expects = Literal["head", "payload", "size", "chunk", "chunk end", "trailer", "rest", "nothing"]


class NotHTTP(ValueError):
    """The bytes are not the beginning of an HTTP/1.1 request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageHead:
    """The start line and the header lines of a message, byte for byte."""

    start: bytes
    lines: tuple[bytes, ...] = ()

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Return the head that these bytes are, with the empty line at their end."""
        start, *lines = data.removesuffix(_HEAD_END).split(_LINE_END)
        return cls(start=start, lines=tuple(lines))

    @classmethod
    def of_response(cls, status: int, *lines: str) -> Self:
        """Return the head of an answer with this status and these header lines."""
        try:
            phrase = HTTPStatus(status).phrase
        except ValueError:
            phrase = "Unknown"
        return cls(start=f"HTTP/1.1 {status} {phrase}".encode(), lines=tuple(line.encode("latin-1") for line in lines))

    @property
    def method(self) -> str:
        """The method of a request."""
        return self.start.split(b" ")[0].decode()

    @property
    def path(self) -> str:
        """The path of a request, with its query."""
        return self.start.split(b" ")[1].decode("latin-1")

    @property
    def status(self) -> int:
        """The status of an answer."""
        return int(self.start.split(b" ")[1])

    @property
    def headers(self) -> dict[str, str]:
        """The values of the headers, by names in lower case."""
        pairs = (line.decode("latin-1").partition(":") for line in self.lines)
        return {name.strip().lower(): value.strip() for name, _, value in pairs}

    def with_header(self, name: str, value: str | None) -> "MessageHead":
        """Return this head with another value of one header, or without that header; all other bytes stay."""
        ours = name.lower().encode()
        kept = [line for line in self.lines if line.partition(b":")[0].strip().lower() != ours]
        if value is not None:
            kept.append(f"{name}: {value}".encode("latin-1"))
        return replace(self, lines=tuple(kept))

    def encoded(self) -> bytes:
        """Return its bytes, with the empty line at their end."""
        return _LINE_END.join((self.start, *self.lines)) + _HEAD_END


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some bytes of a message: as they came, and the part of its body that they hold once chunks are taken apart."""

    wire: bytes
    payload: bytes = b""
    head: MessageHead | None = None


class Framing:
    """Follows the bytes of one message to its end.

    Args:
        answers: the method of the request that the message answers; None: the message is a request.
    """

    def __init__(self, *, answers: str | None = None) -> None:
        self._answers = answers
        self._buffer = bytearray()
        self._expects: _Expects = "head"
        self._left = 0
        self.head: MessageHead | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the last byte has come."""
        return self._expects == "nothing"

    @property
    def ends_with_connection(self) -> bool:
        """Whether the message ends only with its connection, as an answer does that is not HTTP."""
        return self._expects == "rest"

    @property
    def rest(self) -> bytes:
        """The bytes that belong to no piece yet, or to the next message."""
        return bytes(self._buffer)

    def feed(self, data: bytes) -> Iterator[Piece]:
        """Yield the pieces that these bytes complete; joined, their `wire` is what was fed.

        Raises:
            NotHTTP: a request is not HTTP.
        """
        self._buffer += data
        while self._buffer and not self.is_complete:
            piece = self._next()
            if piece is None:
                return
            yield piece

    def _next(self) -> Piece | None:
        if self._expects == "rest":
            data = self._take(len(self._buffer))
            return Piece(wire=data, payload=data)
        if self._expects in {"payload", "chunk"}:
            data = self._take(self._left)
            self._left -= len(data)
            if not self._left:
                self._expects = "nothing" if self._expects == "payload" else "chunk end"
            return Piece(wire=data, payload=data)
        return self._take_head() if self._expects == "head" else self._take_line()

    def _take_head(self) -> Piece | None:
        end = self._buffer.find(_HEAD_END)
        if end < 0:
            too_long = len(self._buffer) > MAX_HEAD_BYTES
            return self._not_http() if too_long else None
        head = MessageHead.parse(bytes(self._buffer[: end + len(_HEAD_END)]))
        if not (_REQUEST if self._answers is None else _ANSWER).fullmatch(head.start):
            return self._not_http()
        wire = self._take(end + len(_HEAD_END))
        if (
            self._answers is None or head.status >= _FINAL
        ):  # Interim answers, such as 100 Continue, come before the final one.
            self.head = head
            self._expects, self._left = self._body_of(head)
        return Piece(wire=wire, head=self.head)

    def _body_of(self, head: MessageHead) -> tuple[_Expects, int]:
        if self._answers is not None and (self._answers == "HEAD" or head.status in _NO_BODY):
            return "nothing", 0
        if "chunked" in head.headers.get("transfer-encoding", "").lower():
            return "size", 0
        length = head.headers.get("content-length", "")
        if length.isdigit():
            return ("payload", int(length)) if int(length) else ("nothing", 0)
        return ("nothing", 0) if self._answers is None else ("rest", 0)

    def _take_line(self) -> Piece | None:
        end = self._buffer.find(_LINE_END)
        if end < 0:
            return None
        line = bytes(self._buffer[:end])
        if self._expects == "size":
            try:
                self._left = int(line.partition(b";")[0], 16)
            except ValueError:
                return self._not_http()
            self._expects = "chunk" if self._left else "trailer"
        elif self._expects == "chunk end":
            self._expects = "size"
        elif not line:
            self._expects = "nothing"
        return Piece(wire=self._take(end + len(_LINE_END)))

    def _not_http(self) -> Piece | None:
        if self._answers is None:
            raise NotHTTP(f"not an HTTP request: {bytes(self._buffer[:20])!r}")
        self._expects = "rest"
        return self._next()

    def _take(self, size: int) -> bytes:
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data


def chunk(payload: bytes) -> bytes:
    """Return one chunk of a chunked body; an empty payload makes the last one."""
    return b"%x\r\n%s\r\n" % (len(payload), payload)
