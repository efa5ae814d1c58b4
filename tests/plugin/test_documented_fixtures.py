"""docs/pytest.md: its tests run as they stand there, and its tables name every fixture and marker of the plugin."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import harness
from harness.pytest_plugin import asking, fixtures
from harness.settings import OPTIONS
from harness.testing.message import Request
from harness.testing.scripted import ScriptedServer
from tests import forkserver

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/pytest.md").read_text(encoding="utf-8")
CODE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
EXAMPLES = [code for code in CODE if not code.startswith("# scripted.py")]
(SCRIPT,) = [code for code in CODE if code not in EXAMPLES]


def rows(title: str) -> list[str]:
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\w+)", section, re.MULTILINE)


def test_the_page_names_every_fixture() -> None:
    ours = [name for module in (asking, fixtures) for name in vars(module) if name.startswith("lms_")]
    assert sorted(rows("Fixtures")) == sorted(ours)


def test_the_page_names_every_marker(pytestconfig: pytest.Config) -> None:
    ours = [line for line in pytestconfig.getini("markers") if line.startswith("lms_")]
    assert rows("Markers") == [re.split(r"\W", line)[0] for line in ours]


def test_the_page_names_only_options_and_types_that_exist() -> None:
    assert set(re.findall(r"--lms-([a-z-]+)", PAGE)) <= {option.flag for option in OPTIONS}
    types = PAGE.partition("The types are names of `harness`: ")[2].partition(".\n")[0]
    assert set(re.findall(r"`(\w+)`", types)) <= set(dir(harness))


def test_its_tests_run_as_they_stand_there(tmp_path: Path) -> None:
    def speak(request: Request) -> str:
        known = {"France": "Paris.", "6 x 7": "It is 42", "12 x 12": "I say 144"}
        return next((answer for question, answer in known.items() if question in request.prompt), "no")

    for number, code in enumerate(EXAMPLES):
        (tmp_path / f"test_example_{number}.py").write_text(code)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    with ScriptedServer() as server:
        server.reply_with(speak)
        environ = {**os.environ, "LMS_HARNESS_STATE": str(tmp_path / "state")}
        words = ("-p", "no:cacheprovider", f"--lms-url={server.url}", "--lms-model=all")
        done = forkserver.run("pytest", *words, cwd=tmp_path, env=environ)
    assert done.returncode == 0, done.stdout
    assert "7 passed" in done.stdout


def test_its_scripted_server_answers_from_another_process(tmp_path: Path) -> None:
    (tmp_path / "scripted.py").write_text(SCRIPT.replace("port=1234", "port=0"))
    (tmp_path / "test_capital.py").write_text(EXAMPLES[0])
    environ = {**os.environ, "LMS_HARNESS_STATE": str(tmp_path / "state")}
    script = [sys.executable, "-u", "scripted.py"]
    with subprocess.Popen(script, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        said = ""
        while not said.endswith("Enter ends it. "):
            character = child.stdout.read(1)
            assert character, said
            said += character
        (url,) = re.findall(r"http://\S+(?=\. )", said)
        words = ("-p", "no:cacheprovider", f"--lms-url={url}", "--lms-model=all", "test_capital.py")
        done = forkserver.run("pytest", *words, cwd=tmp_path, env=environ)
        child.communicate("\n", timeout=30)
    assert child.returncode == 0
    assert "2 passed" in done.stdout, done.stdout
