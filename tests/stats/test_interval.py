"""Intervals against scipy, their own properties, and the coverage that they promise."""

import math
import random
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from harness.stats.estimate import Interval
from harness.stats.interval import effective_items, mean_estimate, score_estimate, wilson


@given(
    st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from([0.9, 0.95, 0.99])
)
def test_wilson_is_scipys(numbers: tuple[int, int], level: float) -> None:
    successes, n = numbers
    ours = wilson(successes, n, level=level)
    theirs = stats.binomtest(successes, n).proportion_ci(level, method="wilson")
    assert ours.low == pytest.approx(theirs.low, abs=1e-9)
    assert ours.high == pytest.approx(theirs.high, abs=1e-9)


def interval_of(values: Sequence[float], *, clusters: Sequence[str] | None = None) -> Interval | None:
    return score_estimate(values, clusters=clusters).interval


def wilson_coverage(n: int, p: float) -> float:
    """Exact, by enumerating the binomial distribution: no simulation, no noise."""
    return math.fsum(
        math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1) if wilson(k, n).low <= p <= wilson(k, n).high
    )


@pytest.mark.parametrize("p", [0.5, 0.9, 0.98])
@pytest.mark.parametrize("n", [10, 30, 100])
def test_wilson_covers_at_least_92_percent_in_every_cell(n: int, p: float) -> None:
    assert wilson_coverage(n, p) >= 0.92


@pytest.mark.parametrize("n", [10, 30, 100])
def test_wilson_covers_its_level_on_average(n: int) -> None:
    assert 0.94 <= fmean(wilson_coverage(n, i / 200) for i in range(1, 200)) <= 0.97


def test_at_thirty_items_the_usual_two_standard_errors_cover_81_percent_and_wilson_97() -> None:
    n, p = 30, 0.9
    naive = math.fsum(
        stats.binom.pmf(k, n, p) for k in range(n + 1) if abs(k / n - p) <= 1.96 * math.sqrt(k / n * (1 - k / n) / n)
    )
    assert naive == pytest.approx(0.81, abs=0.01)
    assert wilson_coverage(n, p) == pytest.approx(0.97, abs=0.01)


