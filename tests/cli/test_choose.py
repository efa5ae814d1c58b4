"""`choose` on real runs of a scripted LM Studio whose models have known pass rates."""

import hashlib
import json
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from harness.domain.schema import routing_schema
from harness.store.routing import read_routing
from harness.task.catalogue import load_catalogue
from harness.task.shipped import suites_dir
from harness.testing.message import Request
from harness.testing.scripted import ScriptedServer
from tests import forkserver

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
    environ = {**os.environ, "LMS_HARNESS_STATE": str(folder / "state"), "COLUMNS": str(columns)}
    done = forkserver.run("harness.cli", *words, cwd=folder, env=environ)
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


def test_the_routing_file_fits_its_schema_and_says_who_takes_each_task_and_why_not_the_others(folder: Path) -> None:
    done = command(folder, "choose", "-o", "routing.json", "--valid-for", "2w")
    assert done.code == 0, done.err
    assert "Written to routing.json" in done.err
    path = folder / "routing.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    routing = json.loads(path.read_text())
    Draft202012Validator(routing_schema()).validate(routing)
    tasks = routing["tasks"]
    classify, extract = tasks["classify"], tasks["extract"]
    assert {name: task["answer"] for name, task in tasks.items()} == {
        "classify": "certified",
        "extract": "open",
        "reason": "primary",
    }
    # Which of two equally good models comes first, their times decide.
    assert classify["model_key"] == classify["suffices"][0]["model_key"]
    assert {model["model_key"] for model in classify["suffices"]} == {TINY, SMALL}
    assert (extract["model_key"], extract["best_so_far"]) == (None, SMALL)
    assert extract["items_to_settle"]
    assert [model["reason"][:9] for model in extract["rejected"]] == ["suffices "] * 2
    (tiny,) = [model for model in classify["suffices"] if model["model_key"] == TINY]
    assert (tiny["size_bytes"], tiny["n"], tiny["quantisation"]) == (700_000_000, N, "Q4_K_M")
    evidence = classify["evidence"]
    assert evidence["scorer"] == "labels"
    assert evidence["scorer_version"]
    assert evidence["suite_hash"]
    assert evidence["servers"][0]["url"].startswith("http://127.0.0.1")
    kept = datetime.fromisoformat(evidence["valid_until"]) - datetime.fromisoformat(evidence["measured_at"])
    assert kept == timedelta(days=14)
    assert routing["baselines"]["best_single"]["suffices_for"] == ["classify"]
    assert routing["rule"]["floor"] == 0.8
    routes = read_routing(path)
    assert {name: route.answer for name, route in routes.items()} == {name: tasks[name]["answer"] for name in tasks}


def test_the_routing_file_is_printed_for_a_pipe_and_shared_on_request(folder: Path) -> None:
    done = command(folder, "choose", "--primary", SMALL, "--safe", "-o", "-")
    assert done.code == 0
    routing = json.loads(done.out)
    Draft202012Validator(routing_schema()).validate(routing)
    assert (routing["primary"], routing["baselines"]["primary"]["model_key"]) == (SMALL, SMALL)
    shared = command(folder, "choose", "-o", "shared.json", "--share-results", "--valid-for", "1h")
    assert shared.code == 0
    assert "Stale already" not in shared.err
    assert stat.S_IMODE((folder / "shared.json").stat().st_mode) & 0o044


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
    assert "cannot be compared: classify, extract, reason: seed is 0 in " in done.err


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
        (["--floor", "nan"], "--floor"),
        (["--confidence", "0.2"], "--confidence"),
        (["--max-size", "big"], "--max-size"),
        (["--requests-per-load", "9" * 400], "--requests-per-load"),
        (["-o", "r.json", "--valid-for", "soon"], "expected a period above 0"),
        (["-o", "/nowhere/r.json"], "cannot write /nowhere/r.json"),
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


def test_files_that_are_no_whole_runs_are_named_and_skipped_also_where_they_were_named(folder: Path) -> None:
    (run,) = (folder / "results").glob("*.jsonl")
    (folder / "foreign.jsonl").write_text('{"some": "thing"}\n')
    (folder / "empty.jsonl").write_text("")
    (folder / "torn.jsonl").write_bytes(run.read_bytes()[:-100])
    done = command(folder, "choose", "--json", "foreign.jsonl", str(run), "empty.jsonl", "torn.jsonl")
    assert done.code == 0
    found = json.loads(done.out)
    assert set(found["skipped"]) == {"foreign.jsonl", "empty.jsonl"}
    assert found["runs"] == [str(run)], "the torn one has nothing that the whole one lacks"
    alone = command(folder, "choose", "foreign.jsonl", "empty.jsonl")
    assert alone.code == 2
    assert "none of these files is a run with answers: foreign.jsonl:1: expected schema" in alone.err
