"""A night against its baseline: what is said of one model on one task, and how often it is said falsely."""

import random
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

import pytest

from harness.domain.record import Record, SampleRecord
from harness.stats.paired import mcnemar
from harness.store.run_file import RunFile
from harness.verdict.gate import Case, judge, night
from harness.verdict.gate_case import Drawn, Paired
from harness.verdict.gate_state import Level, State
from tests.store.written import write

from .recorded import cell, head, passes


def run_of(folder: Path, run_id: str, *records: Record) -> RunFile:
    return RunFile.read(write(folder / f"{run_id}.jsonl", [head(run_id), *records]))


def case_of(parent: Path, tonight: Sequence[Record], *earlier: Sequence[Record], margin: float = 0.05) -> Case:
    folder = Path(tempfile.mkdtemp(dir=parent))
    baseline = [run_of(folder, f"e{number}", *records) for number, records in enumerate(earlier)]
    (case,) = night(run_of(folder, "now", *tonight), baseline, margin=margin).cases
    return case


def test_with_one_earlier_run_the_p_value_is_that_of_mcnemars_test(tmp_path: Path) -> None:
    case = case_of(tmp_path, cell([*passes(0, 9), *passes(30, 31)]), cell(passes(40)[:40]))
    assert (case.state, case.n, len(case.lost)) == (State.REGRESSION, 40, 10)
    assert case.p == pytest.approx(mcnemar(0, 10))
    assert (case.baseline_score, case.score) == (1.0, 0.75)


def test_flips_of_noise_are_as_many_either_way_so_that_they_agree_with_the_difference(tmp_path: Path) -> None:
    """Each item passes in three of four runs: the same answers again are no loss against the majority."""
    nights = [cell([float((number + shift) % 4 != 0) for number in range(40)]) for shift in range(5)]
    case = case_of(tmp_path, nights[4], *nights[:4])
    assert case.difference == pytest.approx(0)
    assert (case.gains, case.losses) == (7.5, 7.5)
    once = case_of(tmp_path, cell(passes(30)), cell([0.0, *passes(39, 39)]))
    assert (once.gains, once.losses) == (len(once.gained), len(once.lost)) == (1, 10)


def test_a_significant_loss_within_the_margin_does_not_fail(tmp_path: Path) -> None:
    n = 400
    case = case_of(tmp_path, cell(passes(360, n)), cell(passes(376, n)), margin=0.05)
    assert case.p is not None
    assert case.p < 0.001
    assert case.state is State.PASSES
    assert case_of(tmp_path, cell(passes(360, n)), cell(passes(376, n)), margin=0.03).state is State.REGRESSION


def test_a_loss_of_exactly_the_margin_is_within_it(tmp_path: Path) -> None:
    assert case_of(tmp_path, cell(passes(57, 60)), cell(passes(60, 60)), margin=0.05).state is State.PASSES


def test_lost_answers_neither_make_a_regression_nor_let_a_night_pass(tmp_path: Path) -> None:
    """Two of forty were lost: had they been passed there would be no loss, had they been failed there would be."""
    case = case_of(tmp_path, cell([None, None, *passes(38, 38)]), cell(passes(40)), margin=0.04)
    assert (case.state, case.unscored) == (State.OPEN, 2)


def test_items_that_share_a_cluster_tell_less(tmp_path: Path) -> None:
    def clustered(values: Sequence[float]) -> list[Record]:
        return [
            record.model_copy(update={"cluster_id": f"c{int(record.item_id[1:]) // 10}"})
            if isinstance(record, SampleRecord)
            else record
            for record in cell(values)
        ]

    lost = [float(number >= 10) for number in range(40)]
    assert case_of(tmp_path, cell(lost), cell(passes(40))).state is State.REGRESSION
    case = case_of(tmp_path, clustered(lost), clustered(passes(40)))
    assert (case.state, case.p) == (State.OPEN, 1.0), "they are one answer"


def test_a_night_that_sent_the_functions_in_another_way_has_no_baseline(tmp_path: Path) -> None:
    before = cell(passes(38))
    case = case_of(tmp_path, cell(passes(20), way="native"), before, before)
    assert case.state is State.NOT_COMPARABLE
    assert "the way of asking is in the prompt in the baseline and through the API's tools in this run" in case.reason
    tonight = case_of(tmp_path, cell(passes(20), way="native"), cell(passes(38), way="native"), before)
    assert (tonight.state, tonight.runs) == (State.REGRESSION, 1)


