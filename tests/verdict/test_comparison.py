"""Verdicts from the records of a run: which are given, which are withheld, and why."""

from collections.abc import Sequence
from typing import Any

import pytest

from harness.domain.record import ComparisonRecord, Record, SampleRecord, ScoreRecord, SummaryRecord
from harness.settings import Settings
from harness.verdict.comparison import comparisons
from tests.store.written import written

HEAD: dict[str, Any] = {"run_id": "r", "at": "2026-11-25T08:00:00.000Z"}
BIG, SMALL = "acme/big", "acme/small"
Value = float | None
Scored = Sequence[Sequence[Value]]


def cell(model: str, scores: Scored, *, task: str = "say", **more: Any) -> list[Record]:
    """The records of a model on a task: for each item the scores of its epochs."""
    records: list[Record] = []
    for number, epochs in enumerate(scores):
        for epoch, value in enumerate(epochs, 1):
            uid = f"{model}-{task}-{number}-{epoch}"
            records.append(
                SampleRecord.model_validate(
                    {
                        **HEAD,
                        "sample_uid": uid,
                        "task": task,
                        "task_class": task,
                        "item_id": f"i{number}",
                        "item_hash": "h",
                        "epoch": epoch,
                        "model_key": model,
                        "instance_id": model,
                        "prompt_hash": "p",
                        "outcome": "ok" if value is not None else "server_error",
                    }
                )
            )
            passed = None if value is None else value == 1
            records.append(
                ScoreRecord(**HEAD, sample_uid=uid, scorer="s", scorer_version="1", value=value, passed=passed)
            )
    known = [value for epochs in scores for value in epochs]
    facts = {
        "model_key": model,
        "task": task,
        "task_class": task,
        "scorer": "s",
        "n": len(scores),
        "score": 0.5,
        "unscored": known.count(None),
        "planned": len(known),
        "epochs": max(map(len, scores), default=1),
        **more,
    }
    return [*records, SummaryRecord.model_validate({**HEAD, **facts})]


def ones(n: int, passed: int) -> Scored:
    return [[float(number < passed)] for number in range(n)]


def verdicts(
    *cells: list[Record], reference: str | None = BIG, more: Sequence[Record] = (), **settings: Any
) -> list[ComparisonRecord]:
    records = [record for cell in cells for record in cell]
    return list(comparisons(written(*records, *more), Settings(**settings), reference=reference, head=lambda: HEAD))


def test_a_candidate_that_fails_much_more_is_worse_with_the_figures_it_rests_on() -> None:
    (one,) = verdicts(cell(SMALL, ones(40, 15)), cell(BIG, ones(40, 35)))
    assert (one.model_key, one.reference, one.floor, one.verdict) == (SMALL, BIG, None, "worse")
    assert (one.n, one.unscored, one.candidate_only, one.reference_only) == (40, 0, 0, 20)
    assert (one.test, one.interval, one.margin, one.needed) == ("mcnemar-exact", "tango", 0.05, None)
    assert one.difference == pytest.approx(-0.5)
    assert one.p is not None
    assert one.p < 0.001
    assert one.low is not None
    assert one.high is not None
    assert -1 < one.low < -0.5 < one.high < 0


def test_two_that_never_differ_are_not_decided_at_30_items_and_the_items_it_takes_are_named() -> None:
    (one,) = verdicts(cell(SMALL, ones(30, 24)), cell(BIG, ones(30, 24)))
    assert one.verdict == "not decided"
    assert (one.needed, one.needed_for) == (52, "not worse")
    (more,) = verdicts(cell(SMALL, ones(60, 48)), cell(BIG, ones(60, 48)))
    assert more.verdict == "not worse"


def test_the_margin_decides_what_is_not_worse() -> None:
    pair = cell(SMALL, ones(40, 32)), cell(BIG, ones(40, 32))
    assert [verdicts(*pair, margin=margin)[0].verdict for margin in (0.05, 0.1)] == ["not decided", "not worse"]


def test_the_reference_was_chosen_before_and_is_never_the_best_observed() -> None:
    (one,) = verdicts(cell(SMALL, ones(40, 38)), cell(BIG, ones(40, 10)))
    assert (one.model_key, one.verdict) == (SMALL, "better")


def test_many_candidates_are_adjusted_for() -> None:
    scores = [[float(number < 20)] for number in range(40)]
    candidate = [[float(number < 27)] for number in range(40)]
    alone = verdicts(cell(SMALL, candidate), cell(BIG, scores))[0]
    others = [cell(f"acme/{name}", scores) for name in "abcdef"]
    among = verdicts(cell(SMALL, candidate), *others, cell(BIG, scores))[0]
    assert alone.verdict == "better"
    assert among.p is not None
    assert alone.p is not None
    assert among.p == pytest.approx(7 * alone.p)
    assert among.verdict != "better"


