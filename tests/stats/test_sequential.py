"""Sequential tests: their false alarms, their savings, and what may be said after stopping."""

import math
import random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.interval import wilson
from harness.stats.sequential import Sprt, SprtState, confidence_sequence, stopped_estimate

counts = st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def run_sprt(rng: random.Random, rate: float, *, most: int = 2000) -> Sprt:
    test = Sprt(p0=0.75, p1=0.90)
    while test.progress is SprtState.GO_ON and test.n < most:
        test.observe(float(rng.random() < rate))
    return test


@pytest.mark.parametrize(("rate", "wrong"), [(0.75, SprtState.FOR), (0.90, SprtState.AGAINST)])
def test_a_planted_rate_is_decided_within_sixty_items_on_average_and_wrongly_in_five_percent(
    rate: float, wrong: SprtState
) -> None:
    rng = random.Random(1)
    tests = [run_sprt(rng, rate) for _ in range(4000)]
    assert fmean(test.n for test in tests) <= 60
    assert sum(test.progress is wrong for test in tests) / 4000 <= 0.05
    assert all(test.progress is not SprtState.GO_ON for test in tests)


@pytest.mark.torture
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("rate", "wrong"), [(0.75, SprtState.FOR), (0.70, SprtState.FOR), (0.90, SprtState.AGAINST)])
def test_the_sprt_keeps_five_percent_in_a_hundred_thousand_runs(rate: float, wrong: SprtState) -> None:
    rng = random.Random(2)
    assert sum(run_sprt(rng, rate).progress is wrong for _ in range(100_000)) / 100_000 <= 0.05


def test_graded_scores_with_a_mean_at_p0_are_taken_for_good_no_more_often() -> None:
    rng = random.Random(3)
    wrong = 0
    for _ in range(1500):
        test = Sprt(p0=0.75, p1=0.90)
        for _ in range(400):
            test.observe(rng.choice([0.5, 0.75, 1.0]))
        wrong += test.progress is SprtState.FOR
    assert wrong / 1500 <= 0.05


@pytest.mark.parametrize(
    ("floor", "margin", "p0", "p1"), [(0.8, 0.05, 0.75, 0.85), (0.98, 0.05, 0.93, 0.99), (0.02, 0.1, 0.01, 0.12)]
)
def test_a_floor_lies_between_the_two_hypotheses(floor: float, margin: float, p0: float, p1: float) -> None:
    test = Sprt.against_floor(floor, margin=margin)
    assert (test.p0, test.p1) == pytest.approx((p0, p1))


def test_once_decided_it_stays_decided() -> None:
    test = Sprt(p0=0.75, p1=0.90)
    while test.observe(0.0) is SprtState.GO_ON:
        pass
    n = test.n
    assert [test.observe(1.0) for _ in range(500)][-1] is SprtState.AGAINST
    assert test.n == n


@given(st.lists(st.booleans(), max_size=40))
def test_the_log_ratio_is_that_of_the_two_likelihoods(passes: list[bool]) -> None:
    test = Sprt(p0=0.75, p1=0.90)
    for passed in passes:
        test.observe(float(passed))
    seen = passes[: test.n]
    k, n = sum(seen), len(seen)
    likelihood = 0.9**k * 0.1 ** (n - k) / (0.75**k * 0.25 ** (n - k))
    assert test.log_ratio == pytest.approx(math.log(likelihood), abs=1e-9)
    assert (test.progress is SprtState.FOR) == (likelihood >= 20 - 1e-9)
    assert (test.progress is SprtState.AGAINST) == (likelihood <= 0.05 + 1e-12)


def peeking_alarms(rng: random.Random, *, runs: int, items: int, is_sequence: bool) -> float:
    """Share of runs in which an interval, looked at after every item from the tenth, ever excludes the true rate."""
    alarms = 0
    for _ in range(runs):
        passed = 0
        for n in range(1, items + 1):
            passed += rng.random() < 0.8
            if n >= 10:
                interval = confidence_sequence(passed, n) if is_sequence else wilson(passed, n)
                if not interval.low <= 0.8 <= interval.high:
                    alarms += 1
                    break
    return alarms / runs


