"""Ctrl-Z in a real shell on a real terminal: the shell gets the terminal as it was, and the picture comes back."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HIDDEN, SHOWN = "\x1b[?25l", "\x1b[?25h"
PROGRAM = """
import sys, threading
from harness.clock import SystemClock
from harness.report.live.picture import Screen
from harness.report.live.progress import LiveProgress
from harness.report.live.standing import PlannedModel
from harness.report.stop import stops_cleanly

live = LiveProgress(
    sys.stdout, say=print, clock=SystemClock(), column=lambda: 0, size=lambda: Screen(columns=80, rows=24)
)
undo = stops_cleanly(live)
live.expect([PlannedModel(key="acme/tiny-1b", cells=())])
with live.shown(is_still="still" in sys.argv):
    sys.stdin.readline()
live.close()
undo()
print("it has ended")
"""
WAITING = """
import sys
from harness.report.wait import waiting

with waiting("starting", sys.stdout):
    sys.stdin.readline()
print("it has ended")
"""
DOWNLOADING = """
import sys
from harness.report.download import DownloadBar

with DownloadBar(sys.stdout, "starting") as bar:
    sys.stdin.readline()
print("it has ended")
"""


class Shell:
    """An interactive shell on a terminal of its own."""

    def __init__(self, folder: Path) -> None:
        self._ours, theirs = pty.openpty()
        self.seen = ""
        self._process = subprocess.Popen(
            ["/usr/bin/env", "bash", "--norc", "--noprofile", "--noediting", "-i"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            env={**os.environ, "TERM": "xterm", "PS1": "ready> ", "HISTFILE": ""},
            # The terminal becomes that of the new session: without one, the shell has no jobs to stop.
            preexec_fn=lambda: _take_terminal(theirs),  # noqa: PLW1509  (a single-threaded child, for two calls)
        )
        os.close(theirs)

    def types(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def wait(self, until: Callable[[str], bool]) -> str:
        """Return what was printed until something is true of it, and forget it."""
        end = time.monotonic() + 60
        while not until(self.seen):
            assert time.monotonic() < end, self.seen
            if select.select([self._ours], [], [], 0.2)[0]:
                self.seen += os.read(self._ours, 65536).decode(errors="replace")
        seen, self.seen = self.seen, ""
        return seen

    def close(self) -> None:
        os.close(self._ours)  # A hang-up: the shell ends its jobs.
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(60)


def _take_terminal(terminal: int) -> None:
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    for name, program in (("program", PROGRAM), ("waiting", WAITING), ("downloading", DOWNLOADING)):
        (tmp_path / f"{name}.py").write_text(program)
    opened = Shell(tmp_path)
    opened.wait(lambda seen: "ready> " in seen)
    yield opened
    opened.close()


@pytest.mark.parametrize("words", ["program.py", "program.py still", "waiting.py", "downloading.py"])
def test_ctrl_z_shows_the_cursor_and_fg_the_picture(shell: Shell, words: str) -> None:
    shell.types(f"{sys.executable} {words}\n")
    shell.wait(lambda seen: "starting" in seen.partition(HIDDEN)[2])
    shell.types("\x1a")
    stopped = shell.wait(lambda seen: "Stopped" in seen and "ready> " in seen)
    assert stopped.rfind(SHOWN) > stopped.rfind(HIDDEN)
    assert ("\x1b[J" if "program" in words else "\x1b[2K") in stopped  # Erased, too.
    shell.types("fg\n")
    shell.wait(lambda seen: "starting" in seen.partition(HIDDEN)[2])
    shell.types("\n")
    ended = shell.wait(lambda seen: "it has ended" in seen and "ready> " in seen)
    assert ended.rfind(SHOWN) > ended.rfind(HIDDEN)
