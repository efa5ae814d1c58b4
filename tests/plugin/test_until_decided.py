"""A run that goes on until its tasks are decided, on models with known pass rates."""

import hashlib
import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.domain.record import ComparisonRecord, SampleRecord, SummaryRecord
from harness.store.reader import read_run
from harness.store.run_file import RunFile
from harness.testing.message import Request
from harness.testing.scripted import ScriptedServer
from tests import forkserver

SMALL, BIG = "acme/tiny-1b", "acme/small-4b"
RATES = {
    "steady": {SMALL: 40, BIG: 94},
    "hopeless": {SMALL: 0, BIG: 0},
    "close": {SMALL: 20, BIG: 83},
    "good": {SMALL: 40, BIG: 90},
}
OWN_TASKS = """
import pytest
from harness import Exact, RunTask, Sample, Task

def task(name):
    def samples(seed, n):
        return [Sample(item_id=f"{name}-{i}", prompt=f"{name} {i}", target=f"{name} {i}") for i in range(n)]
    return Task(name=name, task_class=name, generate=samples, scorer=Exact(), max_output_tokens=20, prompt_tokens=40)

TASKS = [
    pytest.param(task, marks=pytest.mark.lms_task(task), id=task.name)
    for task in map(task, ("steady", "hopeless", "close", "good"))
]

@pytest.mark.parametrize("task", TASKS)
def test_task(task, lms_run_task: RunTask) -> None:
    lms_run_task(task)
"""


def reply(request: Request) -> str:
    name = request.prompt.split()[0]
    if name not in RATES:
        return "hello"
    model = str(request.json["model"]).partition(":")[0]
    place = int(hashlib.sha256(f"{model} {request.prompt}".encode()).hexdigest(), 16) % 100
    return request.prompt if place < RATES[name][model] else "no"


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    path: Path | None

    @property
    def text(self) -> str:
        return " ".join(self.out.split())

    @property
    def counts(self) -> Counter[tuple[str, str]]:
        """How many answers there are, by model and task."""
        assert self.path is not None
        samples = [record for record in read_run(self.path) if isinstance(record, SampleRecord)]
        assert len({sample.sample_uid for sample in samples}) == len(samples)
        return Counter((sample.model_key, sample.task) for sample in samples)


Pytest = Callable[..., Result]


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        scripted.reply_with(reply)
        yield scripted


