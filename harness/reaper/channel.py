"""The pipe to a reaper: messages go out, and each reply reaches the thread that waits for it."""

import contextlib
import json
import os
import queue
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any, Protocol, TypeAlias

from harness import child
from harness.client.exchange import Exchange
from harness.errors import ConnectionLost, DeadlineExceeded, LeaseError
from harness.reaper import identity
from harness.reaper.journal import Journal

ANSWER_S = 30.0
"""How long a reaper may take for what it can answer at once; generous, as the machine may be busy."""

EXIT_S = 0.5
"""How long the end of a reaper is waited for; it ends without us as well."""

_WAKE_S = 0.05


class Peer(Protocol):
    """A reaper, seen from the run: two ends of pipes and a process."""

    stdin: IO[bytes] | None
    stdout: IO[bytes] | None
    pid: int
    returncode: int | Any

    def wait(self, timeout: float | None = None) -> int:
        """Return once it has ended; raises `subprocess.TimeoutExpired` when it has not by then."""
        ...


Launch: TypeAlias = Callable[[Journal], Peer]
"""Starts a reaper for this journal."""


def launched(journal: Journal) -> Peer:
    """Start a reaper as a process that outlives this one, out of reach of the terminal's signals.

    Raises:
        LeaseError: the operating system does not start it.
    """
    try:
        return subprocess.Popen(  # noqa: S603  (fixed arguments)
            child.command("harness.reaper.process"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=journal.path.parent,
            env=child.environment(),
            **_detached(),
        )
    except OSError as exc:
        raise LeaseError(
            f"cannot start the process that unloads what this run loads: {exc.strerror}",
            hint="Nothing is loaded without it.",
        ) from exc


class Channel:
    """One reaper and the pipe to it.

    Args:
        peer: the reaper.
        on_death: called when it ends although the channel was not closed.
    """

    def __init__(self, peer: Peer, on_death: "Callable[[Channel], None]") -> None:
        self._peer = peer
        self._on_death = on_death
        self._is_closing = False
        self._replies: dict[int, queue.SimpleQueue[dict[str, Any] | None]] = {}
        self._lock = threading.RLock()  # Reentrant: a signal handler may ask while this very thread does.
        self._next = 1
        self._is_torn = False
        self.pid = peer.pid
        self.is_dead = False

    @classmethod
    def opened(
        cls, journal: Journal, *, token: str, settle_s: float, launch: Launch, on_death: "Callable[[Channel], None]"
    ) -> "Channel":
        """Return the channel to a new reaper, which takes care of this journal from now on.

        Raises:
            LeaseError: the reaper did not start.
        """
        peer = launch(journal)
        if peer.stdin is not None and sys.platform != "win32":
            os.set_blocking(peer.stdin.fileno(), False)  # Nobody waits for ever for a reaper that is stopped.
        channel = cls(peer, on_death)
        threading.Thread(target=channel._listen, name="lms-reaper", daemon=True).start()
        hello = {
            "op": "hello",
            "journal": str(journal.path.resolve()),
            "url": journal.url,
            "token": token,
            "locks": str(journal.path.resolve().parent.parent / "locks"),
            "settle_s": settle_s,
            "owner": identity.owner(),
        }
        try:
            ready = next(channel.ask(hello, within_s=ANSWER_S), None)
        except (ConnectionLost, DeadlineExceeded):
            ready = None
        if ready is None or not ready["ok"]:
            channel.close(within_s=EXIT_S)
            raise LeaseError(
                "the process that unloads what this run loads did not start",
                hint=f"Nothing is loaded without it. Try: {sys.executable} -m harness.reaper.process </dev/null",
            )
        return channel

    def ask(
        self, message: Mapping[str, Any], *, within_s: float, exchange: Exchange | None = None
    ) -> Iterator[dict[str, Any]]:
        """Send a message and yield its replies: those with `more`, then the last one.

        Raises:
            ConnectionLost: the reaper is dead.
            DeadlineExceeded: it did not read or reply in time.
            Cancelled: the exchange was cancelled.
        """
        replies: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        with self._lock:
            number, self._next = self._next, self._next + 1
            self._replies[number] = replies
            self._send({**message, "id": number}, within_s)
        end = time.monotonic() + within_s
        try:
            while True:
                reply = self._next_reply(replies, end, within_s, exchange)
                yield reply
                if not reply.get("more"):
                    return
        finally:
            with self._lock:
                self._replies.pop(number, None)

    def tell(self, message: Mapping[str, Any]) -> None:
        """Send a short message that has no reply; it is dropped if the reaper does not read.

        Raises:
            ConnectionLost: the reaper is dead.
        """
        with self._lock, contextlib.suppress(DeadlineExceeded):
            self._send(message, 0.0)

    def close(self, *, within_s: float) -> None:
        """Close the pipe, which tells the reaper that the run is over, and give it a moment to end."""
        self._is_closing = True
        with contextlib.suppress(OSError, ValueError, AttributeError):
            self._peer.stdin.close()  # type: ignore[union-attr]
        try:
            self._peer.wait(within_s)
        except subprocess.TimeoutExpired:
            # It is finishing what is left, which may take minutes. Without a return code, Popen would warn of a child
            # that is still running.
            self._peer.returncode = 0

    def _send(self, message: Mapping[str, Any], within_s: float) -> None:
        if self.is_dead or self._is_torn or self._peer.stdin is None:
            raise ConnectionLost("the reaper has ended")
        try:
            self._write(self._peer.stdin, json.dumps(message).encode("ascii") + b"\n", within_s)
        except DeadlineExceeded:
            raise
        except (OSError, ValueError) as exc:
            raise ConnectionLost("the reaper has ended") from exc

    def _write(self, pipe: IO[bytes], line: bytes, within_s: float) -> None:
        """Write a line as the reaper reads; one of up to 4 KiB is written whole or not at all."""
        if sys.platform == "win32":
            pipe.write(line)
            pipe.flush()
            return
        end, left = time.monotonic() + within_s, memoryview(line)
        writable = select.poll()
        writable.register(pipe.fileno(), select.POLLOUT)
        while left:
            try:
                left = left[os.write(pipe.fileno(), left) :]
            except BlockingIOError:
                if time.monotonic() >= end:
                    self._is_torn = len(left) < len(line)  # What follows half a line could not be understood.
                    raise DeadlineExceeded(
                        f"the reaper did not read within {within_s:g} s", phase="load", after_s=within_s
                    ) from None
                writable.poll(1000 * _WAKE_S)

    @staticmethod
    def _next_reply(
        replies: "queue.SimpleQueue[dict[str, Any] | None]", end: float, within_s: float, exchange: Exchange | None
    ) -> dict[str, Any]:
        while True:
            if exchange is not None:
                exchange.check()
            left = end - time.monotonic()
            if left <= 0:
                raise DeadlineExceeded(
                    f"the reaper did not answer within {within_s:g} s", phase="load", after_s=within_s
                )
            try:
                # Short waits, so that Ctrl-C gets through on Windows and a cancelled exchange is noticed.
                reply = replies.get(timeout=min(left, _WAKE_S))
            except queue.Empty:
                continue
            if reply is None:
                raise ConnectionLost("the reaper has ended")
            return reply

    def _listen(self) -> None:
        """Run in a thread: hand each reply to the thread that waits for it; at the end wake all."""
        out = self._peer.stdout
        with contextlib.suppress(OSError, ValueError):
            for line in out or ():
                reply = json.loads(line)
                with self._lock:
                    waiting = self._replies.get(reply["id"])
                if waiting is not None:
                    waiting.put(reply)
        with self._lock:
            self.is_dead = True
            for waiting in self._replies.values():
                waiting.put(None)
        if out is not None:
            out.close()
        if not self._is_closing:
            self.close(within_s=EXIT_S)  # Otherwise it stays as a zombie, and our end of its pipe open.
            self._on_death(self)


def _detached() -> dict[str, Any]:
    """Return what makes a child outlive us, out of reach of our terminal's signals."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}
