"""Every command and every example of the README, as written, with `lms-harness serve` running."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.testing.scripted import ScriptedServer

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
SHELL = [line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines() if line.strip()]
# These install, need LM Studio's own command, or are this very test run.
ELSEWHERE = ("make ", "python3 -m pip ", "lms server start")
COMMANDS = [line for line in SHELL if not line.startswith(ELSEWHERE)]
PORT = "1234"

pytestmark = [pytest.mark.embedded, pytest.mark.usefixtures("embedded_server"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def studio() -> Iterator[str]:
    """A scripted LM Studio with two chat models: whole runs on it take seconds."""
    with ScriptedServer() as server:
        yield server.url.rpartition(":")[2]


@pytest.fixture(scope="module")
def port() -> Iterator[str]:
    """A server as `lms-harness serve` starts it, on a free port; 1234 may be taken by a real LM Studio."""
    child = subprocess.Popen(
        [sys.executable, "-m", "harness.cli", "serve", "--port=0"], stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert child.stderr is not None
    try:
        said = child.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", said)
        assert found, said
        yield found[1]
    finally:
        child.terminate()
        child.communicate(timeout=20)


def shell(command: str, port: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environ = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "LM_STUDIO_API_URL": f"http://127.0.0.1:{port}",
        "LMS_HARNESS_STATE": str(folder / "state"),
    }
    return subprocess.run(
        ["bash", "-c", command.replace(f":{PORT}/", f":{port}/")],
        capture_output=True,
        text=True,
        timeout=280,
        cwd=ROOT,
        env=environ,
        check=False,
    )


def shortened(command: str, folder: Path) -> str:
    """Ask fewer samples than a reader would, and time nothing; later options win."""
    results = folder / "results"
    if command.startswith("lms-harness run"):
        fewer = "--limit 2 --max-output-tokens 20 --suite smoke --suite offload"
        return f"{command} {fewer} --task extract --task classify --results {results}"
    if command.startswith("pytest "):
        fewer = "--lms-limit 2 --lms-max-output-tokens 20 --lms-task extract -k 'offload'"
        return f"{command} {fewer} --lms-results {results} -p no:cacheprovider"
    return command


def test_the_commands_are_found() -> None:
    assert len(COMMANDS) >= 10
    assert any(line.startswith("curl ") for line in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: re.sub(r"\W+", "-", command)[:60])
def test_a_command_of_the_readme_works_as_written(command: str, port: str, studio: str, tmp_path: Path) -> None:
    for program in ("curl", "jq"):
        if program in command and shutil.which(program) is None:
            pytest.skip(f"needs {program}: apt-get install {program}")
    is_run = command.startswith(("lms-harness run", "pytest "))
    done = shell(shortened(command.partition("   #")[0], tmp_path), studio if is_run else port, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    if "%{http_code}" in command:
        assert done.stdout == "200"
    if "jq " in command:
        assert done.stdout.strip() == "0"  # after the unload of the line before
    if "/unload" in command:
        assert "smollm2-135m-instruct-q4_0" in done.stdout


def test_the_task_of_the_readme_runs(studio: str, tmp_path: Path) -> None:
    small, code = [block for kind, block in BLOCKS if kind == "python"]
    assert small in (ROOT / "docs" / "pytest.md").read_text(encoding="utf-8")  # whose tests are run by a test
    (tmp_path / "test_facts.py").write_text(code)
    words = re.findall(r"`(pytest test_facts\.py[^`]*)`", README)
    assert words
    command = f"cd {tmp_path} && {words[0]} --lms-results results"
    done = shell(command, studio, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_the_example_run_is_one_of_this_version() -> None:
    shown = README.partition("<!-- example run: begin -->")[2].partition("<!-- example run: end -->")[0]
    for part in ("hand it to", "extract", "your primary", "smollm2-135m-instruct-q8_0", "this is a demonstration"):
        assert part in shown