def test_looking_at_a_fixed_n_interval_after_every_item_alarms_falsely_far_too_often() -> None:
    assert peeking_alarms(random.Random(6), runs=400, items=300, is_sequence=False) >= 0.25


def test_a_confidence_sequence_may_be_looked_at_after_every_item() -> None:
    assert peeking_alarms(random.Random(6), runs=60, items=200, is_sequence=True) <= 0.1


@pytest.mark.torture
@pytest.mark.timeout(1200)
def test_a_confidence_sequence_keeps_five_percent_over_a_thousand_looks() -> None:
    assert peeking_alarms(random.Random(7), runs=400, items=1000, is_sequence=True) <= 0.05


def test_the_mean_after_stopping_is_biased_and_the_interval_given_instead_holds() -> None:
    rng, rate = random.Random(8), 0.82
    means, covered, naive, runs = [], 0, 0, 1200
    for _ in range(runs):
        test, scores = Sprt(p0=0.75, p1=0.90), []
        while test.progress is SprtState.GO_ON:
            scores.append(float(rng.random() < rate))
            test.observe(scores[-1])
        if test.progress is SprtState.FOR:
            means.append(fmean(scores))
        estimate = stopped_estimate(scores, planned=500)
        assert estimate.value is None
        assert estimate.interval is not None
        covered += estimate.interval.low <= rate <= estimate.interval.high
        usual = wilson(sum(scores), len(scores))
        naive += usual.low <= rate <= usual.high
    assert fmean(means) > rate + 0.03  # those stopped for look better than they are
    assert covered / runs >= 0.95
    assert naive / runs < 0.93


def test_what_was_stopped_says_so() -> None:
    estimate = stopped_estimate([1.0] * 37, planned=100)
    assert estimate.reason.startswith("stopped early, after 37 of 100")
    assert estimate.interval is not None
    assert estimate.interval.method == "confidence-sequence"
    assert stopped_estimate([], planned=10).reason == "no items"


@given(counts)
def test_the_sequence_holds_the_mean_contains_wilsons_centre_and_mirrors(numbers: tuple[int, int]) -> None:
    passed, n = numbers
    ours, mirrored = confidence_sequence(passed, n), confidence_sequence(n - passed, n)
    usual = wilson(passed, n)
    assert 0 <= ours.low <= passed / n <= ours.high <= 1
    assert ours.low <= (usual.low + usual.high) / 2 <= ours.high
    assert (ours.low, ours.high) == pytest.approx((1 - mirrored.high, 1 - mirrored.low), abs=1e-9)


def test_the_sequence_is_wider_than_wilsons_interval_and_shrinks() -> None:
    widths = []
    for n in (10, 100, 1000):
        ours, usual = confidence_sequence(0.8 * n, n), wilson(0.8 * n, n)
        widths.append(ours.high - ours.low)
        assert 1.2 < widths[-1] / (usual.high - usual.low) < 2
    assert widths == sorted(widths, reverse=True)


def test_unscored_answers_hold_back_a_decision_that_they_could_have_prevented() -> None:
    for score, decided in ((1.0, SprtState.FOR), (0.0, SprtState.AGAINST)):
        whole, lossy = Sprt(p0=0.75, p1=0.90), Sprt(p0=0.75, p1=0.90)
        assert [lossy.observe(None) for _ in range(100)][-1] is SprtState.GO_ON
        while whole.observe(score) is SprtState.GO_ON:
            assert lossy.observe(score) is SprtState.GO_ON
        assert whole.progress is decided
        assert lossy.observe(score) is SprtState.GO_ON


def test_impossible_numbers_are_refused() -> None:
    for p0, p1 in ((0.9, 0.75), (0.0, 0.5), (0.5, 1.0)):
        with pytest.raises(ValueError, match="p0 < p1"):
            Sprt(p0=p0, p1=p1)
    with pytest.raises(ValueError, match="floor and margin"):
        Sprt.against_floor(1.0)
    with pytest.raises(ValueError, match="within 0 to 1"):
        Sprt(p0=0.5, p1=0.6).observe(1.5)
    with pytest.raises(ValueError, match="total"):
        confidence_sequence(3, 2)
    with pytest.raises(ValueError, match="within 0 to 1"):
        stopped_estimate([1.1], planned=2)
