"""One connection, seen from two threads: one reads the socket, the other waits with a deadline and may hang up.

Closing an HTTP client or a response from another thread does not wake a blocked read; shutting the socket down does.
So every request is read by a thread of its own, which reports what comes, and nobody ever waits for that thread.
"""

import queue
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """The connection stands, with TLS where asked for; the request is about to be written."""

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The request is written."""

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Status and headers came; names of headers are in lower case."""

    at: float
    status: int
    headers: Mapping[str, str]

    @property
    def content_type(self) -> str:
        """The media type, without its parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Some bytes of the body came."""

    at: float
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The body is complete."""

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The exchange broke; `error` is the HTTP library's."""

    at: float
    error: BaseException


@dataclass(frozen=True, slots=True, kw_only=True)
class HungUp:
    """We broke it off ourselves; nothing that is reported later counts."""

    at: float


Report: TypeAlias = Connected | Written | Head | Chunk | End | Failed | HungUp


class Line:
    """A connection that can be hung up at any time, from any thread, in any phase."""

    def __init__(self) -> None:
        self._reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._lock = threading.RLock()  # a signal handler may hang up while this thread is about to
        self._socket: socket.socket | None = None
        self._is_hung_up = False

    def report(self, report: Report) -> None:
        """Tell the waiting thread what came."""
        self._reports.put(report)

    def next_report(self, *, within_s: float) -> Report | None:
        """Return what came next, or None when nothing came in time."""
        try:
            return self._reports.get(timeout=min(max(within_s, 0.0), threading.TIMEOUT_MAX))
        except queue.Empty:
            return None

    def hold(self, connection: socket.socket) -> bool:
        """Remember the socket to shut down; False when it is too late: we have hung up already.

        A duplicate is kept, because a TLS handshake detaches the socket object that it is given, and because a
        descriptor that was closed elsewhere may by now belong to another connection.
        """
        with self._lock:
            if self._is_hung_up:
                return False
            self._drop()
            self._socket = connection.dup()
            return True

    def hang_up(self, *, at: float = 0.0) -> None:
        """Wake the reading thread and the waiting one, and let the server see the end; harmless when repeated."""
        with self._lock:
            if self._is_hung_up:
                return
            self._is_hung_up = True
            # Before the shutdown: the reading thread then sees an end that must not be taken for the answer's.
            self._reports.put(HungUp(at=at))
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Forget the socket; called by the reading thread when it ends."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
