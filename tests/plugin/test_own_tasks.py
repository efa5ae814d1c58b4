"""Own tasks as their user runs them: on a scripted LM Studio, by `lms-harness run` and by pytest."""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.domain.record import EndRecord, RunRecord, SampleRecord, SkipRecord, SummaryRecord
from harness.store.reader import read_run
from harness.testing.message import Request
from harness.testing.scripted import ScriptedServer
from tests import forkserver

ROOT = Path(__file__).resolve().parents[2]
SMALL, BIG = "acme/tiny-1b", "acme/small-4b"
ROWS = 60
TOML = """
data = "rows.csv"
prompt = "Ticket: {text}"
target = "desk"
scorer = "choice"
"""


def reply(request: Request) -> str:
    """Answer as the small model is right in 40 of a hundred tickets, and the other in 95."""
    model = str(request.json["model"]).partition(":")[0]
    place = int(hashlib.sha256(f"{model} {request.prompt}".encode()).hexdigest(), 16) % 100
    right = request.prompt.rpartition(" ")[2]
    return right if place < (40 if model == SMALL else 95) else "I do not know."


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    folder: Path

    @property
    def text(self) -> str:
        return " ".join(self.out.split())

    @property
    def path(self) -> Path:
        return max((self.folder / "results").glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)

    @property
    def cells(self) -> dict[tuple[str, str], SummaryRecord]:
        return {(cell.model_key, cell.task): cell for cell in read_run(self.path) if isinstance(cell, SummaryRecord)}

    def asked(self, model: str = BIG) -> list[str]:
        return [
            record.item_id
            for record in read_run(self.path)
            if isinstance(record, SampleRecord) and record.model_key == model
        ]


Lms = Callable[..., Ended]


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        scripted.reply_with(reply)
        yield scripted


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    own = tmp_path / "own"
    own.mkdir()
    (own / "tickets.toml").write_text(TOML)
    desks = ("billing", "login", "shipping")
    rows = "".join(f"no. {number} for {desks[number % 3]},{desks[number % 3]}\n" for number in range(ROWS))
    (own / "rows.csv").write_text(f"text,desk\n{rows}")
    return tmp_path


@pytest.fixture
def lms(server: ScriptedServer, folder: Path) -> Lms:
    def call(*words: str, module: str = "harness.cli") -> Ended:
        environ = {
            **os.environ,
            "LMS_HARNESS_STATE": str(folder / "state"),
            "LM_STUDIO_API_URL": server.url,
            "COLUMNS": "100",
        }
        done = forkserver.run(module, *words, cwd=folder, env=environ)
        assert "Traceback" not in done.stdout + done.stderr
        return Ended(done.returncode, done.stdout + done.stderr, folder)

    return call


def test_an_own_task_is_run_alone_chosen_from_and_shown(lms: Lms) -> None:
    ended = lms("run", "--model=all", "--tasks=own", "--limit=20")
    assert ended.code == 0, ended.out
    assert set(ended.cells) == {(SMALL, "tickets"), (BIG, "tickets")}
    assert ended.cells[BIG, "tickets"].n == 20
    assert ended.cells[BIG, "tickets"].chance == pytest.approx(1 / 3)
    assert sorted(ended.asked(SMALL)) == sorted(ended.asked(BIG))
    (needed,) = re.findall(r"%; ask (\d+)", ended.text)
    assert int(needed) > ROWS, "the user can add rows"
    why = lms("choose", "--why", "tickets").text
    assert why.startswith("tickets: open; the best so far is acme/small-4b.")
    assert f"About {needed} items in all would probably settle it." in why
    shown = lms("show", "--task", "tickets", "--failed", "--model", SMALL)
    assert "Ticket: no." in shown.out, shown.out
    assert '"row":' in ended.path.read_text(encoding="utf-8")


def test_a_shipped_task_or_suite_is_run_too_where_it_is_named(lms: Lms) -> None:
    ended = lms("run", f"--model={SMALL}", "--tasks=own", "--task=tickets", "--task=classify", "--limit=2")
    assert set(ended.cells) == {(SMALL, "tickets"), (SMALL, "classify")}
    plan = lms("run", "--tasks=own", "--suite=offload", "--dry-run").text
    assert "tasks: brainstorm, classify, " in plan
    assert "tickets" in plan.partition("tasks: ")[2].partition(".")[0]
    assert "tasks: tickets." in lms("run", "--tasks=own/tickets.toml", "--dry-run").text


