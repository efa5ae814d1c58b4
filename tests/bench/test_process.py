"""A process under watch: its memory and its end."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.bench.process import telling_line, watch

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the watch reads /proc")

HOLD_64_MB = "import time; held = bytearray(64_000_000); print('held', flush=True); time.sleep(0.3)"
WITH_A_CHILD = (
    "import os, subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', {child!r}], start_new_session=True)\n"
    "print(child.pid, flush=True)\n"
    "{then}\n"
)


def environ() -> dict[str, str]:
    return dict(os.environ)


def is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def test_the_memory_of_the_whole_tree_is_seen(tmp_path: Path) -> None:
    code = WITH_A_CHILD.format(child=HOLD_64_MB, then="held = bytearray(32_000_000); child.wait()")
    watched = watch([sys.executable, "-c", code], folder=tmp_path, environ=environ(), limit_s=30)
    peak, at_once = watched.peak_bytes(), watched.peak_bytes(until=watched.started)
    assert watched.returncode == 0
    assert peak is not None
    assert peak > 96_000_000
    assert (at_once or 0) < peak


def test_what_takes_too_long_is_killed_with_its_tree(tmp_path: Path) -> None:
    code = WITH_A_CHILD.format(child="import time; time.sleep(60)", then="time.sleep(60)")
    watched = watch([sys.executable, "-c", code], folder=tmp_path, environ=environ(), limit_s=3.0)
    assert watched.is_late
    assert watched.returncode == -signal.SIGKILL
    assert not is_alive(int(watched.tail))


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    code = WITH_A_CHILD.format(child="import time; time.sleep(60)", then="time.sleep(60)")

    def interrupted() -> bool:
        if (tmp_path / "output.txt").read_text().endswith("\n"):
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        watch([sys.executable, "-c", code], folder=tmp_path, environ=environ(), limit_s=30, is_to_be_killed=interrupted)
    deadline = time.monotonic() + 60
    child = int((tmp_path / "output.txt").read_text())
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(child)


def test_a_command_that_failed_is_known_by_its_last_line_about_an_error() -> None:
    assert telling_line("ERROR: No matching distribution for nothing\n\n[notice] a new pip\n") == (
        "ERROR: No matching distribution for nothing"
    )
    assert telling_line("a\nb\n") == "b"
    assert telling_line("\n") == "it printed nothing"
