import random
from collections.abc import Iterator
from itertools import product

import pytest
from scipy import stats

from harness.stats.interval import mean_estimate
from harness.stats.noninferiority import Assessment, assess, first_certified, smallest_certified
from harness.stats.paired import tango
from harness.stats.pairing import Scores


def scores(values: list[float] | list[int]) -> Scores:
    return {f"i{number:04}": [float(value)] for number, value in enumerate(values)}


def test_a_candidate_that_never_differs_is_certified_from_52_items_on() -> None:
    # Tango's one-sided bound without a discordant item is z² / (n + z²), z = 1.645: below 0.05 from n = 52.
    for n, certified in ((51, False), (52, True)):
        result = assess("small", scores([1] * n), scores([1] * n), margin=0.05, floor=0.8)
        assert result.is_certified is certified
        assert result.n == n


def test_the_reason_names_each_bound_that_fails() -> None:
    result = assess("small", scores([1, 0] * 15), scores([1] * 30), margin=0.05, floor=0.8)
    assert result.reason == "may lose 0.64 (margin 0.05); may score only 0.36 (floor 0.8)"
    assert (result.difference, result.score, result.is_certified, result.needed) == (-0.5, 0.5, False, None)


def test_the_floor_holds_even_for_a_candidate_that_equals_a_weak_reference() -> None:
    half = scores([1, 0] * 100)
    result = assess("small", half, half, margin=0.05, floor=0.8)
    assert not result.is_certified
    assert result.reason == "may score only 0.44 (floor 0.8)"


def test_a_promising_candidate_is_told_how_many_items_it_takes() -> None:
    result = assess("small", scores([1] * 27 + [0] * 3), scores([0] * 2 + [1] * 26 + [0] * 2), margin=0.05, floor=0.7)
    assert not result.is_certified
    assert result.needed is not None
    assert 30 < result.needed < 1000


def test_the_unscored_count_against_the_candidate_and_above_five_percent_nothing_is_certified() -> None:
    full = scores([1] * 100)
    four = {**full, **{f"i{number:04}": [None] for number in range(4)}}
    six = {**full, **{f"i{number:04}": [None] for number in range(6)}}
    assert assess("a", full, full, margin=0.05, floor=0.8).is_certified
    lost = assess("a", four, full, margin=0.05, floor=0.8)
    assert (lost.is_certified, lost.score, lost.unscored) == (False, 0.96, 4)
    refused = assess("a", six, full, margin=0.5, floor=0.1)
    assert (refused.is_certified, refused.needed) == (False, None)
    assert refused.reason == "6 of 100 answers of the candidate are unscored (above 5 %)"
    gone = assess("a", full, six, margin=0.5, floor=0.1)
    assert "of the reference are unscored" in gone.reason


@pytest.mark.parametrize(("wins", "losses"), [(0.0, 0.05), (0.025, 0.075), (0.075, 0.125), (0.175, 0.225)])
def test_a_candidate_at_the_margin_is_certified_in_about_five_percent_exactly_enumerated(
    wins: float, losses: float
) -> None:
    n, certified = 100, 0.0
    for b, c in product(range(n + 1), repeat=2):
        chance = stats.multinomial.pmf([b, c, n - b - c], n, [wins, losses, 1 - wins - losses]) if b + c <= n else 0
        if chance > 1e-7 and tango(b, c, n, level=0.9).low > -0.05:
            certified += chance
    assert certified <= 0.06


def test_a_rare_total_failure_that_thirty_graded_items_cannot_show_is_not_ruled_out() -> None:
    # The candidate loses everything on 6 % of the items and next to nothing elsewhere: a true loss above the margin.
    rng = random.Random(3)
    certified, bootstrap_alone = 0, 0
    for seed in range(80):
        theirs = [0.9 - 0.02 * rng.random() for _ in range(30)]
        ours = [0.0 if rng.random() < 0.06 else x + rng.uniform(-0.01, 0.01) for x in theirs]
        certified += assess("a", scores(ours), scores(theirs), margin=0.05, floor=0.1, seed=seed).is_certified
        gaps = [one - other for one, other in zip(ours, theirs, strict=True)]
        interval = mean_estimate(gaps, level=0.9, seed=seed).interval
        bootstrap_alone += interval is not None and interval.low > -0.05
    assert certified == 0
    assert bootstrap_alone / 80 > 0.1


def made(name: str, *, is_certified: bool) -> Assessment:
    return Assessment(
        name=name,
        is_certified=is_certified,
        reason="",
        n=1,
        unscored=0,
        difference=0,
        difference_low=0,
        score=1,
        score_low=1,
        margin=0.05,
        floor=0.8,
    )


def test_the_first_certified_ends_the_search() -> None:
    asked: list[str] = []

    def assessments() -> Iterator[Assessment]:
        for name, is_certified in (("1b", False), ("4b", True), ("8b", True)):
            asked.append(name)
            yield made(name, is_certified=is_certified)

    found = first_certified(assessments())
    assert found is not None
    assert found.name == "4b"
    assert asked == ["1b", "4b"]
    assert first_certified([made("1b", is_certified=False)]) is None


@pytest.mark.parametrize(
    ("certified", "chosen"),
    [
        ([False, True, True], "1"),
        ([True, False, True], "2"),
        ([True, True, False], None),
        ([True, True, True], "0"),
        ([], None),
    ],
)
def test_the_smallest_certified_has_only_certified_ones_above_it(certified: list[bool], chosen: str | None) -> None:
    found = smallest_certified([made(str(i), is_certified=one) for i, one in enumerate(certified)])
    assert (found.name if found else None) == chosen


def test_with_many_unfit_candidates_the_first_certified_is_often_wrong_and_the_smallest_certified_is_not() -> None:
    # Six candidates, all exactly at the margin: whatever is chosen is a false certificate.
    rng = random.Random(12)
    runs, first, smallest = 800, 0, 0
    for _ in range(runs):
        family = []
        for size in range(6):
            draws = [rng.random() for _ in range(100)]
            low = tango(sum(x < 0.1 for x in draws), sum(0.1 <= x < 0.25 for x in draws), 100, level=0.9).low
            family.append(made(str(size), is_certified=low > -0.05))
        first += first_certified(family) is not None
        smallest += smallest_certified(family) is not None
    assert first / runs > 0.15
    assert smallest / runs <= 0.07


def test_no_items_certify_nothing() -> None:
    assert assess("a", {}, {}, margin=0.05, floor=0.8).reason == "no items"
    one = assess("a", {"x": [0.5]}, {"x": [0.5]}, margin=0.05, floor=0.8)
    assert one.reason == "no bound: one item shows no spread"


@pytest.mark.parametrize("wrong", [{"margin": 0.0}, {"margin": 1.0}, {"floor": 1.1}, {"alpha": 0.5}])
def test_impossible_limits_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected margin"):
        assess("a", {}, {}, **{"margin": 0.05, "floor": 0.8, **wrong})  # type: ignore[arg-type]
