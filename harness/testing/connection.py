"""One connection of a scripted server: reads requests, and answers them or does worse."""

import select
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Protocol

from harness.testing.fault import Fault
from harness.testing.message import Answer, Request

_LINGER_NOTHING = struct.pack("ii", 1, 0)
_LOOK_S = 0.01


class ClientGone(Exception):
    """The client closed its end, or the server is being closed."""


class Desk(Protocol):
    """What a connection needs of its server."""

    def received(self, request: Request) -> Fault | None:
        """Note a request and return what shall go wrong with it."""
        ...

    def answer(self, request: Request) -> Answer:
        """Do what was asked."""
        ...

    def rehearse(self, request: Request) -> Answer:
        """Answer without doing it."""
        ...

    def stale_listing(self) -> Answer:
        """Return the listing before the last change."""
        ...

    def abandoned_by_client(self, request: Request) -> None:
        """Note that the client left before it had its answer."""
        ...

    def is_closing_within(self, seconds: float) -> bool:
        """Wait, and tell whether the server is being closed."""
        ...


class Conversation:
    """One request being answered; what a `Fault` gets as its `Call`."""

    def __init__(self, desk: Desk, request: Request, connection: socket.socket) -> None:
        self._desk = desk
        self._connection = connection
        self.request = request
        self.is_reusable = False

    def answer(self) -> Answer:
        """Do what was asked, and return LM Studio's answer."""
        return self._desk.answer(self.request)

    def rehearse(self) -> Answer:
        """Return the answer without doing what was asked."""
        return self._desk.rehearse(self.request)

    def stale_listing(self) -> Answer:
        """Return the listing of the models as it was before the last load or unload."""
        return self._desk.stale_listing()

    def send(self, answer: Answer, *, every_s: float = 0.0, part_bytes: int | None = None) -> None:
        """Send an answer, in parts of at most this size, with pauses between them if wanted."""
        if not answer.is_stream:
            body = b"".join(self._attended(answer.parts))
            self.write(_head(answer, f"content-length: {len(body)}"))
            self._send_parts([body], lambda part: part, every_s, part_bytes)
        else:
            self.write(_head(answer, "transfer-encoding: chunked"))
            self._send_parts(self._attended(answer.parts), _chunked, every_s, part_bytes)
            self.write(b"0\r\n\r\n")
        self.is_reusable = True

    def write(self, data: bytes) -> None:
        """Send bytes as they are, headers included."""
        try:
            self._connection.sendall(data)
        except OSError as exc:
            raise ClientGone from exc

    def wait(self, seconds: float | None) -> None:
        """Wait, at most until the client or the server goes away; None waits for that."""
        left = seconds
        while left is None or left > 0:
            step = _LOOK_S if left is None else min(left, _LOOK_S)
            if self._desk.is_closing_within(step):
                raise ClientGone
            self._look()
            left = None if left is None else left - step

    def reset(self) -> None:
        """Break the connection by a TCP reset."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOTHING)

    def _send_parts(
        self, parts: Iterable[bytes], framed: Callable[[bytes], bytes], every_s: float, part_bytes: int | None
    ) -> None:
        for part in parts:
            size = part_bytes or max(len(part), 1)
            for start in range(0, len(part), size):
                self.write(framed(part[start : start + size]))
                self.wait(every_s)

    def _attended(self, parts: Iterable[bytes]) -> Iterator[bytes]:
        """Yield what there is to send; in the pauses, look whether the client is still there."""
        for part in parts:
            if part:
                yield part
            else:
                self._look()

    def _look(self) -> None:
        try:
            readable, _, _ = select.select([self._connection], [], [], 0)
            if readable and not self._connection.recv(1, socket.MSG_PEEK):
                raise ClientGone
        except (OSError, ValueError) as exc:
            raise ClientGone from exc


class Handler(BaseHTTPRequestHandler):
    """Reads one request after the other from a connection. Its server is given as `desk` by a subclass."""

    desk: Desk
    protocol_version = "HTTP/1.1"
    timeout = 5  # LM Studio closes an idle connection after 5 s.

    def handle_one_request(self) -> None:
        """Read a request and answer it."""
        try:
            super().handle_one_request()
        except (ClientGone, OSError):
            self.close_connection = True

    def _serve(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        request = Request(
            method=self.command,
            path=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length),
        )
        call = Conversation(self.desk, request, self.connection)
        fault = self.desk.received(request)
        self.connection.settimeout(None)
        try:
            if fault is None:
                call.send(call.answer())
            else:
                fault.apply(call)
        except ClientGone:
            self.desk.abandoned_by_client(request)
            raise
        finally:
            self.connection.settimeout(self.timeout)
        self.close_connection = self.close_connection or not call.is_reusable

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = _serve  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        """Keep quiet: what was asked is in `ScriptedServer.requests`."""


def _head(answer: Answer, framing: str) -> bytes:
    try:
        reason = HTTPStatus(answer.status).phrase
    except ValueError:
        reason = "Unknown"
    lines = (
        f"HTTP/1.1 {answer.status} {reason}",
        "x-powered-by: Express",
        f"content-type: {answer.content_type}",
        framing,
        "connection: keep-alive",
        "keep-alive: timeout=5",
        "\r\n",
    )
    return "\r\n".join(lines).encode()


def _chunked(part: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(part), part)
