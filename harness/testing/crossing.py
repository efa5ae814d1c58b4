"""One request on its way through a proxy, between two sockets. No wait outlives either end."""

import selectors
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.testing.ending import prepare_end
from harness.testing.fault import ClientGone, Fault, Then, pass_on
from harness.testing.framing import Framing, MessageHead, Piece
from harness.testing.message import Request, Response

CONNECT_S = 3.0
"""How long the server may take to accept a connection."""

_PART_BYTES = 64 * 1024


class UpstreamGone(Exception):
    """The server refused the connection or broke off its answer; `is_reset` unless it closed in an orderly way."""

    def __init__(self, *, is_reset: bool) -> None:
        super().__init__()
        self.is_reset = is_reset


@dataclass(slots=True, kw_only=True)
class Passed:
    """What is known of one request; filled in as it proceeds. It keeps no header, so no token either.

    Attributes:
        method: "" until the request is read; a connection may be broken before that. Likewise `path`, with its query.
        body: of the request, if the proxy keeps bodies.
        fault: the fault that was applied; None: the request passed unchanged.
        is_forwarded: whether the whole request was sent to the server.
        status: of the server's answer, whatever the client got instead.
        request_bytes: head and body, as the client sent them.
        answer_bytes: head and body, as sent to the client.
        started_at: when it began, on `time.monotonic`, in seconds.
        ended_at: when nothing more was to come; None until then.
    """

    method: str = ""
    path: str = ""
    body: bytes | None = None
    fault: Fault | None = None
    is_forwarded: bool = False
    status: int | None = None
    request_bytes: int = 0
    answer_bytes: int = 0
    started_at: float
    ended_at: float | None = None


