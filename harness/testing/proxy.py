"""A TCP proxy in front of any server, in which things go wrong on demand; see `harness.testing.fault`."""

import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from harness.client.address import normalised
from harness.errors import SettingsError
from harness.testing.crossing import CONNECT_S, Crossing, Passed, UpstreamGone
from harness.testing.fault import ClientGone, Fault
from harness.testing.framing import NotHTTP
from harness.testing.message import Request
from harness.testing.plan import ANY, FaultPlan
from harness.testing.random_fault import random_fault

CLOSE_S = 5.0
"""`close` ends every connection and every thread within so many seconds."""

_BACKLOG = 128
_LOOK_S = 0.05


class FaultProxy:
    """Passes requests to a server and answers back, unchanged but for the Host header, and lets faults happen.

    Use it as a context manager; it listens on a free port of 127.0.0.1 from the start of the context to its end.

        with FaultProxy("http://127.0.0.1:1234") as proxy:
            proxy.on("POST", "/api/v1/models/load", Reset(after_effect=True), times=1)
            client = Client(proxy.url)
            ...
            assert [passed.status for passed in proxy.passed] == [200, 200]

    Every wait in it ends when the client, the server or the context does: closing takes at most `CLOSE_S`. Where the
    server refuses or resets, the client is reset. A client that closes its sending side counts as gone. A request is
    read as a whole before anything is forwarded; answers pass piece by piece. A connection ends with the request that
    a fault was applied to.

    Args:
        upstream: the URL of the server; plain HTTP.
        keep_bodies: whether to record the bodies of requests.

    Attributes:
        passed: a record of each request, in order; that of a request in progress is still being filled in.

    Raises:
        SettingsError: the URL cannot be used.
    """

    def __init__(self, upstream: str, *, keep_bodies: bool = False) -> None:
        parts = urlsplit(normalised(upstream))
        if parts.scheme != "http" or parts.hostname is None:
            raise SettingsError(f"the proxy speaks plain HTTP only, so it cannot be put in front of {upstream}")
        self._address = (parts.hostname, parts.port or 80)
        self._host = parts.netloc
        self._keep_bodies = keep_bodies
        self._plan: FaultPlan[Fault] = FaultPlan()
        self._connect_plan: FaultPlan[Fault] = FaultPlan()
        self._draw: Callable[[], Fault | None] = lambda: None
        self._lock = threading.Lock()
        self._is_closing = False
        self._is_accepting = False
        self._sockets: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()
        self._listener: socket.socket | None = None
        self._accepting: threading.Thread | None = None
        self._port = 0
        self.passed: list[Passed] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The address where it listens, such as `http://127.0.0.1:40123`."""
        if not self._port:
            raise RuntimeError("the proxy listens only within its context")
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Begin to listen."""
        self._is_closing = False
        self._reserve()
        self._listen()

    def close(self) -> None:
        """End every connection and every thread within `CLOSE_S`; harmless when repeated."""
        self._is_closing = True
        self._stop_listening()
        with self._lock:
            threads = tuple(self._threads)
        self._break_all()
        end = time.monotonic() + CLOSE_S
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        self._port = 0

    def on(self, method: str, path: str, fault: Fault, *, after: int = 0, times: int | None = None) -> None:
        """Let a fault hit the next requests of this method and path (each may be `ANY`).

        Faults for the same requests come in the order in which they were given.

        Args:
            method: such as GET.
            path: without a query.
            fault: what goes wrong.
            after: how many such requests pass first; `on(ANY, ANY, fault, after=2, times=1)` hits the third.
            times: how many requests it hits; None: all.
        """
        self._plan.add(method, path, fault, after=after, times=times)

    def on_connect(self, fault: Fault, *, after: int = 0, times: int | None = None) -> None:
        """Let a fault hit the next connections, before anything is read from them.

        `Reset()` then refuses by a reset; `Hang()` and `Delay(s)` accept the connection and fall silent.
        """
        self._connect_plan.add(ANY, ANY, fault, after=after, times=times)

    def at_random(self, seed: int, *, rate: float, make: Callable[[random.Random], Fault] = random_fault) -> None:
        """Let a random fault hit this share of all requests that no planned fault hits.

        Args:
            seed: decides everything: requests that come one after the other meet the same faults for the same seed.
            rate: from 0 to 1.
            make: returns a fault for a source of random numbers.
        """
        draw = random.Random(seed)  # noqa: S311  (a seeded generator, not cryptography)
        self._draw = lambda: make(draw) if draw.random() < rate else None

    def heal(self) -> None:
        """Drop all planned and random faults; those in progress stay."""
        self._plan.clear()
        self._connect_plan.clear()
        self._draw = lambda: None

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Refuse new connections within this context, as a port does where nothing listens; the port stays ours."""
        _ = self.url  # It must be listening.
        self._stop_listening()
        self._reserve()
        try:
            yield
        finally:
            if not self._is_closing:
                self._listen()

    def _reserve(self) -> None:
        """Own the port without listening on it: connections are refused."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.settimeout(_LOOK_S)
        listener.bind(("127.0.0.1", self._port))
        self._port = listener.getsockname()[1]
        self._listener = listener

    def _listen(self) -> None:
        if self._listener is None:
            raise RuntimeError("the proxy listens only within its context")
        self._listener.listen(_BACKLOG)
        self._is_accepting = True
        self._accepting = threading.Thread(target=self._accept, args=(self._listener,), name="fault-proxy", daemon=True)
        self._accepting.start()

    def _stop_listening(self) -> None:
        self._is_accepting = False
        if self._accepting is not None:
            self._accepting.join(CLOSE_S)
            self._accepting = None
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _accept(self, listener: socket.socket) -> None:
        while self._is_accepting:
            try:
                client, _ = listener.accept()
            except OSError:  # No client came within _LOOK_S, or it has left already.
                continue
            client.settimeout(None)
            with suppress(OSError):  # The client may have left already, which its thread finds out.
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            fault = self._connect_plan.next_fault(ANY, ANY)
            thread = threading.Thread(
                target=self._serve, args=(client, fault), name="fault-proxy-connection", daemon=True
            )
            with self._lock:
                self._sockets.add(client)
                self._threads.add(thread)
            thread.start()

    def _serve(self, client: socket.socket, fault: Fault | None) -> None:
        """Let the requests of one connection pass; a fault given here hits the connection itself."""
        early = b""
        try:
            while True:
                crossing = Crossing(
                    client,
                    early=early,
                    connect=self._connect,
                    leave=self._leave,
                    host=self._host,
                    keep_body=self._keep_bodies,
                )
                self._let_pass(crossing, fault)
                if not crossing.is_reusable:
                    return
                early, fault = crossing.early, None
        finally:
            self._leave(client)
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _let_pass(self, crossing: Crossing, fault: Fault | None) -> None:
        """Let one request pass, or meet its fault."""
        try:
            if fault is None:
                fault = self._fault_of_request(crossing.request)
            crossing.passed.fault = fault
            self.passed.append(crossing.passed)
            if fault is None:
                crossing.relay()
            else:
                fault.apply(crossing)
                crossing.is_reusable = False
        except ClientGone:
            crossing.is_reusable = False
        except NotHTTP:
            crossing.end("reset")
        except UpstreamGone as gone:
            crossing.end("reset" if gone.is_reset else "close")
        finally:
            crossing.finish()

    def _fault_of_request(self, request: Request) -> Fault | None:
        planned = self._plan.next_fault(request.method, request.path.partition("?")[0])
        with self._lock:
            return self._draw() if planned is None else planned

    def _connect(self) -> socket.socket:
        upstream = socket.create_connection(self._address, CONNECT_S)
        upstream.setblocking(False)
        upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._sockets.add(upstream)
        if self._is_closing:
            self._leave(upstream)
            raise ConnectionAbortedError
        return upstream

    def _leave(self, connection: socket.socket) -> None:
        """Close a connection; under the lock, or `close` could shut down a stranger with the same descriptor."""
        with self._lock:
            self._sockets.discard(connection)
            connection.close()

    def _break_all(self) -> None:
        with self._lock:
            for connection in self._sockets:
                with suppress(OSError):  # It may have ended by itself.
                    connection.shutdown(socket.SHUT_RDWR)
