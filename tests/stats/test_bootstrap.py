"""The bootstrap against scipy's own, and its coverage on skewed scores beside that of t."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.stats.bootstrap import bca, is_constant
from harness.stats.interval import mean_estimate

Draw = Callable[[np.random.Generator, int], list[float]]


def mostly_right(generator: np.random.Generator, n: int) -> list[float]:
    """80 % full marks, the rest anything: mean 0.9."""
    return [float(x) for x in np.where(generator.random(n) < 0.8, 1.0, generator.random(n))]


def thirds(generator: np.random.Generator, n: int) -> list[float]:
    """Three fields of a record, most of them right: mean 0.8333."""
    return [float(x) for x in generator.choice([0, 1 / 3, 2 / 3, 1], n, p=[0.05, 0.1, 0.15, 0.7])]


def beta(generator: np.random.Generator, n: int) -> list[float]:
    """Smooth and slightly skewed: mean 0.8."""
    return [float(x) for x in generator.beta(8, 2, n)]


SHAPES: list[tuple[Draw, float]] = [(mostly_right, 0.9), (thirds, 0.1 / 3 + 0.1 + 0.7), (beta, 0.8)]


def coverage(draw: Draw, truth: float, *, n: int, runs: int, seed: int) -> float:
    generator = np.random.default_rng(seed)
    covered = 0
    for run in range(runs):
        interval = mean_estimate(draw(generator, n), seed=run).interval
        covered += interval is not None and interval.low <= truth <= interval.high
    return covered / runs


def student_coverage(draw: Draw, truth: float, *, n: int, runs: int, seed: int) -> float:
    generator = np.random.default_rng(seed)
    values = np.array([draw(generator, n) for _ in range(runs)])
    half = stats.t.ppf(0.975, n - 1) * stats.sem(values, axis=1)
    return float(np.mean(np.abs(values.mean(axis=1) - truth) <= half))


@pytest.mark.parametrize(("draw", "truth"), SHAPES)
def test_at_thirty_skewed_scores_it_covers_its_level(draw: Draw, truth: float) -> None:
    # 120 runs: the standard error of a coverage of 95 % is 2 points.
    assert coverage(draw, truth, n=30, runs=120, seed=5) >= 0.90


@pytest.mark.torture
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("draw", "truth"), SHAPES)
@pytest.mark.parametrize("n", [20, 30, 60, 100, 500, 501])
def test_it_covers_its_level_at_every_n(draw: Draw, truth: float, n: int) -> None:
    runs = 1000 if n <= 100 else 250  # 500 items take a tenth of a second each
    assert 0.92 <= coverage(draw, truth, n=n, runs=runs, seed=7) <= 0.98


def test_below_twenty_values_t_covers_a_skewed_mean_too_seldom_for_scores() -> None:
    # One sample in ten has no spread, and so no interval; scores take Wilson's.
    assert 0.72 <= coverage(mostly_right, 0.9, n=10, runs=1000, seed=3) <= 0.85


def test_mean_plus_minus_t_covers_less_on_skewed_scores() -> None:
    assert student_coverage(mostly_right, 0.9, n=30, runs=4000, seed=3) < 0.935


def test_it_is_scipys_bca() -> None:
    values = sorted(mostly_right(np.random.default_rng(1), 40))
    theirs = stats.bootstrap((values,), np.mean, method="BCa", rng=np.random.default_rng(4)).confidence_interval
    ours = bca(values, seed=4)
    assert ours is not None
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@given(st.permutations([0.1 * (i % 7) for i in range(24)]))
@settings(max_examples=5)
def test_the_order_of_the_items_does_not_matter(values: list[float]) -> None:
    assert bca(values, seed=2) == bca(sorted(values), seed=2)


@pytest.mark.parametrize("n", [19, 501])
def test_it_refuses_what_it_is_not_good_for(n: int) -> None:
    with pytest.raises(ValueError, match="20 to 500"):
        bca([0.0, 1.0, *[0.5] * (n - 2)])


def test_equal_values_have_no_bootstrap_interval() -> None:
    assert bca([0.3] * 30) is None
    assert is_constant([0.1 + 0.2, 0.3])
    assert not is_constant([0.3, 0.3001])


def test_the_largest_sample_needs_little_memory() -> None:
    import tracemalloc

    values = mostly_right(np.random.default_rng(1), 500)
    bca(values[:20])  # imports
    tracemalloc.start()
    bca(values)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64e6
