"""How many cores an instance computes on."""

import os
import subprocess
import sys

import pytest

from harness.embedded.instance import _cores


@pytest.mark.parametrize(("chosen", "cores"), [("3", 3), ("1", 1)])
def test_the_variable_says_how_many_cores(monkeypatch: pytest.MonkeyPatch, chosen: str, cores: int) -> None:
    monkeypatch.setenv("LMS_HARNESS_THREADS", chosen)
    assert _cores() == cores


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux's sched_setaffinity")
@pytest.mark.parametrize("chosen", ["", "0", "all"])
def test_otherwise_it_is_those_that_the_process_may_use(chosen: str) -> None:
    code = "import os; os.sched_setaffinity(0, {0}); from harness.embedded.instance import _cores; print(_cores())"
    environ = {**os.environ, "LMS_HARNESS_THREADS": chosen}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ)
    assert done.stdout.strip() == "1"
