"""HTTP over a socket of our own, read in the calling thread: what a run asks its samples with (adr-0007).

For plain HTTP to an address that needs no name lookup and no proxy. Whatever else there is goes through `transport`,
whose reading thread a lookup or a handshake can keep waiting. Here, too, each request has its own connection.
"""

import functools
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote, urlsplit

from harness.client.address import is_address
from harness.client.exchange import Exchange
from harness.client.http1 import NotHttp, ResponseDecoder
from harness.client.incoming import MAX_BODY_BYTES, START_HINT, Incoming
from harness.client.line import Chunk, Connected, End, Failed, Head, HungUp, Report, Written
from harness.client.proxy import proxy_for
from harness.clock import Clock
from harness.errors import ConnectionLost, HarnessError, MalformedAnswer, NotLMStudio, ServerUnreachable

_READ_BYTES = 65_536
_WAKE_S = 0.2
"""How long one wait for bytes lasts: on Windows, Ctrl-C does not interrupt it."""


def can_be_direct(url: str) -> bool:
    """Return whether requests to a normalised URL need neither TLS, nor a name lookup, nor a proxy."""
    parts = urlsplit(url)
    return parts.scheme == "http" and is_address(parts.hostname or "") and proxy_for(url) is None


@functools.lru_cache(maxsize=16)
def _addresses(host: str, port: int) -> list[Any]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


class DirectTransport:
    """Sends requests to one server, for which `can_be_direct` holds; as `Transport`, but without its thread."""

    def __init__(self, url: str, *, headers: Mapping[str, str], connect_s: float, clock: Clock) -> None:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 80
        self._url = url
        self._path = quote(parts.path, safe="/%!$&'()*+,;=:@~")
        self._address = (host, port)
        named = f"[{host.partition('%')[0]}]" if ":" in host else host  # A zone means something here only (RFC 6874).
        sent = {
            "host": named if port == 80 else f"{named}:{port}",  # noqa: PLR2004  (HTTP's own port)
            "accept": "*/*",
            "accept-encoding": "identity",
            "connection": "close",
            **headers,
        }
        self._head = "".join(f"{name}: {value}\r\n" for name, value in sent.items()).encode("ascii")
        self._connect_s = connect_s
        self._clock = clock

    def close(self) -> None:
        """Do nothing: between requests there is no connection."""

    @contextmanager
    def send(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        waits: Mapping[str, float],
        exchange: Exchange | None = None,
    ) -> Iterator[Incoming]:
        """Send a request and yield its answer; the arguments are those of `Transport.send`.

        The request is sent, and its answer read, while the caller takes the answer from what is yielded.

        Raises:
            Cancelled: the exchange was cancelled before; nothing is sent.
        """
        exchange = Exchange() if exchange is None else exchange
        line = DirectLine(self._address, self._request(method, path, body), url=self._url, now=self._clock.monotonic)
        exchange.attach(line)
        try:
            incoming = Incoming(line, url=self._url, exchange=exchange, clock=self._clock)
            incoming.wait_at_most("connect", self._connect_s)
            for phase, seconds in waits.items():
                incoming.wait_at_most(phase, seconds)
            yield incoming
        finally:
            exchange.detach(line)
            line.close()

    def _request(self, method: str, path: str, body: bytes | None) -> bytes:
        first = f"{method} {self._path}{path} HTTP/1.1\r\n".encode("ascii")
        if body is None:
            return b"%b%b\r\n" % (first, self._head)
        length = b"content-type: application/json\r\ncontent-length: %d\r\n" % len(body)
        return b"%b%b%b\r\n%b" % (first, self._head, length, body)


