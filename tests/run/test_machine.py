"""How busy the machine is, seen while it really is busy."""

import subprocess
import sys

import pytest

from harness.clock import SystemClock
from harness.run.machine import busy_cores
from harness.testing.clock import FakeClock


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc/stat")
def test_a_process_that_works_is_seen() -> None:
    worker = subprocess.Popen([sys.executable, "-P", "-c", "while True: pass"])
    try:
        found = max(filter(None, (busy_cores(SystemClock()) for _ in range(5))))
    finally:
        worker.kill()
        worker.wait()
    assert 0.3 < found[0] <= found[1]


def test_what_cannot_be_seen_is_none() -> None:
    assert busy_cores(FakeClock()) is None  # It does not wait, so nothing was counted.
