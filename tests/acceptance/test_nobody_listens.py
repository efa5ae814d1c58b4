"""The first error that most people will see."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests import forkserver

ROOT = Path(__file__).resolve().parents[2]
Start = Callable[[list[str], Mapping[str, str]], subprocess.CompletedProcess[str]]


@pytest.fixture
def dead_url() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def started(words: list[str], environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, cwd=ROOT, check=False, env=environ)


def forked(words: list[str], environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return forkserver.run(*words, cwd=ROOT, env=environ, timeout=30)


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (started, ["pytest", "suites", "-p", "no:cacheprovider"]),
        (forked, ["pytest", "suites", "--collect-only", "-p", "no:cacheprovider"]),
        (started, ["harness.cli", "run"]),
        (forked, ["harness.cli", "preflight"]),
        (forked, ["harness.cli", "models"]),
        (forked, ["harness.cli", "load", "some/model"]),
        (forked, ["harness.cli", "chat", "some/model", "hello"]),
    ],
    ids=lambda value: " ".join(value[:3]) if isinstance(value, list) else value.__name__,
)
def test_nobody_listens_is_one_message_exit_code_3_and_quick(
    dead_url: str, tmp_path: Path, start: Start, words: list[str]
) -> None:
    began = time.monotonic()
    done = start(words, {**os.environ, "LM_STUDIO_API_URL": dead_url, "LMS_HARNESS_STATE": str(tmp_path)})
    assert time.monotonic() - began < 60  # 5 s on a quiet machine; this one may be running other tests.
    said = done.stdout + done.stderr
    assert done.returncode == 3, said
    assert said.count(dead_url) == 1
    assert "lms server start" in said
    assert "lms-harness serve" in said
    assert "Traceback" not in said
    assert {path.name for path in tmp_path.iterdir()} <= {"benchmarks"}  # pytest-benchmark's, always made


def test_a_pytest_run_without_lms_tests_touches_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_plain.py").write_text("def test_plain():\n    assert True\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "harness.pytest_plugin", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        check=False,
        env={**os.environ, "LM_STUDIO_API_URL": "not an address", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    # .benchmarks is made by pytest-benchmark, whether or not anything is saved.
    assert {path.name for path in tmp_path.iterdir()} - {".benchmarks"} == {"test_plain.py"}
