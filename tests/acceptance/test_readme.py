"""Every command and every example of README.md and docs/server.md, as written there."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.testing.scripted import ScriptedServer
from tests import forkserver

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SERVER = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"```\w+ file=(\S+)\n(.*?)```", README, re.DOTALL))
PORT = "1234"
_MODULES = {"lms-harness": "harness.cli", "pytest": "pytest"}


def commands(page: str) -> list[list[str]]:
    """Return the commands of each block, but those that install, need LM Studio's own command, or go on for ever."""
    elsewhere = ("make ", "python3 -m pip ", "lms server start", "lms-harness serve")
    blocks = [block.splitlines() for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL)]
    kept = [[line.partition("   #")[0] for line in block if not line.startswith(elsewhere)] for block in blocks]
    return [block for block in kept if block]


BLOCKS = commands(README)

pytestmark = [pytest.mark.embedded, pytest.mark.usefixtures("embedded_server"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a reader who has written the README's files and follows it from top to bottom."""
    folder = tmp_path_factory.mktemp("reader")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


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
    # Where no shell is needed, an interpreter that has its imports already takes a third of the time.
    program, *words = shlex.split(command)
    if program in _MODULES and not set(command) & set("|;&<>"):
        return forkserver.run(_MODULES[program], *words, cwd=folder, env=environ, timeout=280)
    return subprocess.run(
        ["bash", "-c", command.replace(f":{PORT}/", f":{port}/")],
        capture_output=True,
        text=True,
        timeout=280,
        cwd=folder,
        env=environ,
        check=False,
    )


def shortened(command: str) -> str:
    """Ask fewer samples than a reader would, and time nothing; later options win."""
    if not command.startswith("lms-harness run"):
        return command
    untimed = command.replace(" --suite offload --suite latency", "")
    fewer = f"{untimed} --limit 2 --max-output-tokens 20"
    return fewer if "--tasks" in command else f"{fewer} --suite offload --task extract --task classify"


def code(command: str, folder: Path) -> int:
    """Return the exit code that the README gives a command: the first night only begins the baseline."""
    return 10 if command.startswith("lms-harness gate") and not (folder / "baseline").exists() else 0


def test_the_examples_are_found() -> None:
    assert sum(map(len, BLOCKS)) >= 10
    assert set(FILES) == {"desk/tickets.csv", "desk/tickets.toml"}


def test_the_commands_work_from_top_to_bottom(studio: str, folder: Path) -> None:
    for block in BLOCKS:
        nights = 2 if any(command.startswith("lms-harness gate") for command in block) else 1
        for command in block * nights:
            # What two samples of these models allow; docs/choosing.md has the other answers.
            allowed = {0, 1, 8} if command.startswith("lms-harness route") else {code(command, folder)}
            done = shell(shortened(command), studio, folder)
            assert done.returncode in allowed, (command, done.stdout + done.stderr)
            assert "Traceback" not in done.stdout + done.stderr
    assert list(folder.glob("baseline/*.jsonl"))
    assert (folder / "report.html").is_file()


def test_the_tests_of_the_readme_run(studio: str, folder: Path) -> None:
    (source,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (name,) = set(re.findall(r"`(test_\w+\.py)`", README))
    (folder / name).write_text(source)
    (words,) = re.findall(rf"`(pytest [^`]*{re.escape(name)})`", README)
    done = shell(f"{words} -p no:cacheprovider", studio, folder)
    # The scripted models have not learned any of it: each answer is recorded as wrong.
    assert done.returncode == 1, done.stdout + done.stderr
    assert "6 failed" in done.stdout
    assert f"{name}::test_product" in done.stdout


@pytest.mark.parametrize(
    "command",
    [command for block in commands(SERVER) for command in block],
    ids=lambda command: re.sub(r"\W+", "-", command)[:60],
)
def test_the_embedded_server_answers_as_its_page_says(command: str, port: str, folder: Path) -> None:
    for program in ("curl", "jq"):
        if program in command and shutil.which(program) is None:
            pytest.skip(f"needs {program}: apt-get install {program}")
    done = shell(command, port, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    if "%{http_code}" in command:
        assert done.stdout == "200"
    if "jq " in command:
        assert done.stdout.strip() == "0"  # after the unload of the line before
    if "/unload" in command:
        assert "smollm2-135m-instruct-q4_0" in done.stdout


def test_the_example_run_is_one_of_this_version() -> None:
    shown = README.partition("<!-- example run: begin -->")[2].partition("<!-- example run: end -->")[0]
    for part in ("hand it to", "extract", "your primary", "smollm2-135m-instruct-q8_0", "results/report.html"):
        assert part in shown


def test_it_is_short_enough_to_be_read() -> None:
    assert len(README.splitlines()) <= 180
    assert max(len(line) for line in README.splitlines() if line.startswith("|")) <= 100


@pytest.mark.parametrize("page", sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")}), ids=lambda page: page.name)
def test_every_link_into_the_project_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!\w+:)([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
