"""What the reaper costs a run that loads something, compared with a bare interpreter; a measurement, never a test."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from harness.clock import SystemClock
from harness.reaper.journal import Journal
from harness.reaper.link import ReaperLink

_URL = "http://127.0.0.1:9"  # Nothing is sent.
_SECONDS_PER_MS = 1000.0
_BARE = "print(1, flush=True); input()"


def measure(rounds: int) -> str:
    """Return a table of medians. The two kinds take turns, because the machine may be busy with other things."""
    bare, reaper, closing = [], [], []
    with tempfile.TemporaryDirectory(prefix="lms-campaign-") as folder:
        for number in range(rounds):
            bare.append(_bare())
            *one, closed_s = _linked(Path(folder), number)
            reaper.append(one)
            closing.append(closed_s)
    rows = [
        ["start, ms", *_pair(bare, reaper, 0, _SECONDS_PER_MS)],
        ["peak memory, MiB", *_pair(bare, reaper, 1, 1.0)],
        ["waited for at exit, ms", "-", f"{statistics.median(closing) * _SECONDS_PER_MS:.1f}", "-"],
    ]
    from tabulate import tabulate

    headers = ["", "bare interpreter", "reaper", "ratio"]
    return tabulate(rows, headers=headers, disable_numparse=True, colalign=["left", *["right"] * 3])


def _bare() -> tuple[float, float]:
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-P", "-c", _BARE], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        if process.stdout is None or process.stdin is None:
            raise AssertionError("both are pipes")
        process.stdout.readline()
        took = time.perf_counter() - began
        peak = _peak_mib(process.pid)
        process.stdin.write(b"\n")
    return took, peak


def _linked(folder: Path, number: int) -> tuple[float, float, float]:
    journal = Journal(f"run-{number}", url=_URL, clock=SystemClock(), directory=folder / "journals")
    link = ReaperLink(journal, token="")
    journal.open()
    began = time.perf_counter()
    link.start()
    took = time.perf_counter() - began
    peak = _peak_mib(link.pid or 0)
    began = time.perf_counter()
    link.close()
    closed = time.perf_counter() - began
    journal.finish()
    return took, peak, closed


def _peak_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return float("nan")


def _pair(bare: Sequence[Sequence[float]], reaper: Sequence[Sequence[float]], at: int, scale: float) -> list[str]:
    one, two = (statistics.median(values[at] for values in kind) * scale for kind in (bare, reaper))
    return [f"{one:.1f}", f"{two:.1f}", f"{two / one:.2f}"]