def test_simulated_coverage_is_the_exact_one() -> None:
    rng = random.Random(11)
    hits = sum(
        (interval := wilson(sum(rng.random() < 0.9 for _ in range(30)), 30)).low <= 0.9 <= interval.high
        for _ in range(4000)
    )
    assert hits / 4000 == pytest.approx(wilson_coverage(30, 0.9), abs=0.012)  # four standard errors


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_wilson_refuses_what_is_no_proportion(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        wilson(successes, n)


def test_more_items_narrow_it() -> None:
    widths = [wilson(n // 2, n).high - wilson(n // 2, n).low for n in (10, 40, 160, 640)]
    assert all(later < earlier for earlier, later in pairwise(widths))


def test_graded_scores_take_wilsons_interval_of_their_mean() -> None:
    assert interval_of([0, 1, 1, 0]) == wilson(2, 4)
    assert interval_of([0.25, 0.5, 0.75, 0.5]) == wilson(2, 4)
    assert interval_of([0.5]) == wilson(0.5, 1)


def graded_coverage(a: float, *, failing: float, n: int, runs: int, seed: int) -> float:
    """Scores of Beta(a, 1), of which a share fails completely."""
    rng = random.Random(seed)
    mean = (1 - failing) * a / (a + 1)
    covered = 0
    for _ in range(runs):
        interval = interval_of([0.0 if rng.random() < failing else rng.betavariate(a, 1) for _ in range(n)])
        covered += interval is not None and interval.low <= mean <= interval.high
    return covered / runs


@pytest.mark.parametrize("a", [4, 18])
@pytest.mark.parametrize("failing", [0.0, 0.05])
@pytest.mark.parametrize("n", [6, 10, 30, 100])
def test_graded_scores_are_covered_also_where_a_few_fail_completely(a: float, failing: float, n: int) -> None:
    assert graded_coverage(a, failing=failing, n=n, runs=500, seed=n) >= (0.94 if n >= 30 else 0.89)


@pytest.mark.torture
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("a", [4, 18])
@pytest.mark.parametrize("failing", [0.0, 0.05])
@pytest.mark.parametrize("n", [30, 60, 100])
def test_graded_scores_are_covered_in_ten_thousand_runs(a: float, failing: float, n: int) -> None:
    assert graded_coverage(a, failing=failing, n=n, runs=10_000, seed=n) >= 0.955


def binary_cluster_coverage(rate: float, *, clusters: int, size: int, runs: int, seed: int) -> float:
    """Passes in clusters with an intraclass correlation of .3."""
    rng = random.Random(seed)
    spread = 1 / 0.3 - 1
    names = [f"c{number // size}" for number in range(clusters * size)]
    covered = 0
    for _ in range(runs):
        rates = [rng.betavariate(rate * spread, (1 - rate) * spread) for _ in range(clusters)]
        values = [float(rng.random() < rates[number // size]) for number in range(clusters * size)]
        interval = interval_of(values, clusters=names)
        covered += interval is not None and interval.low <= rate <= interval.high
    return covered / runs


@pytest.mark.parametrize(("clusters", "size", "rate"), [(5, 6, 0.8), (10, 3, 0.95), (20, 6, 0.9), (40, 3, 0.8)])
def test_clustered_passes_are_covered(clusters: int, size: int, rate: float) -> None:
    assert binary_cluster_coverage(rate, clusters=clusters, size=size, runs=400, seed=clusters) >= 0.925


@pytest.mark.torture
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("rate", [0.5, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("clusters", [5, 10, 20, 40])
@pytest.mark.parametrize("size", [3, 6])
def test_clustered_passes_are_covered_in_five_thousand_runs(clusters: int, size: int, rate: float) -> None:
    assert binary_cluster_coverage(rate, clusters=clusters, size=size, runs=5000, seed=clusters) >= 0.94


def test_items_that_share_something_sampled_are_no_independent_evidence() -> None:
    values = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    alone = interval_of(values)
    together = interval_of(values, clusters=["a"] * 3 + ["b"] * 3 + ["c"] * 3 + ["d"] * 3)
    assert alone is not None
    assert together is not None
    assert together.method == "wilson-clustered"
    assert together.high - together.low > alone.high - alone.low


def test_clusters_count_for_at_least_one_item_each_and_at_most_for_their_items() -> None:
    names = [name for name in "abcdef" for _ in range(4)]
    alike = [float(name in "abc") for name in names]
    assert effective_items(alike, names) == 6
    assert effective_items([1.0] * 24, names) == 6  # Nothing has shown that the items of a cluster differ.
    assert effective_items([0.0, 1.0] * 12, names) == 24
    assert 6 < effective_items([0.0, 0.0, 0.0, 1.0, 1.0, 1.0] * 4, names) <= 24


def test_the_clustered_error_of_any_mean_is_that_of_the_paper() -> None:
    values, clusters = [0.1, 0.4, 0.8, 0.6, 0.9, 0.2], ["a", "a", "b", "b", "c", "c"]
    mean = math.fsum(values) / 6
    residuals = [values[i] - mean for i in range(6)]
    sums = [residuals[0] + residuals[1], residuals[2] + residuals[3], residuals[4] + residuals[5]]
    error = math.sqrt(math.fsum(total * total for total in sums)) / 6 * math.sqrt(3 / 2)
    ours = mean_estimate(values, clusters=clusters).interval
    assert ours is not None
    assert ours.high == pytest.approx(mean + stats.t.ppf(0.975, 2) * error)


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_equal_scores_do_not_give_an_interval_of_width_zero(value: float) -> None:
    interval = interval_of([value] * 6, clusters=["a", "a", "b", "b", "c", "c"])
    assert interval is not None
    assert interval.high - interval.low > 0.2
    assert interval.low <= value <= interval.high


def test_one_cluster_gives_none_and_so_do_no_items() -> None:
    assert interval_of([0.2, 0.8], clusters=["a", "a"]) is None
    assert interval_of([]) is None


@pytest.mark.parametrize(("values", "clusters"), [([1.2], None), ([-0.1], None), ([0.5], ["a", "b"])])
def test_what_is_no_score_is_refused(values: list[float], clusters: list[str] | None) -> None:
    with pytest.raises(ValueError, match="expected"):
        interval_of(values, clusters=clusters)


@example([(0.0, "a"), (0.0, "a"), (0.0, "b")])
@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from("abcdef")), min_size=1, max_size=40))
def test_it_holds_the_mean_and_stays_within_zero_and_one(items: list[tuple[float, str]]) -> None:
    values = [value for value, _ in items]
    interval = interval_of(values, clusters=[name for _, name in items])
    if interval is not None:
        mean = math.fsum(values) / len(values)
        assert 0.0 <= interval.low <= mean + 1e-9
        assert mean - 1e-9 <= interval.high <= 1.0
        assert interval.n == len(values)


def test_means_of_any_numbers_take_the_bootstrap_from_twenty_to_five_hundred() -> None:
    methods = [(n, mean_estimate([0.1 * (i % 10) for i in range(n)]).interval) for n in (19, 20, 500, 501)]
    assert [(n, interval.method) for n, interval in methods if interval] == [
        (19, "t"),
        (20, "bca"),
        (500, "bca"),
        (501, "t"),
    ]


@pytest.mark.parametrize(
    ("values", "clusters", "reason"),
    [
        ([], None, "no items"),
        ([0.2, 0.8], ["a", "a"], "all 2 items share one cluster"),
    ],
)
def test_a_missing_interval_has_its_reason(values: list[float], clusters: list[str] | None, reason: str) -> None:
    estimate = score_estimate(values, clusters=clusters)
    assert estimate.interval is None
    assert estimate.reason == reason


def test_means_without_spread_have_no_interval_rather_than_one_of_width_zero() -> None:
    assert mean_estimate([0.1 + 0.2, 0.3, 0.3]).interval is None
    assert mean_estimate([7.0] * 30).reason.startswith("no spread")
    # Two clusters that are alike, though their items are not.
    assert mean_estimate([0.0, 1.0, 0.0, 1.0], clusters=["a", "a", "b", "b"]).interval is None


@given(st.lists(st.floats(0, 1), min_size=2, max_size=15), st.randoms(use_true_random=False))
def test_the_order_of_the_items_does_not_matter(values: list[float], rng: random.Random) -> None:
    shuffled = list(values)
    rng.shuffle(shuffled)
    one, other = interval_of(values), interval_of(shuffled)
    assert one is not None
    assert other is not None
    assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=1e-9)


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_failures_mirror_successes(numbers: tuple[int, int]) -> None:
    successes, n = numbers
    one, other = wilson(successes, n), wilson(n - successes, n)
    assert one.low == pytest.approx(1 - other.high, abs=1e-12)


@given(st.integers(2, 200).flatmap(lambda n: st.tuples(st.integers(0, n - 1), st.just(n))))
def test_one_more_success_raises_both_bounds(numbers: tuple[int, int]) -> None:
    successes, n = numbers
    one, more = wilson(successes, n), wilson(successes + 1, n)
    assert one.low < more.low
    assert one.high < more.high or more.high == 1
