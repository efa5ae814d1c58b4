"""The distributions in plain Python against scipy's, which are not imported in a run."""

import math
import random

import pytest
from scipy import special, stats

from harness.stats.beta import beta_cdf, beta_quantile, binomial_at_least, t_quantile

DRAWN = random.Random(1)
ALPHAS = (0.4, 0.05, 0.025, 0.001, 1e-5)


def test_the_beta_distribution_is_scipys_within_three_deviations_of_its_mean() -> None:
    for _ in range(2000):
        a, b = (10 ** DRAWN.uniform(-0.3, 4.3) for _ in range(2))
        deviation = math.sqrt(a * b / ((a + b) ** 2 * (a + b + 1)))
        x = min(1 - 1e-9, max(1e-9, a / (a + b) + DRAWN.uniform(-3, 3) * deviation))
        assert beta_cdf(x, a, b) == pytest.approx(special.betainc(a, b, x), rel=1e-8), (x, a, b)


def test_the_bounds_of_rates_are_scipys_for_whole_and_graded_totals_of_one_to_twenty_thousand_items() -> None:
    for _ in range(1000):
        n = DRAWN.choice([1, 2, 5, 30, 500, 20_000])
        total = DRAWN.choice([DRAWN.uniform(0.01, n), DRAWN.randint(1, n)])
        for alpha in ALPHAS:
            expected = special.betaincinv(total, n - total + 1, alpha)
            assert beta_quantile(alpha, total, n - total + 1) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("freedom", [1, 1.5, 2, 7.3, 29, 99, 499, 1e4])
def test_students_t_is_scipys(freedom: float) -> None:
    for alpha in ALPHAS:
        assert t_quantile(1 - alpha, freedom) == pytest.approx(stats.t.ppf(1 - alpha, freedom), rel=1e-9)


@pytest.mark.parametrize("n", [1, 6, 30, 3000])
def test_the_binomial_is_scipys(n: int) -> None:
    for rate in (0.01, 0.5, 0.9):
        for k in {0, 1, n // 2, n - 1, n}:
            assert binomial_at_least(k, n, rate) == pytest.approx(stats.binom.sf(k - 1, n, rate), rel=1e-9)


def test_the_ends_are_exact() -> None:
    assert (beta_cdf(-1.0, 2, 3), beta_cdf(0.0, 2, 3), beta_cdf(1.0, 2, 3)) == (0, 0, 1)
    assert (beta_quantile(0.0, 2, 3), beta_quantile(1.0, 2, 3)) == (0, 1)
    assert t_quantile(0.5, 7) == 0
    assert (binomial_at_least(0, 5, 0.3), binomial_at_least(6, 5, 0.3), binomial_at_least(5, 5, 1.0)) == (1, 0, 1)
