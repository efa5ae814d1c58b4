"""The second part of a run's end: verdicts, races, repeats, in terminals of any width."""

from typing import Any

import pytest

from harness.domain.record import ComparisonRecord, RunRecord, SummaryRecord
from harness.report.layout import fits
from harness.report.table import render, score
from tests.store.written import written

HEAD = {"run_id": "r", "at": "2026-11-23T08:00:00.000Z"}
BIG = "qwen/qwen3-30b-a3b-instruct-2507"


def cell(**more: Any) -> SummaryRecord:
    facts = {"model_key": "acme/tiny", "task": "extract", "task_class": "extract", "scorer": "fields", "n": 30}
    return SummaryRecord.model_validate(
        {**HEAD, **facts, "unscored": 0, "planned": 30, "score": 0.75, "low": 0.5, "high": 0.9, **more}
    )


def verdict(**more: Any) -> ComparisonRecord:
    facts = {
        "model_key": "acme/tiny",
        "task": "extract",
        "task_class": "extract",
        "reference": BIG,
        "verdict": "worse",
        "n": 30,
        "unscored": 0,
        "difference": -0.25,
        "low": -0.4,
        "high": -0.1,
        "margin": 0.05,
        "reason": "lower",
    }
    return ComparisonRecord.model_validate({**HEAD, **facts, **more})


def undecided(**more: Any) -> ComparisonRecord:
    facts = {"verdict": "not decided", "difference": 0, "low": -0.1, "high": 0.1, "needed": 1955}
    return verdict(**{**facts, "needed_difference": 0.02, **more})


RACE = {
    "floor": 0.8,
    "p0": 0.75,
    "p1": 0.85,
    "decision": "decided against",
    "observations": 7,
    "of": 30,
    "asked": 11,
    "saved_s": 42.4,
}


def test_a_verdict_stands_with_its_n_difference_and_the_items_it_takes() -> None:
    text = render(written(cell(), verdict(), undecided(task_class="classify")))
    assert f"against {BIG}" in text
    rows = {" ".join(line.split()) for line in text.splitlines()}
    assert "acme/tiny extract worse 30 -0.25 [-0.40, -0.10]" in rows
    assert "acme/tiny classify not decided 30 +0.00 [-0.10, +0.10] 1,955 for 0.02" in rows
    assert "the margin (0.05) is ruled out" in " ".join(text.split())
    assert "not decided is not 'equal'" in " ".join(text.split())


def test_the_items_it_takes_name_the_cheapest_verdict() -> None:
    text = render(written(cell(), undecided(needed=97, needed_difference=None, needed_for="not worse")))
    assert "97 for not worse" in " ".join(text.split())


def test_floors_have_a_table_of_their_own() -> None:
    text = render(written(cell(), verdict(reference=None, floor=0.8, verdict="not worse", difference=0.1, margin=None)))
    assert "against the floor" in text
    assert "extract 0.8" in text
    assert "margin" not in text


def test_what_could_not_be_compared_has_its_reason_and_no_row() -> None:
    reason = "the reference has not come to the end of this task"
    text = render(written(cell(), undecided(n=0, needed=None, reason=reason)))
    assert "Not decided: acme/tiny extract: the reference has not come to the end of this task" in text
    assert "against" not in text


@pytest.mark.parametrize("width", [110, 80, 40, 20])
def test_it_fits_into_every_terminal(width: int) -> None:
    repeated = cell(
        epochs=3,
        repeats={"between": 0.1, "within": 0.02, "flip_rate": 0.1, "reason": ""},
        item_rates={"a": 0.5, "b": 1.0},
        stopped_early=True,
        score=None,
        race=RACE,
    )
    floor = verdict(reference=None, floor=0.8, needed=None, verdict="not decided", reason="it is open " * 9)
    text = render(written(repeated, verdict(), undecided(model_key="m" * 60), floor), width=width)
    assert fits(text, width), [line for line in text.splitlines() if len(line) > width]
    told = " ".join(text.split())
    assert "1,955 for 0.02" in told
    assert f"against {BIG}" in told.replace(" ", "").replace("against", "against ")


def test_a_race_says_after_how_much_it_stopped_and_what_it_saved() -> None:
    raced = cell(n=7, score=None, stopped_early=True, race=RACE)
    told = " ".join(render(written(raced)).split())
    assert "decided against the floor (0.8, the default) after 7 items; 19 of 30 questions were not asked" in told
    assert "saved about 42 s" in told
    run = {**HEAD, "harness_version": "0", "server_kind": "unknown", "server_url": "u"}
    named = RunRecord.model_validate({**run, "settings": {"floors": {"extract": 0.8}}})
    assert "the floor (0.8) after" in " ".join(render(written(named, raced)).split())
    assert score(raced) == "early [0.50, 0.90]"


def test_what_was_stopped_with_too_many_lost_answers_claims_nothing() -> None:
    assert score(cell(n=7, unscored=1, score=None, stopped_early=True, race=RACE)) == "-"
    assert score(cell(n=29, unscored=2)) == "-"
    assert score(cell(n=29, unscored=1)).startswith("0.75")


def test_repeats_are_shown_only_where_there_were_some() -> None:
    one = {"repeats": {"between": None, "within": None, "flip_rate": None, "reason": "repeat variance not measured"}}
    assert "repeats" not in render(written(cell(**one)))
    several = {"between": 0.125, "within": 0.02, "flip_rate": 0.1, "reason": ""}
    text = render(written(cell(epochs=3, repeats=several, item_rates={"a": 0, "b": 0.5, "c": 1}, reducer="pass@2")))
    assert ["acme/tiny", "extract", "3", "0.125", "0.020", "0.100", "1", "of", "3"] in [
        line.split() for line in text.splitlines()
    ]
    assert "score: the pass@2 of an item's epochs" in " ".join(text.split())


def test_a_hostile_reason_or_reference_cannot_write_to_the_terminal() -> None:
    text = render(written(cell(), verdict(reference="evil\x1b[2J"), undecided(n=0, needed=None, reason="\x1b]0;x\x07")))
    assert "\x1b" not in text
    assert "\x07" not in text
