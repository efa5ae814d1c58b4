import math
import random
from statistics import geometric_mean

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.stats.latency import (
    cache_hits,
    disagreement,
    is_one_block,
    percentile,
    percentile_estimate,
    prefill_tps,
    ratio_estimate,
    tpot_s,
    unpaired_ratio_estimate,
)


def test_tpot_leaves_out_the_first_token() -> None:
    assert tpot_s(ttft_s=0.5, e2e_s=2.5, output_tokens=21) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("ttft_s", "e2e_s", "tokens"), [(None, 1.0, 5), (0.5, 1.0, None), (0.5, 1.0, 1), (0.5, 0.5, 5), (0.5, 0.4, 5)]
)
def test_tpot_is_none_where_it_has_no_meaning(ttft_s: float | None, e2e_s: float, tokens: int | None) -> None:
    assert tpot_s(ttft_s=ttft_s, e2e_s=e2e_s, output_tokens=tokens) is None


@pytest.mark.parametrize(("p", "least"), [(90, 100), (99, 1000)])
def test_a_high_percentile_wants_enough_values(p: int, least: int) -> None:
    values = [float(number) for number in range(least)]
    assert percentile(values[:-1], p) is None
    assert percentile(values, p) == pytest.approx(float(stats.scoreatpercentile(values, p)))


def test_the_median_needs_one_value_only() -> None:
    assert percentile([3.0], 50) == 3.0
    assert percentile([], 50) is None


def test_no_other_percentile_is_given() -> None:
    with pytest.raises(ValueError, match="50, 90 or 99"):
        percentile([1.0], 95)


def test_below_six_values_no_order_statistics_hold_the_median_with_95_percent() -> None:
    assert percentile_estimate([1.0, 2.0, 3.0, 4.0, 5.0], 50).interval is None
    interval = percentile_estimate([6.0, 2.0, 3.0, 4.0, 5.0, 1.0], 50).interval
    assert interval is not None
    assert (interval.low, interval.high) == (1.0, 6.0)


@pytest.mark.parametrize("n", [6, 10, 25, 60])
def test_the_interval_of_the_median_has_its_level_and_the_next_narrower_one_has_not(n: int) -> None:
    interval = percentile_estimate([float(number) for number in range(1, n + 1)], 50).interval
    assert interval is not None
    k = int(interval.low)
    assert (interval.low, interval.high) == (float(k), float(n + 1 - k))
    assert 1 - 2 * stats.binom.cdf(k - 1, n, 0.5) >= 0.95
    assert 1 - 2 * stats.binom.cdf(k, n, 0.5) < 0.95


@pytest.mark.parametrize(("p", "n"), [(90, 100), (90, 333), (99, 1000), (50, 30)])
def test_the_interval_of_a_percentile_has_its_level_exactly_enumerated(p: int, n: int) -> None:
    interval = percentile_estimate([float(number) for number in range(1, n + 1)], p).interval
    assert interval is not None
    low, high = int(interval.low), int(interval.high)
    tails = stats.binom.cdf(low - 1, n, p / 100), stats.binom.sf(high - 1, n, p / 100)
    assert max(tails) <= 0.025
    assert stats.binom.cdf(low, n, p / 100) > 0.025
    assert stats.binom.sf(high - 2, n, p / 100) > 0.025


def test_it_covers_the_percentile_of_skewed_times() -> None:
    rng = random.Random(1)
    truth = math.exp(stats.norm.ppf(0.9))
    covered = 0
    for _ in range(1000):
        interval = percentile_estimate([rng.lognormvariate(0, 1) for _ in range(100)], 90).interval
        covered += interval is not None and interval.low <= truth <= interval.high
    assert covered / 1000 >= 0.94


@pytest.mark.parametrize(
    ("n", "p", "reason"),
    [
        (99, 90, "p90 needs n >= 100, got 99"),
        (999, 99, "p99 needs n >= 1000, got 999"),
        (0, 50, "p50 needs n >= 1, got 0"),
    ],
)
def test_a_percentile_that_n_does_not_allow_is_not_available_and_says_why(n: int, p: int, reason: str) -> None:
    estimate = percentile_estimate([1.0] * n, p)
    assert (estimate.value, estimate.interval, estimate.reason) == (None, None, reason)


def test_five_values_have_a_median_and_no_interval() -> None:
    estimate = percentile_estimate([3.0, 1.0, 2.0, 5.0, 4.0], 50)
    assert (estimate.value, estimate.interval) == (3.0, None)
    assert estimate.reason == "too few values for a 95 % interval: 5"


times = st.lists(st.tuples(st.floats(0.01, 100), st.floats(0.01, 100)), min_size=2, max_size=15)


@given(times)
def test_a_against_b_is_the_inverse_of_b_against_a(pairs: list[tuple[float, float]]) -> None:
    ours, theirs = [one for one, _ in pairs], [other for _, other in pairs]
    one, other = ratio_estimate(ours, theirs), ratio_estimate(theirs, ours)
    assert one.value == pytest.approx(geometric_mean(ours) / geometric_mean(theirs))
    assert one.value is not None
    assert other.value is not None
    assert one.value == pytest.approx(1 / other.value)
    if one.interval is not None and other.interval is not None:
        assert one.interval.low == pytest.approx(1 / other.interval.high)
        assert 0 < one.interval.low <= one.value * (1 + 1e-9)
        assert one.value <= one.interval.high * (1 + 1e-9)


