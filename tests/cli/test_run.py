"""`run` hands its settings to the pytest session that it starts."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.testing.fault import Status
from harness.testing.scripted import ScriptedServer
from tests import forkserver

KEY = "acme/tiny-1b"


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    results: Path

    def run_record(self) -> dict[str, Any]:
        (path,) = self.results.glob("*.jsonl")
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8").splitlines()[0])
        return found


Run = Callable[..., Ended]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        yield scripted


@pytest.fixture
def run(server: ScriptedServer, tmp_path: Path) -> Run:
    def call(*words: str, scope: Sequence[str] = ("--suite=offload", "--task=classify"), **environ: str) -> Ended:
        state = {"LMS_HARNESS_STATE": str(tmp_path / "state"), "LM_STUDIO_API_URL": server.url}
        environ = {**os.environ, **state, **environ}
        done = forkserver.run("harness.cli", "run", *scope, *words, cwd=tmp_path, env=environ)
        assert "Traceback" not in done.stdout + done.stderr
        return Ended(done.returncode, done.stdout + done.stderr, tmp_path / "results")

    return call


def test_an_option_after_the_dashes_wins_and_each_value_says_where_it_came_from(
    run: Run, server: ScriptedServer
) -> None:
    ended = run(
        "--model=all", "--limit=3", "--seed=9", "--", f"--lms-model={KEY}", "--lms-limit=2", "-o", "lms_epochs=2"
    )
    assert ended.code == 0, ended.out
    record = ended.run_record()
    settings, source = record["settings"], record["settings_from"]
    assert (settings["models"], source["models"]) == ([KEY], "--lms-model")
    assert (settings["limit"], source["limit"]) == (2, "--lms-limit")
    assert (settings["seed"], source["seed"]) == (9, "--seed")
    assert (settings["epochs"], source["epochs"]) == (2, "ini lms_epochs")
    assert (settings["tasks"], source["tasks"]) == (["classify"], "--task")
    assert source["url"] == "LM_STUDIO_API_URL"
    assert {chat["model"] for chat in server.asked("POST", "/api/v1/models/load")} == {KEY}


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--url=http://127.0.0.1:9"], "lms-harness serve"),
        (["--exclude=*"], "Check --exclude and --max-size."),
        (["--results=/proc/nowhere"], "Name a folder that you can write to with --results DIR."),
    ],
)
def test_hints_name_options_as_this_command_writes_them(run: Run, words: list[str], hint: str) -> None:
    ended = run(*words, "--limit=1")
    assert ended.code in {2, 3}, ended.out
    assert hint in " ".join(ended.out.split())
    assert "--lms-" not in ended.out


def test_a_run_without_tests_says_so(run: Run) -> None:
    ended = run("--limit=1", "--", "-k", "nothing_is_called_so")
    assert ended.code == 2
    assert "Nothing was run: no test fits what follows --." in ended.out


def test_a_resumed_run_has_the_suites_and_tasks_of_the_run_that_it_resumes(run: Run, server: ScriptedServer) -> None:
    server.on("POST", "/api/v1/models/load", Status(500, {"error": "busy"}), times=1)
    first = run("--", "-k", "classify or extract", scope=["--suite=offload", "--limit=2"])
    assert first.run_record()["plan"]["suites"] == ["offload"]
    (path,) = first.results.glob("*.jsonl")
    resumed = run(f"--resume={path}", scope=[])
    assert resumed.code == 0, resumed.out
    asked = {line.split(":")[0] for line in resumed.out.splitlines() if line.endswith(" 2 ok")}
    assert asked == {f"{KEY} classify", f"{KEY} extract"}
    assert "pytest-benchmark" not in resumed.out