class Crossing:
    """One request between its client and the server; faults see it as their `Call`.

    Args:
        client: the connection to the client.
        early: bytes that have come from it already.
        connect: connects to the server.
        leave: closes such a connection.
        host: what the Host header becomes: servers check it against their own port.
        keep_body: whether to record the body.
    """

    def __init__(
        self,
        client: socket.socket,
        *,
        early: bytes,
        connect: Callable[[], socket.socket],
        leave: Callable[[socket.socket], None],
        host: str,
        keep_body: bool = False,
    ) -> None:
        self._client = client
        self._early = early
        self._connect = connect
        self._leave = leave
        self._host = host
        self._keep_body = keep_body
        self._upstream: socket.socket | None = None
        self._request: Request | None = None
        self._wire = b""
        self._speaks_1_0 = False
        self.passed = Passed(started_at=time.monotonic())
        self.is_reusable = False

    @property
    def early(self) -> bytes:
        """What the client sent after its request."""
        return self._early

    @property
    def request(self) -> Request:
        """The request without its Authorization header; read from the client when it is first needed.

        Raises:
            ClientGone: the client left without asking.
            NotHTTP: what the client sent is not HTTP.
        """
        if self._request is None:
            self._request = self._read_request()
        return self._request

    def ask(self) -> None:
        """Forward the request to the server, once; only its Host header changes."""
        if self._upstream is not None:
            return
        _ = self.request
        try:
            self._upstream = self._connect()
        except OSError as exc:
            raise UpstreamGone(is_reset=True) from exc
        left = memoryview(self._wire)
        while left:
            self._await(self._upstream, selectors.EVENT_WRITE)
            try:
                left = left[self._upstream.send(left) :]
            except BlockingIOError:
                continue
            except OSError:
                return  # The server may have answered all the same: that the body is too long, say.
        self.passed.is_forwarded = True

    def pieces(self) -> Iterator[Piece]:
        """Forward the request unless that has been done, and yield the server's answer as it comes.

        Raises:
            ClientGone: the client does not wait for it any more.
            UpstreamGone: the answer is not complete.
        """
        self.ask()
        framing = Framing(answers=self.request.method)
        while not framing.is_complete:
            data = self._receive()
            if not data and framing.ends_with_connection:
                return
            if not data:
                yield Piece(wire=framing.rest)
                raise UpstreamGone(is_reset=False)
            for piece in framing.feed(data):
                if piece.head is not None:
                    self.passed.status = piece.head.status
                yield piece
        self.is_reusable = not (framing.rest or self._is_last(framing))

    def answer(self) -> Response:
        """Forward the request unless that has been done, and return the server's whole answer."""
        pieces = list(self.pieces())
        head = next((piece.head for piece in pieces if piece.head is not None), None)
        if head is None:
            raise UpstreamGone(is_reset=False)
        content_type = head.headers.get("content-type", "")
        parts = tuple(piece.payload for piece in pieces if piece.payload)
        is_stream = "transfer-encoding" in head.headers
        return Response(status=head.status, content_type=content_type, parts=parts, is_stream=is_stream)

    def relay(self) -> None:
        """Pass the answer on as it comes."""
        pass_on(self, self.pieces())

    def send(self, response: Response) -> None:
        """Send an answer that the proxy makes up, and end the connection with it."""
        _ = self.request  # Read it first: a client that is still sending would see a broken pipe instead.
        body = b"".join(response.parts)
        lines = (f"content-type: {response.content_type}", f"content-length: {len(body)}", "connection: close")
        self.write(MessageHead.of_response(response.status, *lines).encoded() + body)

    def write(self, data: bytes) -> None:
        """Send bytes to the client at once and unchanged."""
        self.passed.answer_bytes += len(data)
        try:
            self._client.sendall(data)
        except OSError as exc:
            raise ClientGone from exc

    def wait(self, seconds: float | None) -> None:
        """Wait; None waits until the client leaves or the proxy is closed."""
        end = None if seconds is None else time.monotonic() + seconds
        while end is None or time.monotonic() < end:
            self._await(None, within_s=None if end is None else max(0.0, end - time.monotonic()))

    def end(self, then: Then) -> None:
        """End the connection to the client in this way."""
        self.is_reusable = False
        if prepare_end(self._client, then):
            self.wait(None)

    def finish(self) -> None:
        """Leave the server."""
        if self._upstream is not None:
            self._leave(self._upstream)
        self.passed.ended_at = time.monotonic()

    def _is_last(self, framing: Framing) -> bool:
        """Return whether the client or the server said that the connection ends with this answer."""
        both = (self.request.headers, framing.head.headers if framing.head else {})
        return self._speaks_1_0 or any(headers.get("connection", "").lower() == "close" for headers in both)

    def _read_request(self) -> Request:
        framing = Framing()
        wire, body, coming = [], [], self._early
        self._early = b""
        while True:
            for piece in framing.feed(coming):
                wire.append(piece.wire)
                body.append(piece.payload)
            if framing.is_complete:
                break
            coming = self._from_client()
        self._early = framing.rest
        head = framing.head
        if head is None:
            raise AssertionError("a complete request has a head")
        passed = self.passed
        passed.method, passed.path, passed.request_bytes = head.method, head.path, sum(map(len, wire))
        passed.body = b"".join(body) if self._keep_body else None
        self._wire = b"".join((head.with_header("Host", self._host).encoded(), *wire[1:]))
        self._speaks_1_0 = head.start.endswith(b"1.0")
        headers = {name: value for name, value in head.headers.items() if name != "authorization"}
        return Request(method=head.method, path=head.path, headers=headers, body=b"".join(body))

    def _receive(self) -> bytes:
        """Return what the server sends next; nothing when it has closed the connection."""
        if self._upstream is None:
            raise AssertionError("nothing was asked")
        while True:
            self._await(self._upstream, selectors.EVENT_READ)
            try:
                return self._upstream.recv(_PART_BYTES)
            except BlockingIOError:
                continue
            except OSError as exc:
                raise UpstreamGone(is_reset=True) from exc

    def _await(self, upstream: socket.socket | None, event: int = 0, *, within_s: float | None = None) -> None:
        """Wait until the server is ready for this or the time is up; keep what the client sends meanwhile.

        The client is watched all the time, because only so a client that leaves is noticed while its server is slow.
        """
        with selectors.DefaultSelector() as selector:
            selector.register(self._client, selectors.EVENT_READ)
            if upstream is not None:
                selector.register(upstream, event)
            while True:
                ready = [key.fileobj for key, _ in selector.select(within_s)]
                if self._client in ready:
                    self._early += self._from_client()
                if upstream is None or upstream in ready or not ready:
                    return

    def _from_client(self) -> bytes:
        try:
            data = self._client.recv(_PART_BYTES)
        except OSError as exc:
            raise ClientGone from exc
        if not data:
            raise ClientGone
        return data
