"""One connection, shared by two threads: one reads the socket, the other waits with a deadline and may hang up.

Closing an HTTP client or a response from another thread does not wake a blocked read; shutting down the socket does.
So each request has its own reading thread, which reports what arrives. No other thread ever joins it.
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
    """The connection is established, including TLS; the request is about to be written."""

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The request is written."""

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Status and headers have arrived; header names are in lower case."""

    at: float
    status: int
    headers: Mapping[str, str]

    @property
    def content_type(self) -> str:
        """The media type, without its parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Some bytes of the body have arrived."""

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
    """We hung up; nothing that is reported later counts."""

    at: float


Report: TypeAlias = Connected | Written | Head | Chunk | End | Failed | HungUp


class Line:
    """A connection that can be hung up at any time, from any thread, in any phase."""

    def __init__(self) -> None:
        self._reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        # Reentrant, as a signal handler may hang up in the thread that is already doing so.
        self._lock = threading.RLock()
        self._socket: socket.socket | None = None
        self._is_hung_up = False

    def report(self, report: Report) -> None:
        """Pass a report to the waiting thread."""
        self._reports.put(report)

    def next_report(self, *, within_s: float) -> Report | None:
        """Return the next report, or None when none arrives in time."""
        try:
            return self._reports.get(timeout=min(max(within_s, 0.0), threading.TIMEOUT_MAX))
        except queue.Empty:
            return None

    def hold(self, connection: socket.socket) -> bool:
        """Remember the socket to shut down; return False when we have already hung up.

        A duplicate is kept, because a TLS handshake detaches the socket object that it is given, and because a
        descriptor that was closed elsewhere may meanwhile belong to another connection.
        """
        with self._lock:
            if self._is_hung_up:
                return False
            self._drop()
            self._socket = connection.dup()
            return True

    def hang_up(self, *, at: float = 0.0) -> None:
        """Wake the reading and the waiting thread, and close the connection to the server; harmless when repeated."""
        with self._lock:
            if self._is_hung_up:
                return
            self._is_hung_up = True
            # Reported before the shutdown, which the reading thread would otherwise report as the end of the answer.
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
