"""Resuming and budgets as users meet them: a pytest of its own, against a scripted LM Studio."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.domain.record import EndRecord, ItemRecord, RunRecord, SampleRecord, SkipRecord, SummaryRecord
from harness.testing.library import DEFAULT_MODELS
from harness.testing.scripted import ScriptedServer
from tests.plugin.own_pytest import Ended, run_pytest
from tests.torture.resume_campaign import OWN_TESTS, result, speak

KEY = "acme/tiny-1b"
OTHER = "acme/small-4b"
LOAD = "/api/v1/models/load"
CHAT = "/api/v1/chat"


Pytest = Callable[..., Ended]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        scripted.reply_with(speak)
        yield scripted


@pytest.fixture
def run(server: ScriptedServer, tmp_path: Path) -> Pytest:
    def call(*words: str) -> Ended:
        return run_pytest(server, tmp_path, *words, code=OWN_TESTS)

    return call


def cut_after(path: Path, key: str) -> None:
    """Leave what a death leaves just before the first answer of another model than this one."""
    lines = path.read_text().splitlines(keepends=True)
    first = next(i for i, line in enumerate(lines) if line.startswith('{"kind":"sample"') and key not in line)
    path.write_text("".join(lines[:first]) + lines[first][:100])


def test_a_complete_model_is_not_loaded_and_the_table_is_that_of_a_whole_run(
    run: Pytest, server: ScriptedServer
) -> None:
    whole = run("--lms-model=all", "--lms-limit=5")
    expected = result(whole.records())
    assert [item.test for item in whole.records() if isinstance(item, ItemRecord)]
    cut_after(whole.path, KEY)
    loads, chats = len(server.asked("POST", LOAD)), len(server.asked("POST", CHAT))
    resumed = run("--lms-resume=last")
    assert resumed.code == 0, resumed.out
    assert [body["model"] for body in server.asked("POST", LOAD)[loads:]] == [OTHER]
    assert len(server.asked("POST", CHAT)) - chats == 2 * 5 + 1  # And the warm-up.
    assert result(resumed.records()) == expected
    assert resumed.path != whole.path
    assert "3 passed, 3 skipped" in resumed.out
    assert resumed.out.count(KEY) >= 2  # Its rows of the table.
    ends = [end for end in resumed.records() if isinstance(end, EndRecord)]
    assert [(end.samples, end.exit_code) for end in ends] == [(20, 0)]


def test_resuming_a_finished_run_does_nothing_says_so_and_prints_the_table(run: Pytest, server: ScriptedServer) -> None:
    whole = run("--lms-limit=3")
    asked = len(server.asked("POST", CHAT))
    again = run(f"--lms-resume={whole.path}")
    assert again.code == 0, again.out
    assert "The run is already complete; nothing to do." in again.out
    assert "score [95 %]" in again.out
    assert again.path == whole.path
    assert len(server.asked("POST", CHAT)) == asked
    assert "there is no unfinished run" in run("--lms-resume=last").out


def test_a_run_whose_end_alone_is_missing_gets_a_whole_file_without_loading(
    run: Pytest, server: ScriptedServer
) -> None:
    whole = run("--lms-limit=3")
    whole.path.write_text("".join(whole.path.read_text().splitlines(keepends=True)[:-1]))
    loads = len(server.asked("POST", LOAD))
    resumed = run("--lms-resume=last")
    assert resumed.code == 0, resumed.out
    assert len(server.asked("POST", LOAD)) == loads
    assert result(resumed.records()) == result(whole.records())
    assert isinstance(resumed.records()[-1], EndRecord)


def test_what_differs_ends_the_session_with_2_before_anything_is_loaded(run: Pytest, server: ScriptedServer) -> None:
    whole = run("--lms-limit=3")
    loads = len(server.asked("POST", LOAD))
    for words in ([], ["--collect-only"]):
        other = run(f"--lms-resume={whole.path}", "--lms-seed=7", "--lms-limit=2", *words)
        assert other.code == 2
        assert "seed: 0 then, 7 now" in other.out
        assert "limit: 3 then, 2 now" in other.out
        assert "Plan:" not in other.out
    assert len(server.asked("POST", LOAD)) == loads


def test_a_failed_test_is_run_again(run: Pytest) -> None:
    run("--lms-limit=3", "--lms-floor=one=0.99", "--lms-floor=two=0")
    resumed = run("--lms-resume=" + str(run("--collect-only").path))
    assert resumed.code == 1
    assert "below the floor" in resumed.out


def test_the_plan_of_a_resumed_run_counts_what_is_missing(run: Pytest) -> None:
    whole = run("--lms-model=all", "--lms-limit=5")
    cut_after(whole.path, KEY)
    plan = run("--collect-only", "-q", "--lms-resume=last")
    assert f"has 10 of these answers; complete, so not loaded: {KEY}." in plan.text


def test_a_budget_asks_less_of_every_model_and_says_what_it_left_out(run: Pytest) -> None:
    small = [
        replace(model, size_bytes=size) for model, size in zip(DEFAULT_MODELS, (70_000_000, 90_000_000), strict=False)
    ]
    with ScriptedServer(small, token_s=0.05, parallel=1) as slow:
        slow.reply_with(lambda request: request.prompt)
        started = time.monotonic()
        result = run(f"--lms-url={slow.url}", "--lms-model=all", "--lms-limit=400", "--lms-budget=20s")
        took_s = time.monotonic() - started
        assert slow.loaded == []
    assert result.code == 0, result.out
    assert took_s < 20 + 40  # A release and pytest's start and end, on a busy machine.
    records = result.records()
    cells = {(cell.model_key, cell.task): cell for cell in records if isinstance(cell, SummaryRecord)}
    assert all(0 < cell.n < 400 and cell.unscored == 0 for cell in cells.values())
    # On a slow machine the time may end with the first model; the second is then left out by name.
    asked = {key for key, _ in cells}
    assert KEY in asked
    left_out = {skip.model_key for skip in records if isinstance(skip, SkipRecord) and "budget" in skip.reason}
    assert asked | left_out == {KEY, OTHER}
    reasons = [(skip.model_key, skip.task, skip.reason) for skip in records if isinstance(skip, SkipRecord)]
    assert all("samples left out: the budget has no time" in reason for _, _, reason in reasons if "400" in reason)
    assert len(reasons) >= len(cells)
    assert "samples left out" in result.out
    # Always the first samples, in order: none is chosen.
    for key, task in cells:
        items = [
            sample.item_id
            for sample in records
            if isinstance(sample, SampleRecord) and (sample.model_key, sample.task) == (key, task)
        ]
        assert sorted(items) == sorted(f"{task} {i}" for i in range(len(items)))


def test_what_a_budget_left_out_is_asked_when_the_run_is_resumed(run: Pytest, server: ScriptedServer) -> None:
    with_budget = run("--lms-limit=40", "--lms-budget=0.001s")
    assert with_budget.code == 1, with_budget.out
    assert "NOT MEASURED" in with_budget.out
    assert not [sample for sample in with_budget.records() if isinstance(sample, SampleRecord)]
    assert f"Skipped: {KEY}" in with_budget.out
    resumed = run(f"--lms-resume={with_budget.path}")
    assert resumed.code == 0, resumed.out
    head = resumed.records()[0]
    assert isinstance(head, RunRecord)
    assert len([sample for sample in resumed.records() if isinstance(sample, SampleRecord)]) == 80


def test_the_plan_shows_what_the_budget_leaves_out(run: Pytest) -> None:
    plan = run("--collect-only", "-q", "--lms-model=all", "--lms-budget=90s", "--lms-limit=1000")
    assert "of 1,000 samples per task fit into the budget" in plan.text
    tight = run("--collect-only", "-q", "--lms-model=all", "--lms-budget=10s", "--lms-limit=1000")
    assert f"Left out, because the budget is too short for them: {OTHER}." in tight.text