def test_pytest_runs_own_tasks_and_no_others_unless_they_are_named(lms: Lms) -> None:
    pytest_words = (
        "-p",
        "no:cacheprovider",
        "-q",
        "--collect-only",
        str(ROOT / "suites/own"),
        str(ROOT / "suites/offload"),
    )
    ini = f"--rootdir={ROOT}", "-c", os.devnull, "--import-mode=importlib"
    only = lms(*pytest_words, *ini, "--lms-tasks=own", module="pytest")
    assert "tasks: tickets." in only.text, only.out
    both = lms(*pytest_words, *ini, "--lms-tasks=own", "--lms-task=tickets", "--lms-task=extract", module="pytest")
    assert "tasks: tickets, extract." in both.text, both.out
    without = lms(*pytest_words, *ini, module="pytest")
    assert "test_own_task" not in without.out
    assert "skipped" not in without.out
    lone = lms(*pytest_words[:-2], str(ROOT / "suites/smoke"), *ini, "--lms-tasks=own", module="pytest")
    assert lone.code == 2
    assert "--lms-tasks: no test was collected that runs these tasks Collect suites/own, too" in lone.text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--tasks=nowhere"], "cannot read the folder nowhere: No such file or directory"),
        (["--tasks=own", "--task=tickts"], "--task: no such task: tickts; collected are: brainstorm, "),
        (["--tasks=own", "--review=g.csv"], "--review: no task of this run has answers for a person to grade"),
        (["--tasks=own", "--floor=tickts=0.8"], "--floor: no such task: tickts; collected are: tickets"),
        (["--tasks=own/rows.csv"], "expected a folder with .toml files, or one .toml file, got own/rows.csv"),
    ],
)
def test_what_cannot_be_run_ends_with_2_and_loads_nothing(
    lms: Lms, server: ScriptedServer, words: list[str], message: str
) -> None:
    before = len(server.asked("POST", "/api/v1/models/load"))
    ended = lms("run", *words)
    assert (ended.code, message in ended.text) == (2, True), ended.out
    assert len(server.asked("POST", "/api/v1/models/load")) == before


def test_rows_that_cannot_be_asked_end_the_run_before_anything_is_loaded(
    lms: Lms, folder: Path, server: ScriptedServer
) -> None:
    before = len(server.asked("POST", "/api/v1/models/load"))
    (folder / "own/tickets.toml").write_text(TOML.replace("choice", "number"))
    for words, module in ((("run", "--tasks=own"), "harness.cli"), (("--lms-tasks=own", *_SUITE), "pytest")):
        ended = lms(*words, module=module)
        assert ended.code == 2, ended.out
        assert "field desk: number: expected" in ended.text
    (folder / "own/rows.csv").write_text("text,desk\nno desk\n")
    ended = lms("run", "--tasks=own")
    assert (ended.code, "own/rows.csv:2: expected 2 cells, as in the first row" in ended.text) == (2, True), ended.out
    assert len(server.asked("POST", "/api/v1/models/load")) == before


_SUITE = (
    "-p",
    "no:cacheprovider",
    f"--rootdir={ROOT}",
    "-c",
    os.devnull,
    "--import-mode=importlib",
    str(ROOT / "suites/own"),
)


def test_a_resumed_run_asks_only_what_is_missing_of_an_own_task(lms: Lms, folder: Path) -> None:
    first = lms("run", f"--model={BIG}", "--tasks=own", "--limit=8")
    known = set(first.asked())
    lines = first.path.read_text(encoding="utf-8").splitlines(keepends=True)
    torn = folder / "results/20200101T000000Z-00000000.jsonl"
    kept = [line for line in lines if json.loads(line)["kind"] not in {"end", "item", "summary", "comparison"}]
    torn.write_text("".join(kept[:-6]))
    resumed = lms("run", f"--resume={torn}")
    assert resumed.code == 0, resumed.out
    assert set(resumed.asked()) == known
    assert "tickets: 2 samples ..." in resumed.out
    (folder / "own/tickets.toml").write_text(TOML.replace("Ticket", "Case"))
    other = lms("run", f"--resume={torn}")
    assert other.code == 2
    assert "task tickets: its samples have changed" in other.text


def test_rounds_and_a_budget_treat_own_tasks_like_shipped_ones(lms: Lms) -> None:
    ended = lms("run", "--model=all", "--tasks=own", "--until-decided", "--limit=60", "--budget=10m")
    assert ended.code == 0, ended.out
    assert "Round 2 of 3, 30 samples" in ended.out
    assert ended.cells[BIG, "tickets"].n > 15
    assert not [record for record in read_run(ended.path) if isinstance(record, SkipRecord)]
    assert any(isinstance(record, EndRecord) for record in read_run(ended.path))


def test_two_runs_of_an_own_task_are_compared_row_by_row(lms: Lms, folder: Path) -> None:
    first = lms("run", f"--model={BIG}", "--tasks=own", "--limit=12").path
    second = lms("run", f"--model={BIG}", "--tasks=own", "--limit=12").path
    compared = lms("compare", str(first), str(second))
    assert compared.code == 0, compared.out
    assert "tickets" in compared.out
    assert "12" in compared.out
    difficulty = lms("tasks", "--tasks=own", "--json", str(first))
    assert {item["models"] for item in json.loads(difficulty.out)["items"]["tickets"]} == {1}


def test_the_floor_of_a_definition_is_the_yardstick_and_fails_no_run(lms: Lms, folder: Path) -> None:
    (folder / "own/tickets.toml").write_text(TOML + "floor = 0.99\n")
    ended = lms("run", f"--model={SMALL}", "--tasks=own", "--limit=20")
    assert ended.code == 0, ended.out
    (record, *_) = read_run(ended.path)
    assert isinstance(record, RunRecord)
    assert record.plan["floors"] == {"tickets": 0.99}
    assert "suffices from a score of 0.99" in lms("choose", "--why=tickets").text
    assert "suffices from a score of 0.30" in lms("choose", "--why=tickets", "--floor=0.3").text


def test_rows_that_repeat_others_are_named_before_the_run(lms: Lms, folder: Path) -> None:
    with (folder / "own/rows.csv").open("a") as file:
        file.write("no. 1 for login,login\n")
    said = lms("run", "--tasks=own", "--dry-run").text
    assert "rows that repeat others are left out: 1, such as own/rows.csv:62, which repeats own/rows.csv:3." in said
