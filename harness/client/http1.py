"""Decodes one HTTP/1.1 response as it arrives (RFC 9112). Sans-I/O: bytes in, head and body out, split anywhere.

It exists because it is what a sample costs: the HTTP library takes more CPU time for an answer than everything else
together (adr-0007). Anything but a plain response is refused, not interpreted.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

MAX_HEAD_BYTES = 65_536
"""Longer heads, and longer lines between chunks, are refused."""

_START = b"HTTP/1."
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9][0-9][0-9])(?: [^\r\n]*)?", re.DOTALL)
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?", re.DOTALL)
_NOT_TEXT = re.compile(rb"[\x00\r\n]")
_LENGTH = re.compile(r"[0-9]{1,18}")
_WITHOUT_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class NotHttp(Exception):
    """The bytes are no HTTP/1.1 response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseHead:
    """The final status, and the headers by their names in lower case; the values of a repeated one are joined."""

    status: int
    headers: dict[str, str]


class ResponseDecoder:
    """Turns the bytes of one connection into one response; interim responses (1xx) are passed over.

    Attributes:
        head: status and headers; None until they have arrived.
        is_complete: whether the body has ended. Bytes that follow are ignored.
    """

    def __init__(self) -> None:
        self.head: ResponseHead | None = None
        self.is_complete = False
        self._rest: bytes | bytearray = b""
        self._searched = 0
        self._left = 0
        self._step: Callable[[], bytes | None] = self._read_head

    def feed(self, data: bytes) -> bytes:
        """Return what these bytes hold of the body.

        Raises:
            NotHttp: they break the protocol.
        """
        if self._rest:
            self._rest += data
        else:
            self._rest = data
        parts: list[bytes] = []
        while not self.is_complete:
            part = self._step()
            if part is None:
                break
            parts.append(part)
        return b"".join(parts)

    def has_ended(self) -> bool:
        """Return whether the response is complete now that the connection has ended.

        Raises:
            NotHttp: what came before it ended is no response.
        """
        if self.head is None and self._rest and not self._rest.startswith(_START):
            raise NotHttp(f"it began with {bytes(self._rest[:20])!r}")
        return self.is_complete or self._step == self._read_to_the_end

    def _read_head(self) -> bytes | None:
        if not _START.startswith(bytes(self._rest[: len(_START)])):
            raise NotHttp(f"it began with {bytes(self._rest[:20])!r}")
        lines = self._until(b"\r\n\r\n")
        if lines is None:
            if len(self._rest) > MAX_HEAD_BYTES:
                raise NotHttp(f"its head is longer than {MAX_HEAD_BYTES} bytes")
            return None
        first, *fields = lines.split(b"\r\n")
        status = _STATUS.fullmatch(first)
        if status is None:
            raise NotHttp(f"its first line was {first[:60]!r}")
        head = ResponseHead(status=int(status[1]), headers=_headers(fields))
        if head.status == HTTPStatus.SWITCHING_PROTOCOLS:
            raise NotHttp("it switched to another protocol")
        if head.status >= HTTPStatus.OK:
            self.head = head
            self._step = self._framing(head)
        return b""

    def _framing(self, head: ResponseHead) -> Callable[[], bytes | None]:
        """Return how the body is read; where both headers are there, chunks count (RFC 9112, 6.3)."""
        coding, length = head.headers.get("transfer-encoding"), head.headers.get("content-length")
        if head.status in _WITHOUT_BODY:
            self.is_complete = True
        elif coding is not None:
            if coding.lower() != "chunked":
                raise NotHttp(f"its transfer-encoding was {coding[:60]!r}")
            return self._read_chunk_size
        elif length is not None:
            same = set(map(str.strip, length.split(",")))
            if len(same) != 1 or not _LENGTH.fullmatch(text := same.pop()):
                raise NotHttp(f"its content-length was {length[:60]!r}")
            self._left = int(text)
            self.is_complete = self._left == 0
            return self._read_length
        return self._read_to_the_end

    def _read_length(self) -> bytes | None:
        part = self._take()
        self.is_complete = self._left == 0
        return part

    def _read_to_the_end(self) -> bytes | None:
        self._left = len(self._rest)
        return self._take()

    def _read_chunk_size(self) -> bytes | None:
        line = self._line()
        if line is None:
            return None
        size = _SIZE.fullmatch(line)
        if size is None:
            raise NotHttp(f"the size of a chunk was {line[:60]!r}")
        self._left = int(size[1], 16)
        self._step = self._read_chunk if self._left else self._read_trailer
        return b""

    def _read_chunk(self) -> bytes | None:
        part = self._take()
        if not self._left:
            self._step = self._read_chunk_end
        return part

    def _read_chunk_end(self) -> bytes | None:
        line = self._line()
        if line:
            raise NotHttp(f"a chunk was longer than its size: {line[:60]!r}")
        if line is not None:
            self._step = self._read_chunk_size
        return line

    def _read_trailer(self) -> bytes | None:
        line = self._line()
        self.is_complete = line == b""
        return None if line is None else b""

    def _take(self) -> bytes | None:
        """Return what has arrived of the `_left` bytes that are due; None: nothing has."""
        part, self._rest = self._rest[: self._left], self._rest[self._left :]
        self._left -= len(part)
        return bytes(part) or None

    def _line(self) -> bytes | None:
        line = self._until(b"\r\n")
        if line is None and len(self._rest) > MAX_HEAD_BYTES:
            raise NotHttp(f"a line between chunks is longer than {MAX_HEAD_BYTES} bytes")
        return line

    def _until(self, mark: bytes) -> bytes | None:
        """Return what comes before a mark, and pass over both; None: it has not arrived.

        No byte is looked at or moved twice, however few come at a time: a head of 64 KB may come byte by byte.
        """
        end = self._rest.find(mark, self._searched)
        if end < 0:
            self._searched = max(0, len(self._rest) - len(mark) + 1)
            if not isinstance(self._rest, bytearray):  # Bytes that are added to bytes are all copied.
                self._rest = bytearray(self._rest)
            return None
        found, self._rest = bytes(self._rest[:end]), bytes(self._rest[end + len(mark) :])
        self._searched = 0
        return found


def _headers(lines: list[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        before, colon, after = line.partition(b":")
        if not colon or not _NAME.fullmatch(before) or _NOT_TEXT.search(after):
            raise NotHttp(f"a header was {line[:60]!r}")
        name, value = before.decode("ascii").lower(), after.strip(b" \t").decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