class DirectLine:
    """A connection that is used in one thread, and that any thread can hang up."""

    def __init__(self, address: tuple[str, int], request: bytes, *, url: str, now: Callable[[], float]) -> None:
        self._address = address
        self._request = request
        self._url = url
        self._now = now
        self._decoder = ResponseDecoder()
        self._body_bytes = 0
        self._reports: deque[Report] = deque()
        self._step: Callable[[float], None] = self._connect
        # Reentrant, as a signal handler may hang up in the thread that is just connecting or closing.
        self._lock = threading.RLock()
        self._socket: socket.socket | None = None
        self._is_hung_up = False

    def next_report(self, *, within_s: float) -> Report | None:
        """Take the next step of the exchange and return what came of it, or None when that takes longer."""
        within_s = min(within_s, threading.TIMEOUT_MAX)  # A socket refuses to wait longer.
        until = self._now() + within_s
        try:
            while not self._reports and not self._is_hung_up and within_s > 0:
                self._step(within_s)
                within_s = until - self._now()
        except HarnessError as exc:
            self._reports.append(Failed(at=self._now(), error=exc))
        except TimeoutError as exc:
            if exc.errno is not None:  # The system's own, not that of `settimeout`.
                self._reports.append(Failed(at=self._now(), error=self._lost(exc)))
        except OSError as exc:
            self._reports.append(Failed(at=self._now(), error=self._lost(exc)))
        if self._is_hung_up:
            return HungUp(at=self._now())
        return self._reports.popleft() if self._reports else None

    def hang_up(self) -> None:
        """Wake the thread that waits here, and close the connection to the server; harmless when repeated."""
        with self._lock:
            self._is_hung_up = True
            if self._socket is not None:
                # While it is connecting, this gives the connection up; only some systems call that an error.
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the socket; called by the thread that uses it."""
        with self._lock:
            self._is_hung_up = True
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    def _connect(self, within_s: float) -> None:
        refusal: OSError | None = None
        for family, kind, protocol, _, address in _addresses(*self._address):
            connection = socket.socket(family, kind, protocol)
            with self._lock:
                if self._socket is not None:
                    self._socket.close()
                self._socket = connection
            if self._is_hung_up:
                return
            try:
                connection.settimeout(within_s)
                connection.connect(address)
            except OSError as exc:
                if isinstance(exc, TimeoutError) and exc.errno is None:
                    raise
                refusal = exc
                continue
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._reports.append(Connected(at=self._now()))
            self._step = self._write
            return
        raise ServerUnreachable(f"no server answers at {self._url}: {refusal}", hint=START_HINT)

    def _write(self, within_s: float) -> None:
        connection = self._connected()
        connection.settimeout(within_s)
        # A server that refuses a request may answer and close before it has read the whole of it: reading tells.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(self._request)
            self._reports.append(Written(at=self._now()))
        self._step = self._read

    def _read(self, within_s: float) -> None:
        data = self._received(within_s)
        at = self._now()
        had_head = self._decoder.head is not None
        try:
            part = self._decoder.feed(data)
            is_complete = self._decoder.is_complete or (not data and self._decoder.has_ended())
        except NotHttp as exc:
            raise NotLMStudio(
                f"what answers at {self._url} does not speak HTTP: {exc}",
                hint="If the server uses TLS, the URL must begin with https://",
            ) from exc
        if not had_head and (head := self._decoder.head) is not None:
            if head.headers.get("content-encoding", "identity") != "identity":
                raise MalformedAnswer("the answer is compressed although the request refused compression")
            self._reports.append(Head(at=at, status=head.status, headers=head.headers))
        if part:
            self._body_bytes += len(part)
            if self._body_bytes > MAX_BODY_BYTES:
                raise MalformedAnswer(f"the answer is longer than {MAX_BODY_BYTES} bytes")
            self._reports.append(Chunk(at=at, data=part))
        if is_complete:
            self._reports.append(End(at=at))
        elif not data:
            raise ConnectionLost(f"{self._url} closed the connection before the answer was complete")

    def _received(self, within_s: float) -> bytes:
        connection = self._connected()
        while within_s > _WAKE_S:
            if connection.gettimeout() != _WAKE_S:  # To set it is a system call.
                connection.settimeout(_WAKE_S)
            try:
                return connection.recv(_READ_BYTES)
            except TimeoutError as exc:
                if exc.errno is not None:
                    raise
                within_s -= _WAKE_S
                connection = self._connected()
        connection.settimeout(within_s)
        return connection.recv(_READ_BYTES)

    def _connected(self) -> socket.socket:
        if self._socket is None or self._is_hung_up:
            raise ConnectionAbortedError("the connection was closed")
        return self._socket

    def _lost(self, error: OSError) -> HarnessError:
        if isinstance(error, socket.gaierror):
            return ServerUnreachable(f"no server answers at {self._url}: {error}", hint=START_HINT)
        return ConnectionLost(f"the connection to {self._url} broke: {str(error) or type(error).__name__}")