def test_long_and_short_items_show_the_same_ratio() -> None:
    rng = random.Random(2)
    theirs = [rng.lognormvariate(0, 2) for _ in range(60)]
    ours = [1.5 * time * rng.lognormvariate(0, 0.2) for time in theirs]
    estimate = ratio_estimate(ours, theirs)
    assert estimate.value == pytest.approx(1.5, rel=0.08)
    assert estimate.interval is not None
    assert estimate.interval.method == "bca"
    assert estimate.interval.low <= 1.5 <= estimate.interval.high
    assert estimate.interval.high / estimate.interval.low < 1.2


def test_ratios_without_spread_have_no_interval() -> None:
    estimate = ratio_estimate([2.0] * 30, [1.0] * 30)
    assert estimate.value == pytest.approx(2.0)
    assert (estimate.interval, estimate.reason[:9]) == (None, "no spread")
    assert ratio_estimate([2.0], [1.0]).reason == "one item shows no spread"
    assert ratio_estimate([], []).value is None


def test_two_items_that_contradict_each_other_leave_the_ratio_open() -> None:
    estimate = ratio_estimate([1e4, 1.0], [1.0, 1e4], level=0.999)
    assert estimate.value == pytest.approx(1.0)
    assert (estimate.interval, estimate.reason) == (None, "2 items leave the ratio open")


def test_what_is_no_pair_of_times_is_refused() -> None:
    with pytest.raises(ValueError, match="times above 0"):
        ratio_estimate([0.0], [1.0])
    with pytest.raises(ValueError, match="times above 0"):
        ratio_estimate([1.0], [1.0, 2.0])


def test_the_ratio_of_two_samples_is_welchs_and_inverts() -> None:
    ours, theirs = [2.0, 2.2, 1.8, 2.1], [1.0, 1.1, 0.9]
    one, other = unpaired_ratio_estimate(ours, theirs), unpaired_ratio_estimate(theirs, ours)
    assert one.value is not None
    assert other.value is not None
    assert one.interval is not None
    assert other.interval is not None
    assert one.value == pytest.approx(1 / other.value)
    assert one.interval.low == pytest.approx(1 / other.interval.high)
    found = stats.ttest_ind(*([math.log(time_s) for time_s in side] for side in (ours, theirs)), equal_var=False)
    bounds = found.confidence_interval()
    assert (one.interval.low, one.interval.high) == pytest.approx((math.exp(bounds.low), math.exp(bounds.high)))


def test_a_ratio_of_two_samples_without_spread_has_no_interval() -> None:
    assert unpaired_ratio_estimate([2.0], [1.0, 1.0]).reason == "one time shows no spread"
    assert unpaired_ratio_estimate([2.0, 2.0], [1.0, 1.0]).interval is None
    assert unpaired_ratio_estimate([], [1.0]).value is None
    with pytest.raises(ValueError, match="above 0"):
        unpaired_ratio_estimate([0.0], [1.0])


@pytest.mark.parametrize(
    ("ttft_s", "e2e_s", "tokens", "is_block"),
    [
        (1.5, 1.5, 40, True),
        (1.49, 1.5, 40, True),
        (0.001, 0.004, 40, True),
        (0.5, 1.5, 40, False),
        (0.05, 0.09, 40, False),
        (1.5, 1.5, 1, False),
        (1.5, 1.5, None, False),
        (None, 1.5, 40, False),
    ],
)
def test_an_answer_in_one_block_takes_no_time_after_its_first_token(
    ttft_s: float | None,
    e2e_s: float,
    tokens: int | None,
    is_block: bool,  # noqa: FBT001  (the question)
) -> None:
    assert is_one_block(ttft_s=ttft_s, e2e_s=e2e_s, output_tokens=tokens) is is_block


def test_prefill_counts_what_was_computed_alone() -> None:
    assert prefill_tps(prompt_tokens=1000, cached_tokens=200, ttft_s=0.5) == 1600.0
    assert prefill_tps(prompt_tokens=1000, cached_tokens=None, ttft_s=0.5) == 2000.0
    assert prefill_tps(prompt_tokens=1000, cached_tokens=1000, ttft_s=0.5) is None
    assert prefill_tps(prompt_tokens=1000, cached_tokens=0, ttft_s=None) is None
    assert prefill_tps(prompt_tokens=None, cached_tokens=0, ttft_s=0.5) is None
    assert prefill_tps(prompt_tokens=10, cached_tokens=0, ttft_s=0.0) is None


@pytest.mark.parametrize(
    ("cached", "hits"),
    [
        ([0, 0, 0], [False, False, False]),
        ([30, 31, 34], [False, False, False]),  # The template, and a few words that are alike by chance.
        ([30, 511, 30], [False, True, False]),
        ([511, 511, 511], [True, True, True]),
        ([None, None, None], [False, False, False]),
        ([None, 30, 511], [False, False, True]),
    ],
)
def test_a_prompt_meets_the_cache_where_more_than_the_template_was_cached(
    cached: list[int | None], hits: list[bool]
) -> None:
    assert cache_hits(cached, [512] * 3) == hits


def test_client_and_server_disagree_above_two_percent() -> None:
    assert disagreement(1.03, 1.0)
    assert not disagreement(1.019, 1.0)
    assert not disagreement(0.013, 0.010)  # Less than 5 ms: the request's way.
    assert not disagreement(1.0, None)
    assert not disagreement(None, 1.0)
    assert disagreement(50.0, 60.0, output_tokens=64)
    assert not disagreement(50.0, 60.0, output_tokens=63)
