"""A run that asks a model at several reasoning levels: each is a candidate of its own, with one load for all."""

import csv
import hashlib
import io
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli.main import cli
from harness.domain.model import Capabilities
from harness.domain.record import ComparisonRecord, SampleRecord, SkipRecord, SummaryRecord
from harness.store.reader import read_run
from harness.store.run_file import RunFile
from harness.testing.chat import Reply
from harness.testing.fault import Call
from harness.testing.library import DEFAULT_MODELS
from harness.testing.message import Request
from harness.testing.scripted import ScriptedServer
from tests import forkserver

PLAIN, THINKER = "acme/tiny-1b", "acme/small-4b"
OFF, HIGH = f"{THINKER}@off", f"{THINKER}@high"
MODELS = (
    DEFAULT_MODELS[0],
    replace(DEFAULT_MODELS[1], capabilities=Capabilities(reasoning_options=("high", "off"), reasoning_default="off")),
)
RATES = {None: 10, "off": 40, "high": 97}
OWN_TASKS = """
import pytest
from harness import Exact, RunTask, Sample, Task

def samples(seed, n):
    return [Sample(item_id=f"item-{i}", prompt=f"Item {i}", target=f"Item {i}") for i in range(n)]

TASK = Task(name="items", task_class="items", generate=samples, scorer=Exact(), max_output_tokens=20, prompt_tokens=40)

@pytest.mark.lms_task(TASK)
def test_items(lms_run_task: RunTask) -> None:
    lms_run_task(TASK)

@pytest.mark.lms_before_load
def test_before(lms_model, lms_run) -> None:
    lms_run.recorder.measure("load_time_s", 2.0, "s", model=lms_model, cold=True)

def test_answers(lms_ask) -> None:
    assert lms_ask("Item 3")
"""


def reply(request: Request) -> Reply:
    level = request.json.get("reasoning")
    place = int(hashlib.sha256(request.prompt.encode()).hexdigest(), 16) % 100
    text = request.prompt if place < RATES[level] else "no"
    return Reply(text=text, reasoning="Let me think of it" if level == "high" else "")


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    path: Path | None

    @property
    def run(self) -> RunFile:
        assert self.path is not None, self.out
        return RunFile.read(self.path)


Pytest = Callable[..., Result]


def lms_harness(*words: str) -> str:
    ended = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    return ended.stdout


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(MODELS) as scripted:
        scripted.reply_with(reply)
        yield scripted


