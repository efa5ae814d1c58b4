"""The end of a run: the answers of ten tasks and seven models on one screen, and nothing that went wrong hidden."""

from typing import Any

import pytest

from harness.domain.record import (
    ComparisonRecord,
    EndRecord,
    InstanceRecord,
    Record,
    RunRecord,
    SampleRecord,
    ScoreRecord,
    SkipRecord,
    SummaryRecord,
)
from harness.report.ending import how_to_resume, how_to_see_more, render_ending
from harness.report.layout import fits
from harness.store.run_file import RunFile
from tests.store.written import written

HEAD = {"run_id": "r", "at": "2026-11-23T08:00:00.000Z"}
TASKS = (
    "brainstorm",
    "classify",
    "extract",
    "instruct",
    "longcontext",
    "multiturn",
    "reason",
    "review",
    "rewrite",
    "summarise",
)
MODELS = (
    "google/gemma-3-1b",
    "meta/llama-3.2-3b-instruct",
    "qwen/qwen3-4b-instruct-2507",
    "mistralai/mistral-nemo-12b",
    "microsoft/phi-4-14b",
    "openai/gpt-oss-20b",
    "qwen/qwen3-30b-a3b-instruct-2507",
)
N = 30
ROWS_OF_A_SCREEN = 24


def header(**more: Any) -> RunRecord:
    facts = {"harness_version": "0", "server_kind": "lm-studio", "server_url": "u"}
    return RunRecord.model_validate({**HEAD, **facts, **more})


def cell(task: str, model: str, passes: int, *, lost: int = 0) -> list[Record]:
    """Return the records of one model on one task, of which it passes the first so many items."""
    found: list[Record] = []
    for number in range(N):
        uid, is_lost = f"{task} {model} {number}", number >= N - lost
        facts: dict[str, Any] = {"sample_uid": uid, "task": task, "task_class": task, "item_id": f"{task}-{number:02}"}
        facts |= {"item_hash": "h", "model_key": model, "instance_id": model, "prompt_hash": "p"}
        outcome, times = ("server_error", {}) if is_lost else ("ok", {"ttft_s": 0.2, "e2e_s": 1.25})
        found.append(SampleRecord.model_validate({**HEAD, **facts, "outcome": outcome, "times": times}))
        value = None if is_lost else float(number < passes)
        facts = {"sample_uid": uid, "scorer": "exact", "scorer_version": "1", "value": value, "reason": ""}
        found.append(ScoreRecord.model_validate({**HEAD, **facts}))
    facts = {"model_key": model, "task": task, "task_class": task, "scorer": "exact", "n": N - lost, "unscored": lost}
    found.append(SummaryRecord.model_validate({**HEAD, **facts, "planned": N, "score": passes / N, "chance": 0.25}))
    return found


def instance(model: str, place: int) -> InstanceRecord:
    facts = {"model_key": model, "instance_id": model, "load_time_s": 3.4, "size_bytes": 10**9 * (place + 1)}
    return InstanceRecord.model_validate({**HEAD, **facts})


