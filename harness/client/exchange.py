"""Cancelling a request from another thread."""

import threading
from collections.abc import Callable
from typing import Protocol

from harness.errors import Cancelled


class Connection(Protocol):
    """What an exchange can hang up."""

    def hang_up(self) -> None:
        """End the request and close the connection; called from any thread, harmless when repeated."""
        ...


class Exchange:
    """One request that can be cancelled.

    Pass it to a method of the client and keep it: `cancel` may be called from any thread, before, during or after.

    Args:
        on_sent: called whenever a request has been sent, in the thread that waits for its answer.
    """

    def __init__(self, *, on_sent: Callable[[], None] = lambda: None) -> None:
        self.on_sent = on_sent
        self._lock = threading.Lock()
        self._is_cancelled = False
        self._lines: set[Connection] = set()

    @property
    def is_cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._is_cancelled

    def cancel(self) -> None:
        """Make the call in flight raise `Cancelled` at once, and every later call with this exchange as well.

        The server sees the connection close.
        """
        # No lock here: a signal handler may run in the very thread that is attaching a line and holds the lock.
        # Reading `_lines` without it is safe, because `attach` and `detach` replace the set and never change it.
        self._is_cancelled = True
        for line in tuple(self._lines):
            line.hang_up()

    def check(self) -> None:
        """Raise `Cancelled` if `cancel` was called."""
        if self._is_cancelled:
            raise Cancelled("the request was cancelled")

    def attach(self, line: Connection) -> None:
        """Let `cancel` hang up this line from now on.

        Raises:
            Cancelled: `cancel` was called before.
        """
        with self._lock:
            self._lines = self._lines | {line}
        # Checked after the line is registered: an earlier `cancel` did not see it, a later one does.
        self.check()

    def detach(self, line: Connection) -> None:
        """Let `cancel` ignore this line from now on."""
        with self._lock:
            self._lines = self._lines - {line}