@pytest.fixture(scope="module")
def run(server: ScriptedServer, tmp_path_factory: pytest.TempPathFactory) -> Pytest:
    folder = tmp_path_factory.mktemp("levels")
    (folder / "test_own.py").write_text(OWN_TASKS)
    (folder / "pytest.ini").write_text("[pytest]\n")
    state = {"LMS_HARNESS_STATE": str(folder / "state"), "LM_STUDIO_API_URL": server.url}

    def call(*words: str, results: str = "results") -> Result:
        done = forkserver.run(
            "pytest", f"--lms-results={results}", *words, cwd=folder, env={**os.environ, **state, "COLUMNS": "120"}
        )
        assert "Traceback" not in done.stdout + done.stderr
        files = sorted((folder / results).glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
        return Result(done.returncode, done.stdout + done.stderr, files[-1] if files else None)

    return call


@pytest.fixture(scope="module")
def both(run: Pytest) -> Result:
    return run("-v", "--lms-model=all", "--lms-reasoning=off,high", "--lms-limit=60", "--lms-details")


def test_each_level_is_a_candidate_with_its_own_test_ids_cell_and_answers(both: Result, server: ScriptedServer) -> None:
    assert both.code == 0, both.out
    for name in (PLAIN, OFF, HIGH):
        assert f"test_own.py::test_items[{name}] PASSED" in both.out
        assert f"test_own.py::test_answers[{name}] PASSED" in both.out
    seen = both.run
    assert [(cell.model_key, cell.n) for cell in seen.summaries if cell.task == "items"] == [
        (PLAIN, 60),
        (OFF, 60),
        (HIGH, 60),
    ]
    assert {len(cell) for key, cell in seen.cells.items() if key.task == "items"} == {60}
    asked = Counter(
        (chat.get("model"), chat.get("reasoning"))
        for chat in server.asked("POST", "/api/v1/chat")
        if chat.get("input") == "Item 7"
    )
    assert asked == {(PLAIN, None): 1, (THINKER, "off"): 1, (THINKER, "high"): 1}


def test_one_load_serves_all_levels_and_is_unloaded_once(both: Result, server: ScriptedServer) -> None:
    assert [load["model"] for load in server.asked("POST", "/api/v1/models/load")] == [PLAIN, THINKER]
    assert len(server.asked("POST", "/api/v1/models/unload")) == 2
    assert server.loaded == []
    assert f"{HIGH}: on the instance that is loaded" in both.out


def test_what_is_about_the_load_is_tested_once_and_stands_beside_each_level(both: Result) -> None:
    assert f"test_own.py::test_before[{THINKER}] PASSED" in both.out
    assert f"test_own.py::test_before[{OFF}]" not in both.out
    assert both.path is not None
    raw = [json.loads(line) for line in both.path.read_text(encoding="utf-8").splitlines()]
    loads = [(record["model_key"], record["reasoning_level"]) for record in raw if record["kind"] == "measure"]
    assert loads == [(PLAIN, None), (THINKER, None)]
    assert [measure.model_key for measure in both.run.measures] == [PLAIN, OFF, HIGH]


def test_records_keep_the_key_and_gain_the_level(both: Result) -> None:
    assert both.path is not None
    kinds = (SampleRecord, SummaryRecord, ComparisonRecord)
    found = {
        (type(record), record.model_key, record.reasoning_level)
        for record in read_run(both.path)
        if isinstance(record, kinds)
    }
    levels = {(PLAIN, None), (THINKER, "off"), (THINKER, "high")}
    assert found == {
        *((kind, *level) for kind in (SampleRecord, SummaryRecord) for level in levels),
        *((ComparisonRecord, *level) for level in levels - {(THINKER, "high")}),
    }
    assert both.run.run.plan["reference"] == HIGH, "of the model with most parameters, the highest level"
    assert both.run.run.plan["models"] == [PLAIN, OFF, HIGH]


def test_what_went_into_thoughts_and_into_answers_is_told_apart(both: Result) -> None:
    cells = {cell.model_key: cell.thoughts for cell in both.run.summaries if cell.task == "items"}
    assert cells[PLAIN] == cells[OFF] == {}
    high = cells[HIGH]
    assert (high["answers"], high["reasoning_tokens_p50"], high["answer_tokens_p50"]) == (60, 5, 2)
    assert high["reasoning_p50_s"] >= 0
    assert high["answer_p50_s"] >= 0
    rows = [line.split()[:5] for line in both.out.splitlines()]
    assert [HIGH, "items", "60", "5", "2"] in rows


def test_a_page_and_a_plan_name_each_level(run: Pytest, both: Result, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    lms_harness("report", str(both.path), "--out", str(page))
    text = page.read_text(encoding="utf-8")
    assert OFF in text
    assert HIGH in text
    assert "; thoughts: 5 tokens, " in text
    assert "2 models, 3 candidates with their reasoning levels, 2 tasks" in text
    plan = run("--lms-model=all", "--lms-reasoning=off,high", "--collect-only", results="none").out
    assert f"\n{OFF} " in plan
    assert f"\n{HIGH} " in plan
    said = " ".join(plan.split())
    assert "Plan: 2 models, 3 candidates with their reasoning levels (named by all), one at a time, 3.2 GB on" in said


def test_gate_has_a_case_for_each_level(run: Pytest, both: Result) -> None:
    tonight = run("--lms-model=all", "--lms-reasoning=off,high", "--lms-limit=60", results="tonight")
    found = json.loads(lms_harness("gate", str(tonight.path), str(both.path), "--json"))
    cases = {(case["model_key"], case["reasoning_level"], case["state"]) for case in found["cases"]}
    assert {case[:2] for case in cases} == {(PLAIN, None), (THINKER, "off"), (THINKER, "high")}
    assert not {state for _, _, state in cases} & {"regression", "missing"}


def test_another_level_of_the_loaded_model_is_no_load_that_could_save_time(both: Result) -> None:
    where = [line for line in both.out.splitlines() if line.startswith("Where ")]
    assert not any(OFF in line and HIGH in line for line in where), where


def test_choose_names_the_level_and_route_hands_over_key_and_level(both: Result, tmp_path: Path) -> None:
    routing = tmp_path / "routing.json"
    chosen = lms_harness("choose", str(both.path), "-o", str(routing), "--json")
    (items,) = [task for task in json.loads(chosen)["tasks"] if task["task"] == "items"]
    assert (items["model_key"], items["reasoning_level"]) == (THINKER, "high")
    assert {(model["model_key"], model["reasoning_level"]) for model in items["models"]} == {
        (PLAIN, None),
        (THINKER, "off"),
        (THINKER, "high"),
    }
    assert lms_harness("route", str(routing), "--task", "items") == f"{THINKER}\thigh\n"
    found = json.loads(lms_harness("route", str(routing), "--task", "items", "--json"))
    assert (found["model_key"], found["reasoning_level"], found["suffices"]) == (THINKER, "high", [HIGH])


@pytest.mark.parametrize("table", ["cells", "samples", "measures", "comparisons"])
def test_each_table_of_an_export_has_key_and_level(both: Result, table: str) -> None:
    text = lms_harness("export", str(both.path), "--format", "csv", "--table", table)
    found = {(row["model_key"], row["reasoning_level"]) for row in csv.DictReader(io.StringIO(text))}
    compared_with = {(THINKER, "high")} if table == "comparisons" else set()
    assert found == {(PLAIN, ""), (THINKER, "off"), (THINKER, "high")} - compared_with


def test_an_export_of_a_level_says_which_it_is(both: Result, tmp_path: Path) -> None:
    lms_harness("export", str(both.path), "--format", "eee", "-o", str(tmp_path))
    logs = [json.loads(path.read_text()) for path in tmp_path.rglob("*.json")]
    found = {log["model_info"]["id"]: log["model_info"]["additional_details"].get("reasoning_level") for log in logs}
    assert found == {PLAIN: None, OFF: "off", HIGH: "high"}


def test_select_by_evidence_names_the_level_that_suffices(both: Result, server: ScriptedServer, tmp_path: Path) -> None:
    routing = tmp_path / "routing.json"
    lms_harness("choose", str(both.path), "-o", str(routing))
    words = "select", "--evidence", str(routing), "--url", server.url
    ended = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert ended.stdout == f"{THINKER}\n"
    assert "It was measured to suffice for items with the reasoning level high." in ended.stderr
    ranking = json.loads(lms_harness(*words, "--json"))["ranking"]
    levels = {model["model"]: model["reasoning_levels"] for model in ranking}
    assert levels[THINKER]["items"] == "high"
    assert levels[PLAIN] == {}


def test_compare_show_and_score_tell_levels_apart(both: Result) -> None:
    compared = json.loads(lms_harness("compare", str(both.path), OFF, HIGH, "--json"))
    sides = [compared["contrasts"][0][side] for side in ("reference", "candidate")]
    assert [(side["model_key"], side["reasoning_level"]) for side in sides] == [(THINKER, "off"), (THINKER, "high")]
    assert f"items  {HIGH}" in lms_harness("show", str(both.path), "--model", "small-4b@high", "--limit", "1")
    scored = lms_harness("score", str(both.path), "--scorer", "exact", "--task", "items")
    assert OFF in scored
    assert HIGH in scored
    in_json = json.loads(lms_harness("show", str(both.path), "--model", HIGH, "--limit", "1", "--json"))["samples"]
    in_json += json.loads(lms_harness("score", str(both.path), "--scorer", "exact", "--task", "items", "--json"))[
        "cells"
    ]
    told = {(found["model_key"], found["reasoning_level"]) for found in in_json}
    assert told == {(PLAIN, None), (THINKER, "off"), (THINKER, "high")}


def test_a_run_that_is_resumed_asks_only_the_level_that_is_missing(
    run: Pytest, both: Result, server: ScriptedServer
) -> None:
    assert both.path is not None
    lines = both.path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not _is_of_high(json.loads(line))]
    torn = both.path.with_name("20200101T000000Z-00000000.jsonl")
    torn.write_text("".join(kept), encoding="utf-8")
    before = len(server.asked("POST", "/api/v1/chat"))
    resumed = run(f"--lms-resume={torn}", "--lms-model=all", "-v", results="resumed")
    assert resumed.code == 0, resumed.out
    chats = server.asked("POST", "/api/v1/chat")[before:]
    assert {chat.get("reasoning") for chat in chats} == {"high"}
    assert resumed.run.summaries[-2].model_key == HIGH
    for name in (PLAIN, OFF):
        assert f"test_own.py::test_items[{name}] SKIPPED (already complete" in resumed.out
    again = {(cell.model_key, cell.task, cell.score) for cell in resumed.run.summaries}
    assert again == {(cell.model_key, cell.task, cell.score) for cell in both.run.summaries}


def _is_of_high(record: dict[str, object]) -> bool:
    return record["kind"] == "end" or record.get("reasoning_level") == "high" or record["kind"] == "comparison"


def test_a_level_that_a_model_does_not_list_is_skipped_with_the_reason(run: Pytest, tmp_path: Path) -> None:
    other = DEFAULT_MODELS[1]
    with ScriptedServer([*MODELS, replace(other, key="acme/other-4b")]) as server:  # type: ignore[arg-type]
        server.reply_with(lambda request: request.prompt)
        ended = run("--lms-model=*-4b", "--lms-reasoning=off,high", "--lms-limit=2", f"--lms-url={server.url}")
    skips = [(skip.model_key, skip.reason) for skip in ended.run.skips]
    assert skips == [
        ("acme/other-4b@high", "the model does not list the reasoning level high: it lists off, on, xhigh")
    ]
    assert {key.model_key for key in ended.run.cells} == {OFF, HIGH, "acme/other-4b@off"}
    assert "Skipped: acme/other-4b@high: the model does not list" in " ".join(ended.out.split())


def test_the_rounds_ask_a_level_more_with_one_load_a_round(run: Pytest, server: ScriptedServer) -> None:
    before = len(server.asked("POST", "/api/v1/models/load"))
    ended = run(
        "--lms-model=all", "--lms-reasoning=off,high", "--lms-until-decided", "--lms-limit=30", results="rounds"
    )
    assert ended.code == 0, ended.out
    assert len(server.asked("POST", "/api/v1/models/load")) - before <= 4
    assert f"Settled: items ({HIGH})." in ended.out


def test_a_single_level_makes_no_candidates(run: Pytest) -> None:
    ended = run(f"--lms-model={THINKER}", "--lms-reasoning=high", "--lms-limit=2", results="single")
    seen = ended.run
    assert {key.model_key for key in seen.cells} == {THINKER}
    assert "candidates" not in seen.run.plan
    assert all(
        record.reasoning_level is None
        for record in read_run(seen.path)
        if isinstance(record, SampleRecord | SkipRecord)
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--lms-reasoning=off,hihg"], "none of the selected models lists the reasoning setting 'hihg'"),
        (["--lms-reasoning=off,off"], "different levels separated by commas"),
        (
            ["--lms-reasoning=off,high", f"--lms-primary={THINKER}"],
            f"'{THINKER}' is asked at 2 reasoning levels Name one of them (--lms-primary {HIGH}): {OFF}, {HIGH}.",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_before_the_run(run: Pytest, words: list[str], expected: str) -> None:
    ended = run("--lms-model=all", *words, results="none")
    assert ended.code in {2, 4}, ended.out
    assert expected in " ".join(ended.out.split())
    assert ended.path is None


def test_a_level_after_one_that_lost_its_instance_gets_a_load_of_its_own(run: Pytest, server: ScriptedServer) -> None:
    class UnloadedBefore:
        def apply(self, call: Call) -> None:
            if call.request.prompt == "Item 2" and call.request.json.get("reasoning") == "off":
                server.unload(THINKER)
            call.send(call.answer())

    before = len(server.asked("POST", "/api/v1/models/load"))
    server.on("POST", "/api/v1/chat", UnloadedBefore())
    try:
        levels = f"--lms-model={THINKER}", "--lms-reasoning=off,high"
        ended = run(*levels, "--lms-limit=4", "--lms-concurrency=1", results="lost")
    finally:
        server.heal()
    assert ended.code == 1, ended.out
    assert "unloaded while it was in use" in ended.out
    assert [(cell.model_key, cell.n) for cell in ended.run.summaries if cell.task == "items"][-1] == (HIGH, 4), (
        ended.out
    )
    assert len(server.asked("POST", "/api/v1/models/load")) == before + 2
    assert server.loaded == []
