"""Intervals against scipy, their own properties, and the coverage that they promise."""

import math
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from harness.stats.interval import score_interval, wilson


@given(
    st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from([0.9, 0.95, 0.99])
)
def test_wilson_is_scipys(numbers: tuple[int, int], level: float) -> None:
    successes, n = numbers
    ours = wilson(successes, n, level=level)
    theirs = stats.binomtest(successes, n).proportion_ci(level, method="wilson")
    assert ours.low == pytest.approx(theirs.low, abs=1e-9)
    assert ours.high == pytest.approx(theirs.high, abs=1e-9)


@pytest.mark.parametrize("p", [0.05, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("n", [12, 30, 100])
def test_wilson_covers_about_what_it_promises(n: int, p: float) -> None:
    # Exact, from the binomial distribution: no simulation, no noise.
    covered = sum(stats.binom.pmf(k, n, p) for k in range(n + 1) if wilson(k, n).low <= p <= wilson(k, n).high)
    assert covered >= 0.92


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_wilson_refuses_what_is_no_proportion(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        wilson(successes, n)


def test_more_items_narrow_it() -> None:
    widths = [wilson(n // 2, n).high - wilson(n // 2, n).low for n in (10, 40, 160, 640)]
    assert all(later < earlier for earlier, later in pairwise(widths))


def test_zeros_and_ones_take_wilson_and_graded_scores_student_t() -> None:
    binary = score_interval([0, 1, 1, 0])
    graded = score_interval([0.2, 0.5, 0.9, 0.4])
    assert binary is not None
    assert graded is not None
    assert (binary.method, graded.method) == ("wilson", "t")
    mean, error = 0.5, stats.sem([0.2, 0.5, 0.9, 0.4])
    low, _ = stats.t.interval(0.95, 3, loc=mean, scale=error)
    assert graded.low == pytest.approx(low)


def test_items_of_one_template_are_no_independent_evidence() -> None:
    values = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    alone = score_interval(values)
    together = score_interval(values, clusters=["a"] * 3 + ["b"] * 3 + ["c"] * 3 + ["d"] * 3)
    assert alone is not None
    assert together is not None
    assert together.method == "t-clustered"
    assert together.high - together.low > alone.high - alone.low


def test_the_clustered_error_is_that_of_the_paper() -> None:
    values, clusters = [0.1, 0.4, 0.8, 0.6, 0.9, 0.2], ["a", "a", "b", "b", "c", "c"]
    mean = math.fsum(values) / 6
    residuals = [values[i] - mean for i in range(6)]
    sums = [residuals[0] + residuals[1], residuals[2] + residuals[3], residuals[4] + residuals[5]]
    error = math.sqrt(math.fsum(one * one for one in sums)) / 6 * math.sqrt(3 / 2)
    ours = score_interval(values, clusters=clusters)
    assert ours is not None
    assert ours.high == pytest.approx(min(1.0, mean + stats.t.ppf(0.975, 2) * error))


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_equal_scores_do_not_give_an_interval_of_width_zero(value: float) -> None:
    interval = score_interval([value] * 6, clusters=["a", "a", "b", "b", "c", "c"])
    assert interval is not None
    assert interval.high - interval.low > 0.2
    assert interval.low <= value <= interval.high


def test_one_cluster_gives_none_and_so_do_no_items() -> None:
    assert score_interval([0.2, 0.8], clusters=["a", "a"]) is None
    assert score_interval([]) is None
    assert score_interval([0.5]) is None


@pytest.mark.parametrize(("values", "clusters"), [([1.2], None), ([-0.1], None), ([0.5], ["a", "b"])])
def test_what_is_no_score_is_refused(values: list[float], clusters: list[str] | None) -> None:
    with pytest.raises(ValueError, match="expected scores"):
        score_interval(values, clusters=clusters)


@example([(0.0, "a"), (0.0, "a"), (0.0, "b")])
@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from("abcdef")), min_size=1, max_size=40))
def test_it_holds_the_mean_and_stays_within_zero_and_one(items: list[tuple[float, str]]) -> None:
    values = [value for value, _ in items]
    interval = score_interval(values, clusters=[name for _, name in items])
    if interval is not None:
        mean = math.fsum(values) / len(values)
        assert 0.0 <= interval.low <= mean + 1e-9
        assert mean - 1e-9 <= interval.high <= 1.0
        assert interval.n == len(values)
