"""The first error that most people will see."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def dead_url() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@pytest.mark.parametrize(
    "words",
    [
        ["-m", "pytest", "suites", "-p", "no:cacheprovider"],
        ["-m", "pytest", "suites", "--collect-only", "-p", "no:cacheprovider"],
        ["-m", "harness.cli", "run"],
        ["-m", "harness.cli", "preflight"],
        ["-m", "harness.cli", "models"],
        ["-m", "harness.cli", "load", "some/model"],
        ["-m", "harness.cli", "chat", "some/model", "hello"],
    ],
    ids=lambda words: " ".join(words[1:4]),
)
def test_nobody_listens_is_one_message_exit_code_3_and_quick(dead_url: str, words: list[str], tmp_path: Path) -> None:
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        timeout=30,
        cwd=ROOT,
        check=False,
        env={**os.environ, "LM_STUDIO_API_URL": dead_url, "LMS_HARNESS_STATE": str(tmp_path)},
    )
    assert time.monotonic() - started < 15  # 5 s on a quiet machine; this one may be running other tests.
    said = done.stdout + done.stderr
    assert done.returncode == 3, said
    assert said.count(dead_url) == 1
    assert "lms server start" in said
    assert "lms-harness serve" in said
    assert "Traceback" not in said
    assert not list(tmp_path.iterdir())


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