def test_nothing_is_claimed_above_five_percent_unscored() -> None:
    lossy: Scored = [*ones(37, 10), [None], [None], [None]]
    for cells in ((cell(SMALL, lossy), cell(BIG, ones(40, 40))), (cell(SMALL, ones(40, 2)), cell(BIG, lossy))):
        (one,) = verdicts(*cells)
        assert (one.verdict, one.unscored, one.needed) == ("not decided", 3, None)
        assert "unscored (above 5 %)" in one.reason


def test_lost_answers_count_against_the_claim() -> None:
    reference = ones(40, 30)
    candidate: Scored = [*ones(38, 36), [None], [None]]
    (one,) = verdicts(cell(SMALL, candidate), cell(BIG, reference))
    assert one.difference == pytest.approx(36 / 40 - 30 / 40)


def test_items_that_were_never_asked_are_lost_not_left_out() -> None:
    (one,) = verdicts(cell(SMALL, ones(20, 20), planned=40), cell(BIG, ones(20, 5), planned=40))
    assert (one.n, one.unscored, one.verdict) == (40, 40, "not decided")


def test_items_that_were_planned_for_one_model_only_are_left_out_for_both() -> None:
    (one,) = verdicts(cell(SMALL, ones(40, 10)), cell(BIG, ones(25, 25)))
    assert (one.n, one.unscored, one.verdict) == (25, 0, "worse")
    (crashed,) = verdicts(cell(SMALL, ones(40, 40)), cell(BIG, ones(25, 1), planned=40))
    assert (crashed.n, crashed.unscored, crashed.verdict) == (40, 15, "not decided")


def test_without_the_reference_nothing_is_decided_and_the_reason_is_told() -> None:
    (one,) = verdicts(cell(SMALL, ones(40, 40)), cell(BIG, ones(10, 1))[:-1])
    assert (one.verdict, one.n) == ("not decided", 0)
    assert "the reference did not complete this task" in one.reason


def test_one_model_alone_gets_no_verdict_but_against_its_floor() -> None:
    assert verdicts(cell(BIG, ones(40, 40))) == []
    found = [verdicts(cell(BIG, ones(40, passed)), floors={"say": 0.8, "other": 0.5})[0] for passed in (40, 33, 20)]
    assert [comparison.verdict for comparison in found] == ["not worse", "not decided", "worse"]
    assert all((comparison.floor, comparison.reference) == (0.8, None) for comparison in found)
    assert found[0].difference == pytest.approx(0.2)
    assert found[1].needed is not None
    assert found[1].needed > 40


def test_a_model_that_a_race_has_stopped_is_not_compared_with_another() -> None:
    race = {"floor": 0.8, "p0": 0.75, "p1": 0.85, "decision": "decided against", "observations": 8, "of": 40}
    stopped = cell(
        SMALL, ones(8, 2), planned=40, stopped_early=True, score=None, low=0.05, high=0.7, race={**race, "asked": 9}
    )
    for cells in ((stopped, cell(BIG, ones(40, 40))), (cell("acme/x", ones(40, 1)), stopped)):
        reference = str(cells[1][-1].model_dump()["model_key"])
        found = verdicts(*cells, reference=reference, floors={"say": 0.8})
        assert found[0].verdict == "not decided"
        assert "a race has stopped" in found[0].reason
        against = next(comparison for comparison in found if comparison.model_key == SMALL and comparison.floor)
        assert (against.verdict, against.needed) == ("not decided", None)
        assert "race of an earlier version" in against.reason


def test_claims_after_several_looks_share_five_percent() -> None:
    cells = cell(SMALL, ones(40, 40), planned=40), cell(BIG, ones(40, 34), planned=40)
    once = verdicts(*cells, floors={"say": 0.9})
    four_times = verdicts(*cells, floors={"say": 0.9}, until_decided=True, limit=120)
    assert {found.alpha for found in once} == {0.05}
    assert {found.alpha for found in four_times} == {0.0125}
    assert [found.verdict for found in once if found.model_key == SMALL] == ["better", "not worse"]
    assert {found.verdict for found in four_times if found.model_key == SMALL} <= {"not decided", "not worse"}


def test_epochs_are_reduced_before_models_are_compared() -> None:
    repeats: Scored = [[1.0, 1.0, 0.0]] * 30
    steady: Scored = [[1.0, 1.0, 1.0]] * 30
    assert verdicts(cell(SMALL, repeats), cell(BIG, steady), epochs=3)[0].difference == pytest.approx(-1 / 3)
    majority = verdicts(
        cell(SMALL, repeats, reducer="majority"), cell(BIG, steady, reducer="majority"), epochs=3, reducer="majority"
    )
    assert (majority[0].difference, majority[0].n) == (0.0, 30)


def test_the_tasks_own_scorer_counts_and_its_last_score_of_a_sample() -> None:
    late = [
        ScoreRecord(**HEAD, sample_uid=f"{SMALL}-say-{number}-1", scorer=scorer, scorer_version="1", value=value)
        for number in range(40)
        for scorer, value in (("another", 0.0), ("s", 1.0))
    ]
    (one,) = verdicts(cell(SMALL, ones(40, 0)), cell(BIG, ones(40, 40)), more=late)
    assert one.difference == 0.0