def a_run(*more: Record, **settings: Any) -> RunFile:
    """Return a run of ten tasks and seven models, with a model, an open answer and the primary among the answers."""
    records: list[Record] = [header(**settings)]
    for place, model in enumerate(MODELS):
        records.append(instance(model, place))
        for number, task in enumerate(TASKS):
            records += cell(task, model, min(N, max(0, (30, 22, 6)[number % 3] + place // 2)))
    return written(*records, *more)


@pytest.fixture(scope="module")
def run() -> RunFile:
    return a_run()


def test_ten_tasks_and_seven_models_fit_on_one_screen(run: RunFile) -> None:
    text = render_ending(run, width=80)
    assert fits(text, 80)
    waits, _, answers = text.rpartition("\n\ntask ")
    assert all(model.rpartition("/")[2][:12] in waits for model in MODELS)
    lines = answers.splitlines()
    printed = [*lines, "", f"Records: {run.path}", how_to_see_more(run), "70 passed in 1 s"]
    assert len(printed) < ROWS_OF_A_SCREEN, "with the line of the prompt"
    assert [line.split()[0] for line in lines[2:12]] == sorted(TASKS)
    assert "certified" in text
    assert "open: " in text
    assert "; ask " in text
    assert "your primary" in text
    assert "One model for all:" in text
    assert "chance to suffice" in " ".join(text.split())


def test_wider_terminals_show_more_of_the_keys_and_the_load(run: RunFile) -> None:
    assert "open: qwen3-3…2507" in render_ending(run, width=80)
    wide = render_ending(run, width=110)
    assert "open: qwen3-30b-a…nstruct-2507" in wide
    assert "3.40 s" in wide
    assert fits(render_ending(run, width=40), 40)


def test_details_are_todays_tables_with_chance_beside_each_score(run: RunFile) -> None:
    text = render_ending(run, is_detailed=True)
    assert text.startswith(render_ending(run))
    assert "model task score [95 %] chance n lost E2E p50" in " ".join(text.split())
    assert "google/gemma-3-1b brainstorm 1.00 [n/a] 0.25 30 0 n/a" in " ".join(text.split())


def test_what_went_wrong_is_seen_without_details() -> None:
    floor = {"model_key": "acme/tiny", "task": "extract", "task_class": "extract", "floor": 0.9, "n": N, "unscored": 0}
    verdicts = [
        ComparisonRecord.model_validate(
            {**HEAD, **floor, "verdict": verdict, "reason": "", "model_key": f"m/{verdict}"}
        )
        for verdict in ("worse", "not worse", "not decided")
    ]
    skips = [
        SkipRecord.model_validate({**HEAD, "model_key": key, "task": "extract", "reason": "no time for it"})
        for key in ("a", "b", "c", "d", "e")
    ]
    records = [instance("acme/tiny", 0), *cell("extract", "acme/tiny", 20, lost=4), *verdicts, *skips]
    text = render_ending(written(header(notes=["a demonstration"]), *records), width=80)
    assert "Lost answers: acme/tiny extract (4 of 30)" in text
    assert "4 of 30 answers were lost" in text
    assert "Floor missed: m/worse extract (0.9)" in text
    assert "Floor not decided: m/not decided extract (0.9)" in text
    assert "Skipped: a extract, b extract, c extract and 2 more: no time for it" in text
    assert "Note: a demonstration" in text
    assert "a demonstration model: nobody should choose" in " ".join(text.split())


def test_the_floors_and_the_primary_of_the_run_are_its_yardsticks() -> None:
    records = [instance("small", 0), instance("large", 1), *cell("extract", "small", 26), *cell("extract", "large", 30)]
    usual = render_ending(written(header(), *records))
    low = render_ending(written(header(settings={"floors": {"extract": 0.6}, "margin": 0.05}), *records))
    primary = render_ending(written(header(settings={"primary": "large", "floors": {}, "margin": 0.02}), *records))
    answers = [text.partition("\ntask ")[2].splitlines()[2] for text in (usual, low, primary)]
    assert "large" in answers[0]
    assert "certified" in answers[1]
    assert "large" not in answers[2]


def test_a_skip_that_each_part_of_a_resumed_run_records_is_named_once() -> None:
    skips = [
        SkipRecord.model_validate({**HEAD, "model_key": key, "task": "reason", "reason": "needs a chat model"})
        for key in ("embeds", "too", "embeds", "too")
    ]
    assert render_ending(written(header(), *skips)) == "Skipped: embeds reason, too reason: needs a chat model"


def test_a_run_without_answers_has_its_tables() -> None:
    skip = SkipRecord.model_validate({**HEAD, "model_key": "acme/huge", "reason": "out of memory"})
    run = written(header(), skip)
    assert render_ending(run) == "Skipped: acme/huge: out of memory"
    assert how_to_see_more(run) == ""


def test_a_run_that_died_in_a_later_round_rests_on_its_last_whole_one() -> None:
    records = cell("extract", "small", N)
    lost = []
    for number in range(N, N + 5):
        facts = {
            "sample_uid": f"late {number}",
            "task": "extract",
            "task_class": "extract",
            "item_id": f"late-{number}",
        }
        facts |= {"item_hash": "h", "model_key": "small", "instance_id": "small", "prompt_hash": "p"}
        lost.append(SampleRecord.model_validate({**HEAD, **facts, "outcome": "cancelled"}))
    text = render_ending(written(header(plan={"rounds": [N, 2 * N]}), instance("small", 0), *records, *lost))
    assert "1.00 [0.89, 1.00]" in text
    assert "lost" not in text


def test_only_a_run_that_was_interrupted_says_how_to_resume_it() -> None:
    def ended(**facts: Any) -> RunFile:
        return written(
            header(), EndRecord.model_validate({**HEAD, "exit_code": 2, "duration_s": 1, "samples": 0, **facts})
        )

    assert how_to_resume(ended()) == how_to_resume(written(header())) == ""
    assert "Interrupted: run again with setting `resume = " in how_to_resume(ended(interrupted=True))
