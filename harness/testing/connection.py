"""One connection of a scripted server: reads requests, and answers them or lets a fault do worse."""

import select
import socket
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Protocol

from harness.testing.ending import prepare_end
from harness.testing.fault import ClientGone, ScriptedFault, Then
from harness.testing.framing import Framing, MessageHead, Piece, chunk
from harness.testing.message import Request, Response

_LOOK_S = 0.01


class Desk(Protocol):
    """What a connection needs from its server."""

    def received(self, request: Request) -> ScriptedFault | None:
        """Note a request, and return what shall go wrong with it."""
        ...

    def answer(self, request: Request) -> Response:
        """Do what was asked."""
        ...

    def rehearse(self, request: Request) -> Response:
        """Answer without doing it."""
        ...

    def stale_listing(self) -> Response:
        """Return the listing before the last change."""
        ...

    def abandoned_by_client(self, request: Request) -> None:
        """Note that the client left before it had its answer."""
        ...

    def is_closing_within(self, seconds: float) -> bool:
        """Wait, and return whether the server is being closed."""
        ...


class Conversation:
    """One request being answered; faults see it as their `ScriptedCall`."""

    def __init__(self, desk: Desk, request: Request, client: socket.socket) -> None:
        self._desk = desk
        self._client = client
        self._response: Response | None = None
        self.request = request
        self.is_reusable = False

    def ask(self) -> None:
        """Do what was asked, once. Chats are generated as they are sent, so only their checks happen here."""
        if self._response is None:
            self._response = self._desk.answer(self.request)

    def answer(self) -> Response:
        """Do what was asked, and return LM Studio's answer."""
        asked, self._response = self._response, None
        return asked or self._desk.answer(self.request)

    def rehearse(self) -> Response:
        """Return the answer without doing what was asked."""
        return self._desk.rehearse(self.request)

    def stale_listing(self) -> Response:
        """Return the listing of the models as it was before the last load or unload."""
        return self._desk.stale_listing()

    def pieces(self) -> Iterator[Piece]:
        """Do what was asked, and yield LM Studio's answer as it goes over the wire."""
        framing = Framing(answers=self.request.method)
        for data in self._encoded(self.answer()):
            yield from framing.feed(data)
        self.is_reusable = True

    def send(self, response: Response) -> None:
        """Send a whole answer."""
        for data in self._encoded(response):
            self.write(data)
        self.is_reusable = True

    def write(self, data: bytes) -> None:
        """Send bytes at once and unchanged."""
        try:
            self._client.sendall(data)
        except OSError as exc:
            raise ClientGone from exc

    def wait(self, seconds: float | None) -> None:
        """Wait; None waits until the client leaves or the server is closed."""
        left = seconds
        while left is None or left > 0:
            step = _LOOK_S if left is None else min(left, _LOOK_S)
            if self._desk.is_closing_within(step):
                raise ClientGone
            self._look()
            left = None if left is None else left - step

    def end(self, then: Then) -> None:
        """End the connection in this way."""
        self.is_reusable = False
        if prepare_end(self._client, then):
            self.wait(None)

    def _encoded(self, response: Response) -> Iterator[bytes]:
        """Yield an answer as it goes over the wire: a stream in chunks as its parts come, else all at once."""
        if response.is_stream:
            yield _head(response, "transfer-encoding: chunked").encoded()
            yield from map(chunk, self._attended(response.parts))
            yield chunk(b"")
        else:
            body = b"".join(self._attended(response.parts))
            yield _head(response, f"content-length: {len(body)}").encoded()
            yield body

    def _attended(self, parts: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the parts that hold something; an empty one is a pause in which to look for the client."""
        for part in parts:
            if part:
                yield part
            else:
                self._look()

    def _look(self) -> None:
        try:
            readable, _, _ = select.select([self._client], [], [], 0)
            if readable and not self._client.recv(1, socket.MSG_PEEK):
                raise ClientGone
        except (OSError, ValueError) as exc:  # ValueError: the descriptor was closed meanwhile.
            raise ClientGone from exc


class Handler(BaseHTTPRequestHandler):
    """Reads one request after the other from a connection. A subclass names its server as `desk`."""

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
        """Log nothing: `ScriptedServer.requests` holds what was asked."""


def _head(response: Response, framing: str) -> MessageHead:
    # LM Studio is an Express server, and the client recognises it by the first of these.
    lines = ("x-powered-by: Express", f"content-type: {response.content_type}", framing)
    return MessageHead.of_response(response.status, *lines, "connection: keep-alive", "keep-alive: timeout=5")