def test_graded_scores_are_compared_by_their_means(tmp_path: Path) -> None:
    dice = random.Random(4)
    earlier = [cell([0.8 + 0.1 * dice.random() for _ in range(40)]) for _ in range(3)]
    assert case_of(tmp_path, cell([0.6 + 0.1 * dice.random() for _ in range(40)]), *earlier).state is State.REGRESSION
    assert case_of(tmp_path, cell([0.8 + 0.1 * dice.random() for _ in range(40)]), *earlier).state is State.PASSES


def test_runs_that_asked_different_items_are_each_compared_on_what_they_share(tmp_path: Path) -> None:
    """A longer run beside a shorter one: an item counts with the runs that were asked it."""
    case = case_of(tmp_path, cell(passes(40)), cell(passes(20, 20)), cell(passes(40)))
    assert (case.n, case.runs, case.baseline_score) == (40, 2, 1.0)


def test_levels_tell_what_a_state_does_to_the_night() -> None:
    assert {state: state.level for state in State} == {
        State.REGRESSION: Level.FAIL,
        State.NO_MODEL: Level.MISSING,
        State.NO_TASK: Level.MISSING,
        State.UNFINISHED: Level.MISSING,
        State.LOST: Level.MISSING,
        State.UNGRADED: Level.MISSING,
        State.NO_ITEMS: Level.MISSING,
        State.FEW_ITEMS: Level.MISSING,
        State.OPEN: Level.WARN,
        State.NOT_COMPARABLE: Level.NEUTRAL,
        State.PASSES: Level.PASS,
    }


# Nights simulated. An item is passed for certain, failed for certain, or flaky: passed at a rate of its own.


def rates_of(n: int, flaky: float, dice: random.Random) -> list[float]:
    return [dice.random() if dice.random() < flaky else float(dice.random() < 0.8) for _ in range(n)]


def after_a_loss(rates: Sequence[float], loss: float, dice: random.Random) -> list[float]:
    """Fail items for certain, so that the mean falls by this much."""
    return [0.0 if dice.random() < loss / max(loss, fmean(rates)) else rate for rate in rates]


def answers(before: Sequence[float], now: Sequence[float], runs: int, dice: random.Random) -> Paired:
    drawn = {
        f"i{number}": Drawn(
            cluster=f"i{number}",
            now=float(dice.random() < rates[1]),
            earlier={run: float(dice.random() < rates[0]) for run in range(runs)},
        )
        for number, rates in enumerate(zip(before, now, strict=True))
    }
    return Paired(against=drawn, favour=drawn, score=None, baseline_score=None, runs=runs)


def failing_nights(
    nights: int, *, n: int, runs: int, cases: int, flaky: float, loss: float, seed: int = 1
) -> Mapping[str, float]:
    """Return the shares of nights that fail the first case, which loses so much, and any case that does not lose."""
    dice = random.Random(seed)
    found, false = 0, 0
    for _ in range(nights):
        cells = {}
        for number in range(cases):
            before = rates_of(n, flaky, dice)
            now = after_a_loss(before, loss, dice) if not number and loss else before
            cells["m", f"t{number}"] = answers(before, now, runs, dice)
        first, *others = judge(cells, margin=0.05)[0]
        found += first.state is State.REGRESSION
        false += any(case.state is State.REGRESSION for case in (others if loss else (first, *others)))
    return {"found": found / nights, "false": false / nights}


@pytest.mark.parametrize("runs", [1, 3])
def test_noise_fails_hardly_a_night_and_a_large_loss_nearly_every_one(runs: int) -> None:
    """Four of ten items flip at random, in five cases at once; then one case loses 0.4."""
    assert failing_nights(40, n=30, runs=runs, cases=5, flaky=0.4, loss=0.0)["false"] <= 0.05
    assert failing_nights(20, n=30, runs=runs, cases=2, flaky=0.1, loss=0.4)["found"] >= 0.9


CELLS = [
    (n, runs, cases, flaky) for n in (30, 120) for runs in (1, 7) for cases in (1, 30) for flaky in (0.0, 0.1, 0.4)
]


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("n", "runs", "cases", "flaky"), CELLS)
def test_no_more_than_five_of_a_hundred_nights_fail_falsely(n: int, runs: int, cases: int, flaky: float) -> None:
    """300 nights: five times as many false ones as allowed would be seen; Monte Carlo adds 2.5 points."""
    assert failing_nights(300, n=n, runs=runs, cases=cases, flaky=flaky, loss=0.0)["false"] <= 0.05 + 0.025
