"""A test that measures for minutes runs only where that was asked for."""

import os
from pathlib import Path

import pytest

from harness.testing.scripted import ScriptedServer
from tests import forkserver

_TESTS = """
import pytest

def test_short(lms_model): pass

@pytest.mark.lms_thorough
def test_long(lms_model): pass
"""


@pytest.mark.parametrize(
    ("words", "said"), [([], "1/2 tests collected (1 deselected)"), (["--lms-thorough"], "2 tests collected")]
)
def test_a_thorough_test_is_left_out_unless_the_run_is_thorough(tmp_path: Path, words: list[str], said: str) -> None:
    (tmp_path / "test_it.py").write_text(_TESTS)
    environ = {**os.environ, "LMS_HARNESS_STATE": str(tmp_path / "state")}
    with ScriptedServer() as server:
        where = (f"--lms-url={server.url}", f"--rootdir={tmp_path}", "-pno:cacheprovider", "--collect-only", "-q")
        done = forkserver.run(
            "pytest", *where, *words, "--lms-model=acme/tiny-1b", "test_it.py", cwd=tmp_path, env=environ
        )
    assert said in done.stdout, done.stdout + done.stderr
