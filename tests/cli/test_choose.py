"""`choose` on real runs of a scripted LM Studio whose models have known pass rates."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.cli.run import suites_dir
from harness.task.catalogue import load_catalogue
from harness.testing.message import Request
from harness.testing.scripted import ScriptedServer

TINY, SMALL = "acme/tiny-1b", "acme/small-4b"
N = 30
RATES: Mapping[str, Mapping[str, float]] = {
    "classify": {TINY: 1.0, SMALL: 1.0},
    "extract": {TINY: 0.4, SMALL: 0.85},
    "reason": {TINY: 0.1, SMALL: 0.2},
}


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


def command(folder: Path, *words: str, columns: int = 100) -> Result:
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli", *words],
        capture_output=True,
        text=True,
        timeout=110,
        cwd=folder,
        check=False,
        env={**os.environ, "LMS_HARNESS_STATE": str(folder / "state"), "COLUMNS": str(columns)},
    )
    return Result(done.returncode, done.stdout, done.stderr)


def speaker(seed: int) -> Callable[[Request], str]:
    """Return models that give the reference answer to as many of a hundred items as their rates say."""
    known = {
        sample.prompt: (entry.task.name, entry.reference(sample))
        for entry in load_catalogue(suites_dir())
        if entry.task.name in RATES
        for sample in entry.task.samples(seed=seed, limit=N)
    }

    def speak(request: Request) -> str:
        if request.prompt not in known:
            return "Hello."
        task, answer = known[request.prompt]
        model = str(request.json["model"]).partition(":")[0]
        place = int(hashlib.sha256(f"{model} {request.prompt}".encode()).hexdigest(), 16) % 100
        return answer if place < 100 * RATES[task][model] else "I do not know."

    return speak


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which two models were asked three tasks."""
    folder = tmp_path_factory.mktemp("choose")
    with ScriptedServer() as server:
        server.reply_with(speaker(0))
        tasks = [word for task in RATES for word in ("--task", task)]
        words = ("run", f"--url={server.url}", "--model=all", "--suite=offload", f"--limit={N}", *tasks)
        done = command(folder, *words)
    assert done.code == 0, done.out + done.err
    return folder


def chosen(folder: Path, *words: str) -> dict[str, dict[str, object]]:
    done = command(folder, "choose", "--json", *words)
    assert done.code == 0, done.err
    return {task["task"]: task for task in json.loads(done.out)["tasks"]}


def test_a_sure_task_is_handed_over_a_hopeless_one_kept_and_a_close_one_left_open(folder: Path) -> None:
    found = chosen(folder)
    assert (found["classify"]["answer"], found["classify"]["is_certified"]) == ("model", True)
    assert (found["extract"]["answer"], found["extract"]["model_key"]) == ("open", SMALL)
    assert found["extract"]["items_to_settle"]
    assert found["reason"]["answer"] == "primary"


@pytest.mark.parametrize("columns", [80, 120])
def test_the_answers_fit_on_a_screen(folder: Path, columns: int) -> None:
    done = command(folder, "choose", columns=columns)
    assert done.code == 0
    assert all(len(line) <= columns for line in done.out.splitlines())
    assert "hand it to" in done.out
    assert f"open: {SMALL if columns > 80 else 'small-4b'}" in done.out
    head = done.out.splitlines()[0]
    assert head.split() == ["task", "hand", "it", "to", "score", "[95", "%]", "time", "load", "risk"]
    assert "your primary" in done.out
    assert "One model for all:" in done.out


def test_a_primary_that_was_asked_is_the_yardstick_and_no_candidate(folder: Path) -> None:
    found = chosen(folder, "--primary", SMALL, "--margin", "0.05")
    assert found["classify"]["model_key"] == TINY
    assert found["extract"]["answer"] == "primary"
    assert [model["model_key"] for model in found["extract"]["models"]] == [TINY]  # type: ignore[attr-defined]


def test_why_shows_every_model_and_what_rules_it_out(folder: Path) -> None:
    done = command(folder, "choose", "--why", "classify", "--max-size", "1GB", columns=120)
    assert done.code == 0
    assert "size_bytes is 2.5e+09, above the limit of 1e+09" in done.out
    assert TINY in done.out


def test_several_files_of_the_same_samples_are_one_choice_and_others_are_refused(folder: Path) -> None:
    (run,) = (folder / "results").glob("*.jsonl")
    assert command(folder, "choose", str(run), str(run)).code == 0
    other = folder / "other.jsonl"
    lines = run.read_text().split("\n")
    head = json.loads(lines[0])
    head["seed"] = 7
    other.write_text("\n".join([json.dumps(head, separators=(",", ":")), *lines[1:]]))
    done = command(folder, "choose", str(run), str(other))
    assert done.code == 2
    assert "cannot be compared: seed is" in done.err


def test_runs_that_do_not_count_are_named(folder: Path, tmp_path: Path) -> None:
    (run,) = (folder / "results").glob("*.jsonl")
    results = tmp_path / "results"
    results.mkdir()
    (results / run.name).write_bytes(run.read_bytes())
    (results / "29990101T000000Z-00000000.jsonl").write_text('{"kind":"run","sch')
    done = command(tmp_path, "choose")
    assert done.code == 0
    assert "an empty run" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--why", "nonsense"], "no such task: nonsense"),
        (["--primary", "nobody/x"], "no run has asked the primary 'nobody/x'"),
        (["--floor", "1.5"], "--floor"),
        (["--confidence", "0.2"], "--confidence"),
        (["--max-size", "big"], "--max-size"),
    ],
)
def test_wrong_input_is_a_usage_error(folder: Path, words: list[str], said: str) -> None:
    done = command(folder, "choose", *words)
    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err


def test_an_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    done = command(tmp_path, "choose")
    assert done.code != 0
    assert "there is no run with answers in results" in done.err
