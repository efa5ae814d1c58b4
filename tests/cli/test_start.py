"""What a run imports and reads by its first request: that is the time a person waits before anything happens."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from harness.store.run_file import RunFile
from harness.verdict.choose import AnswerKind
from harness.verdict.task_choice import choices_of

PROGRAM = """
import gc, json, sys
from harness.cli import main
from harness.testing.scripted import ScriptedServer

seen = {"listed": []}
sys.addaudithook(lambda event, args: seen["listed"].append(str(args[0])) if event == "os.scandir" else None)
def answer(request):
    seen.setdefault("first", list(sys.modules))
    seen["is_collecting"] = gc.isenabled()
    return "42"

with ScriptedServer() as server:
    server.reply_with(answer)
    sys.argv = ["lms-harness", "run", "--url", server.url, *sys.argv[1:]]
    try:
        main()
    except SystemExit as exc:
        seen["code"] = exc.code
seen["end"] = list(sys.modules)
print(json.dumps(seen))
"""
ROOT = Path(__file__).parents[2]
PYTEST = {"conftest", "iniconfig", "pluggy", "py", "pygments", "pytest"}
PYDANTIC = {"annotated_types", "pydantic", "pydantic_core", "typing_extensions", "typing_inspection"}
ALLOWED = {"click", "harness", "lms_harness_plugin", "platformdirs", "suites", *PYTEST, *PYDANTIC}


HEAVY = {"anyio", "httpx", "hypothesis", "jinja2", "jsonschema", "numpy", "rapidfuzz", "regex", "rich", "scipy"}


def _imported(folder: Path, *words: str) -> Mapping[str, set[str]]:
    """Run the command in a fresh interpreter; return the packages imported at the first chat and at the end."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
        check=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.pop("code") == 0, done.stdout
    listed = found.pop("listed")
    assert str(ROOT / "suites") in listed
    assert not {*map(Path, listed)} & {*ROOT.parents}  # There, pytest would import each conftest.py.
    assert found.pop("is_collecting")  # Garbage is left alone only until the tests are collected.
    return {when: _packages(names) for when, names in found.items()}


def _packages(names: Sequence[str]) -> set[str]:
    """Return the packages that do not come with Python, without those that are parts of others, and a costly one."""
    top = {name for name in names if not name.startswith("_") and "." not in name}
    return top - sys.stdlib_module_names | {"urllib.request"} & {*names}  # The latter imports ssl: 13 ms.


SMALL = ("--model", "acme/tiny-1b", "--suite", "offload", "--task", "reason", "--limit", "2")


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, set[str]]:
    return _imported(tmp_path_factory.mktemp("start"), *SMALL)


def test_before_its_first_request_a_run_has_imported_these_packages(imported: Mapping[str, set[str]]) -> None:
    assert imported["first"] == ALLOWED


def test_a_run_of_one_model_ends_without_the_libraries_of_what_it_does_not_do(imported: Mapping[str, set[str]]) -> None:
    assert not imported["end"] & HEAVY


def test_what_would_settle_an_open_answer_of_one_model_takes_no_numpy(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "own.toml").write_text('data = "own.csv"\nprompt = "{q}"\ntarget = "a"\nscorer = "exact"\n')
    (tmp_path / "own" / "own.csv").write_text("id,q,a\n1,six times seven?,42\n")
    seen = _imported(tmp_path, "--model", "acme/tiny-1b", "--tasks", "own")
    (answer,) = choices_of(RunFile.read(next((tmp_path / "results").glob("*.jsonl"))))
    assert answer.choice.answer is AnswerKind.OPEN
    assert answer.choice.needed is not None
    assert not seen["end"] & HEAVY


def test_pytest_benchmark_is_there_for_the_suite_that_needs_it(tmp_path: Path) -> None:
    words = ("--model", "acme/tiny-1b", "--suite", "latency", "--latency-budget", "1s")
    assert "pytest_benchmark" in _imported(tmp_path, *words)["first"]


def test_plugins_that_people_have_installed_take_their_options_after_the_dashes(tmp_path: Path) -> None:
    assert "pytest_timeout" in _imported(tmp_path, *SMALL, "--", "--timeout=50")["first"]
