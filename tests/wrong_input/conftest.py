"""What a user would do by hand: the real command in a process of its own, in a pipe or on a terminal of some width."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.domain.record import Record
from harness.store.reader import read_run
from harness.testing.scripted import ScriptedServer
from tests import forkserver

KEY = "acme/tiny-1b"
OTHER = "acme/small-4b"
HARNESS = (sys.executable, "-m", "harness.cli")
_DEADLINE_S = 90


@dataclass(frozen=True)
class Result:
    """How a command ended, and what it said (on a terminal all of it is in `out`)."""

    code: int
    out: str
    err: str = ""

    @property
    def said(self) -> str:
        """All of it."""
        return self.out + self.err


Lms = Callable[..., Result]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A scripted LM Studio with nothing loaded."""
    with ScriptedServer() as scripted:
        yield scripted


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The environment of commands: nothing of this machine's CI, proxies or settings reaches them."""
    ours = (
        "PYTEST_XDIST_WORKER",
        "PYTEST_XDIST_WORKER_COUNT",
        "PYTEST_XDIST_TESTRUNUID",
        "CI",
        "NO_COLOR",
        "COLUMNS",
        "LM_API_TOKEN",
        "LM_STUDIO_API_URL",
        "PYTHONIOENCODING",
    )
    kept = {
        name: value for name, value in os.environ.items() if name not in ours and not name.lower().endswith("_proxy")
    }
    return {**kept, "LMS_HARNESS_STATE": str(tmp_path / "state"), "TERM": "xterm-256color"}


@pytest.fixture
def lms(environ: Mapping[str, str], tmp_path: Path) -> Lms:
    """Run `lms-harness` with its output in pipes; a traceback is never right."""

    def run(*words: str, before: Sequence[str] = (), **more: str) -> Result:
        around = {**environ, **more}
        if before:
            done = subprocess.run(
                [*before, *HARNESS, *words],
                capture_output=True,
                timeout=_DEADLINE_S,
                cwd=tmp_path,
                text=True,
                encoding="utf-8",
                errors="replace",
                env=around,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        else:
            done = forkserver.run("harness.cli", *words, cwd=tmp_path, env=around)
        assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        assert "INTERNALERROR" not in done.stdout + done.stderr, done.stdout + done.stderr
        return Result(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def on_terminal(environ: Mapping[str, str], tmp_path: Path) -> Lms:
    """Run `lms-harness` on a pseudo-terminal of so many columns."""

    def run(*words: str, columns: int, **more: str) -> Result:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        child = forkserver.start("harness.cli", *words, cwd=tmp_path, env={**environ, **more}, terminal=theirs)
        os.close(theirs)
        drawn = _drawn(ours, child)
        os.close(ours)
        result = Result(child.wait(30), drawn)
        assert "Traceback" not in result.out, result.out
        return result

    return run


def _drawn(terminal: int, child: forkserver.Process) -> str:
    drawn, end = b"", time.monotonic() + _DEADLINE_S
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                piece = os.read(terminal, 65536)
            except OSError:  # Linux: the other end is closed.
                break
            drawn += piece
        elif child.poll() is not None:
            break
    return drawn.decode("utf-8", "replace")


def records(folder: Path) -> list[Record]:
    """Return the records of the only run file in a folder."""
    (path,) = folder.glob("*.jsonl")
    return list(read_run(path))
