"""A process under watch: its time, the memory of its whole tree, and its end, whatever happens."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

OUTPUT = "output.txt"
"""The file in the working directory that takes everything the process prints."""

_POLL_S = 0.01
_TREE_S = 0.1
_END_S = 10.0
_TAIL_BYTES = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What was seen of a process. Times are of the monotonic clock.

    Attributes:
        returncode: negative: the signal that ended it.
        is_late: it was ended because its time was over.
        cpu_s: user and system time of the process and of those children that it waited for.
        memory: moments, and the sum of the peaks (VmHWM) of all processes that lived then; empty without /proc.
        tail: the end of what it printed.
    """

    returncode: int
    is_late: bool
    started: float
    wall_s: float
    cpu_s: float
    memory: tuple[tuple[float, int], ...]
    tail: str

    def peak_bytes(self, until: float | None = None) -> int | None:
        """Return the peak of the whole tree, up to a moment or to the end; None if it was not measured."""
        return max((size for moment, size in self.memory if until is None or moment <= until), default=None)


def watch(
    command: Sequence[str],
    *,
    folder: Path,
    environ: Mapping[str, str],
    limit_s: float,
    is_to_be_killed: Callable[[], bool] | None = None,
) -> Watched:
    """Run a command in a folder to its end, or kill it with all that it started.

    Args:
        limit_s: for how long it may run.
        is_to_be_killed: asked while it runs; once it says so, the process is sent SIGKILL, as the only one of its tree.
    """
    with (folder / OUTPUT).open("wb") as output:
        started = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        tree = _Tree(process.pid)
        try:
            is_late, status, cpu_s = _wait(process.pid, tree, started + limit_s, is_to_be_killed)
            wall_s = time.monotonic() - started
        except BaseException:  # Ctrl-C: nothing that was started here stays.
            tree.kill()
            with suppress(ChildProcessError):
                os.waitpid(process.pid, 0)
            raise
        finally:
            process.returncode = 0  # It was waited for here.
    tree.end()
    return Watched(
        returncode=os.waitstatus_to_exitcode(status),
        is_late=is_late,
        started=started,
        wall_s=wall_s,
        cpu_s=cpu_s,
        memory=tuple(tree.memory),
        tail=tail(folder / OUTPUT),
    )


def tail(path: Path) -> str:
    """Return the end of a file as text."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        return file.read().decode(errors="replace")


def telling_line(printed: str) -> str:
    """Return the line of a failed command's output that says most: the last that speaks of an error, else the last."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    errors = [line for line in lines if any(word in line.lower() for word in ("error", "stopped", "refused"))]
    return (errors or lines or ["it printed nothing"])[-1][:200]


def _wait(
    pid: int, tree: "_Tree", deadline: float, is_to_be_killed: Callable[[], bool] | None
) -> tuple[bool, int, float]:
    """Wait for the process, and return whether it was late, its status, and its CPU time."""
    is_late = False
    while True:
        tree.look()
        found, status, usage = os.wait4(pid, os.WNOHANG)
        if found:
            return is_late, status, usage.ru_utime + usage.ru_stime
        if time.monotonic() > deadline and not is_late:
            is_late = True
            tree.kill()
        if is_to_be_killed is not None and is_to_be_killed():
            is_to_be_killed = None
            os.kill(pid, signal.SIGKILL)
        time.sleep(_POLL_S)


class _Tree:
    """A process and all that it started, as far as /proc tells."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._pids = {root}
        self._next_look = 0.0
        self.memory: list[tuple[float, int]] = []

    def look(self) -> None:
        """Note the memory of all; now and then look for new ones."""
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + _TREE_S
            for pid in tuple(self._pids):
                self._pids |= _descendants(pid)
        size = sum(map(_peak_bytes, self._pids))
        if size:
            self.memory.append((now, size))

    def kill(self) -> None:
        """Kill all."""
        self._next_look = 0.0
        self.look()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._root, signal.SIGKILL)
        for pid in self._pids:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)

    def end(self) -> None:
        """Give what is left of the tree time to end by itself (a reaper does), then kill it."""
        deadline = time.monotonic() + _END_S
        left = self._pids - {self._root}
        while left and time.monotonic() < deadline:
            left = {pid for pid in left if _peak_bytes(pid)}
            time.sleep(_POLL_S)
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _descendants(pid: int) -> set[int]:
    found: set[int] = set()
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found.update(map(int, (task / "children").read_text().split()))
    for child in tuple(found):
        found |= _descendants(child)
    return found


def _peak_bytes(pid: int) -> int:
    """Return the most memory that a living process has had resident; 0 if it is not there, or ended."""
    try:
        with Path(f"/proc/{pid}/status").open("rb") as file:
            text = file.read(2000)
    except OSError:
        return 0
    at = text.find(b"VmHWM:")
    return int(text[at + 6 : text.index(b"kB", at)]) * 1024 if at >= 0 else 0
