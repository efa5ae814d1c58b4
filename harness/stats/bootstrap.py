"""The BCa bootstrap of a mean."""

from collections.abc import Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING

from harness.stats.estimate import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

LEAST_ITEMS = 20
MOST_ITEMS = 500
_RESAMPLES = 9999
_CELLS_AT_ONCE = 1_000_000  # 8 MB of indices and as much again of values, whatever n is


def bca(values: Sequence[float], *, level: float = 0.95, seed: int = 0) -> Interval | None:
    """Return the bias-corrected and accelerated bootstrap interval of the mean; None where it is undefined.

    Follows the skew of the sample, which mean ± t SE does not. Measured (tests/stats/test_bootstrap.py): on skewed
    scores it covers more than t from 20 items on, and less below. Source: Efron 1987, JASA 82:171.

    Args:
        values: one an item, 20 to 500; the jackknife needs n² numbers, 1.8 GiB at n = 10,000.
        level: the confidence, within 0 to 1.
        seed: of the 9,999 resamples; the same values give the same interval, in whatever order they come.

    Raises:
        ValueError: too few or too many values.
    """
    n = len(values)
    if not LEAST_ITEMS <= n <= MOST_ITEMS:
        raise ValueError(f"expected {LEAST_ITEMS} to {MOST_ITEMS} values, got {n}")
    if is_constant(values):
        return None
    import numpy as np

    sample = np.sort(np.asarray(values, dtype=float))
    mean = sample.mean()
    drawn = _means(sample, seed)
    below = ((drawn < mean).sum() + (drawn <= mean).sum()) / (2 * _RESAMPLES)
    if not 0 < below < 1:
        return None
    normal = NormalDist()
    bias = normal.inv_cdf(float(below))
    # The mean without one value, for each; the jackknife of a mean in closed form.
    influence = sample - mean
    acceleration = float((influence**3).sum() / (6 * (influence**2).sum() ** 1.5))

    def corrected(share: float) -> float:
        distance = bias + normal.inv_cdf(share)
        return normal.cdf(bias + distance / (1 - acceleration * distance))

    low, high = np.quantile(drawn, [corrected((1 - level) / 2), corrected((1 + level) / 2)])
    return Interval(low=float(low), high=float(high), level=level, method="bca", n=n)


def _means(sample: "Array", seed: int) -> "Array":
    """Return the means of the resamples, some at a time."""
    import numpy as np

    generator, n, means = np.random.default_rng(seed), len(sample), []
    for begun in range(0, _RESAMPLES, rows := max(1, _CELLS_AT_ONCE // n)):
        places = generator.integers(0, n, (min(rows, _RESAMPLES - begun), n))
        means.append(sample[places].mean(axis=1))
    return np.concatenate(means)


def is_constant(values: Sequence[float]) -> bool:
    """Return whether the values differ by rounding only (1e-12 of the largest), which is not a spread."""
    return max(values) - min(values) <= 1e-12 * max(1.0, *(abs(value) for value in values))