@pytest.fixture(scope="module")
def run(server: ScriptedServer, tmp_path_factory: pytest.TempPathFactory) -> Pytest:
    folder = tmp_path_factory.mktemp("rounds")
    (folder / "test_own.py").write_text(OWN_TASKS)
    (folder / "pytest.ini").write_text("[pytest]\n")

    def call(*words: str) -> Result:
        environ = {**os.environ, "LMS_HARNESS_STATE": str(folder / "state"), "COLUMNS": "100"}
        words = ("-p", "no:cacheprovider", f"--lms-url={server.url}", *words)
        done = forkserver.run("pytest", *words, cwd=folder, env=environ)
        files = sorted((folder / "results").glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
        return Result(done.returncode, done.stdout + done.stderr, files[-1] if files else None)

    return call


@pytest.fixture(scope="module")
def whole(run: Pytest, server: ScriptedServer) -> Result:
    result = run("--lms-model=all", "--lms-until-decided", "--lms-limit=60", "--lms-floor=close=0.8")
    assert len(server.asked("POST", "/api/v1/models/load")) <= 2 * 3, "one load of each model a round"
    return result


def test_only_what_is_open_is_asked_more(whole: Result) -> None:
    assert "Round 2 of 3, 30 samples: asks " in whole.out, whole.out
    assert "hopeless (your primary)" in whole.out
    assert whole.counts[SMALL, "hopeless"] == whole.counts[BIG, "hopeless"] == 15
    assert whole.counts[SMALL, "close"] == 15
    assert whole.counts[BIG, "close"] == 60
    assert "Open: " in whole.out
    assert "The rounds are over: " in whole.out


def test_all_four_answers_stand_in_one_transcript(whole: Result) -> None:
    rows = {words[0]: " ".join(words[1:]) for line in whole.out.splitlines() if (words := line.split())}
    assert re.fullmatch(rf"{BIG} 0\.88 .* may lose 0\.00", rows["good"])
    assert re.fullmatch(rf"{BIG} 0\.97 .* certified", rows["steady"])
    assert re.fullmatch(rf"open: {BIG} .* \d+ %; ask \d+", rows["close"])
    assert rows["hopeless"].startswith("your primary 0.00 ")
    shown = (Path(__file__).parents[2] / "docs" / "choosing.md").read_text(encoding="utf-8")
    shown = shown.partition("<!-- until decided: begin -->")[2].partition("<!-- until decided: end -->")[0]
    for task in ("steady", "close", "good"):
        (line,) = [line for line in shown.splitlines() if line.split()[:1] == [task]]
        # All but the times, which differ from run to run.
        assert _without_times(line.split()[1:]) == _without_times(rows[task].split()), (
            "docs/choosing.md: copy this run's table"
        )


def _without_times(words: list[str]) -> list[str]:
    return [word for word, unit in zip(words, [*words[1:], ""], strict=True) if not {"s", "ms"} & {word, unit}]


def test_the_end_rests_on_all_rounds_and_a_floor_is_judged_there(whole: Result) -> None:
    assert whole.path is not None
    cells = {(cell.model_key, cell.task): cell.n for cell in RunFile.read(whole.path).summaries}
    assert cells == dict(whole.counts)
    assert whole.code == 1
    assert f"BELOW THE FLOOR: {SMALL} scored " in whole.text
    assert "8 passed" in whole.out


def test_claims_after_three_looks_are_made_at_a_third_of_five_percent(whole: Result) -> None:
    assert whole.path is not None
    records = list(read_run(whole.path))
    assert {record.alpha for record in records if isinstance(record, ComparisonRecord)} == {0.05 / 3}
    assert RunFile.read(whole.path).run.plan["rounds"] == [15, 30, 60]


def test_a_run_that_died_in_a_later_round_is_resumed_and_asks_nothing_twice(
    run: Pytest, whole: Result, server: ScriptedServer
) -> None:
    assert whole.path is not None
    lines = whole.path.read_text().splitlines(keepends=True)
    # Cut within the third round: the last 40 records are its answers, scores and the end of the run.
    kept = len(lines) - 40
    torn = whole.path.with_name("20260101T000000Z-00000000.jsonl")
    torn.write_text("".join(lines[:kept]).replace(RunFile.read(whole.path).run.run_id, "20260101T000000Z-00000000"))
    before = len(server.asked("POST", "/api/v1/chat"))
    resumed = run(f"--lms-resume={torn}", "--lms-model=all")
    assert resumed.counts == whole.counts
    asked = len(server.asked("POST", "/api/v1/chat")) - before
    assert asked < 40


def test_the_budget_ends_the_rounds(run: Pytest) -> None:
    result = run("--lms-model=all", "--lms-until-decided", "--lms-budget=0.001s", "--lms-results=results/short")
    assert result.code == 1
    assert "left out, the budget is used up" in result.text or "NOT MEASURED" in result.text


def test_a_server_that_goes_away_in_a_later_round_leaves_the_answers_so_far(run: Pytest) -> None:
    with ScriptedServer() as other:
        closing = threading.Thread(target=other.close, daemon=True)

        def reply_and_go(request: Request) -> str:
            if request.prompt == "good 20":
                closing.start()
            return reply(request)

        other.reply_with(reply_and_go)
        result = run("--lms-model=all", "--lms-until-decided", f"--lms-url={other.url}", "--lms-results=results/gone")
    assert result.code == 7, result.out
    assert "ServerUnreachable: the server went away during the run" in result.text
    assert "hand it to" in result.out
    assert "NOT RELEASED" in result.out


@pytest.mark.parametrize("words", [("--lms-race",), ("-o", "lms_race=yes")])
def test_a_race_is_an_error_that_names_what_took_its_place(run: Pytest, words: tuple[str, ...]) -> None:
    result = run(*words)
    assert result.code == 4
    assert "lms-race is gone" in result.text or "lms_race is gone" in result.text
    assert "until" in result.text


def test_a_summary_of_an_earlier_round_does_not_stand_beside_the_last_one(whole: Result) -> None:
    assert whole.path is not None
    written = [record for record in read_run(whole.path) if isinstance(record, SummaryRecord)]
    assert len(written) > len(RunFile.read(whole.path).summaries) == 8
