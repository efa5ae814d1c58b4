import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.stats.latency import iqr, median_interval, percentile, tpot_s


def test_tpot_leaves_out_the_first_token() -> None:
    assert tpot_s(ttft_s=0.5, e2e_s=2.5, output_tokens=21) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("ttft_s", "e2e_s", "tokens"), [(None, 1.0, 5), (0.5, 1.0, None), (0.5, 1.0, 1), (0.5, 0.5, 5), (0.5, 0.4, 5)]
)
def test_tpot_is_none_where_it_has_no_meaning(ttft_s: float | None, e2e_s: float, tokens: int | None) -> None:
    assert tpot_s(ttft_s=ttft_s, e2e_s=e2e_s, output_tokens=tokens) is None


@given(st.lists(st.floats(0.001, 1e3), min_size=2, max_size=50))
def test_iqr_is_scipys(values: list[float]) -> None:
    assert iqr(values) == pytest.approx(float(stats.iqr(values)), rel=1e-6, abs=1e-9)


def test_iqr_of_one_value_is_none() -> None:
    assert iqr([1.0]) is None


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
    assert median_interval([1.0, 2.0, 3.0, 4.0, 5.0]) is None
    assert median_interval([6.0, 2.0, 3.0, 4.0, 5.0, 1.0]) == (1.0, 6.0)


@pytest.mark.parametrize("n", [6, 10, 25, 60])
def test_the_interval_of_the_median_has_its_level_and_the_next_narrower_one_has_not(n: int) -> None:
    interval = median_interval([float(number) for number in range(1, n + 1)])
    assert interval is not None
    k = int(interval[0])
    assert interval == (float(k), float(n + 1 - k))
    assert 1 - 2 * stats.binom.cdf(k - 1, n, 0.5) >= 0.95
    assert 1 - 2 * stats.binom.cdf(k, n, 0.5) < 0.95
