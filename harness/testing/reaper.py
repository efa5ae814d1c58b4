"""A reaper in a thread of this process: the same code behind the same pipes, waiting by whatever clock it is given.

With a `FakeClock` deadlines of minutes pass in milliseconds. It dies with this process, so it guarantees nothing.
"""

import os
import subprocess
import threading
from typing import IO

from harness.clock import Clock
from harness.reaper.channel import Launch
from harness.reaper.journal import Journal
from harness.reaper.process import serve

_JOIN_S = 30.0


class ReaperThread:
    """What `harness.reaper.channel` expects of a process.

    Args:
        clock: of the reaper.
    """

    def __init__(self, clock: Clock) -> None:
        self.pid = os.getpid()
        self.returncode: int | None = None
        our_input, their_output = os.pipe()
        their_input, our_output = os.pipe()
        self.stdin: IO[bytes] | None = os.fdopen(our_output, "wb")
        self.stdout: IO[bytes] | None = os.fdopen(our_input, "rb")
        self._is_killed = False
        self._thread = threading.Thread(
            target=self._serve, args=(os.fdopen(their_input, "rb"), os.fdopen(their_output, "wb"), clock), daemon=True
        )
        self._thread.start()

    def wait(self, timeout: float | None = None) -> int:
        """Return once it has ended.

        Raises:
            subprocess.TimeoutExpired: it has not.
        """
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise subprocess.TimeoutExpired("reaper", timeout or 0.0)
        self.returncode = 0
        return 0

    def kill(self) -> None:
        """End it as a SIGKILL ends a process: without finishing anything. Close its `stdin` afterwards."""
        self._is_killed = True

    def _serve(self, stdin: IO[bytes], stdout: IO[bytes], clock: Clock) -> None:
        with stdin, stdout:
            serve(stdin, stdout, clock, is_killed=lambda: self._is_killed)


def in_thread(clock: Clock) -> Launch:
    """Return what starts a `ReaperThread` with this clock, for `ReaperLink(launch=…)`."""

    def launch(_: Journal) -> ReaperThread:
        return ReaperThread(clock)

    return launch
