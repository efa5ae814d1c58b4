"""95 % intervals for pass rates and graded scores.

Items are the unit: repeats of an item are averaged before they come here. scipy is imported only where a t quantile is
needed, as importing it takes a second.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist, fmean


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A confidence interval.

    Attributes:
        low: lower bound, within 0 to 1.
        high: upper bound, within 0 to 1.
        level: the confidence, such as 0.95.
        method: `wilson`, `t` or `t-clustered`.
        n: items.
    """

    low: float
    high: float
    level: float
    method: str
    n: int


def wilson(successes: float, n: int, *, level: float = 0.95) -> Interval:
    """Return Wilson's score interval of a proportion.

    (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n). At n = 30 and p = 0.9 it covers 97 %, the usual mean ± 2 SE 81 %.
    Source: Wilson 1927, JASA 22:209; Brown, Cai and DasGupta 2001, Statistical Science 16:101.

    Args:
        successes: from 0 to n; may be fractional, for a mean of bounded scores.
        n: items, at least 1.
        level: the confidence, within 0 to 1.

    Raises:
        ValueError: the numbers make no proportion.
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"expected 0 <= successes <= n with n >= 1, got {successes} of {n}")
    z = NormalDist().inv_cdf((1 + level) / 2)
    rate = successes / n
    centre = rate + z * z / (2 * n)
    half = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # At the ends rounding would leave 1e-17 where the formula gives exactly 0 or 1.
    low = 0.0 if successes == 0 else (centre - half) / scale
    high = 1.0 if successes == n else (centre + half) / scale
    return Interval(low=max(0.0, low), high=min(1.0, high), level=level, method="wilson", n=n)


def score_interval(
    values: Sequence[float], *, clusters: Sequence[str] | None = None, level: float = 0.95
) -> Interval | None:
    """Return the interval of a mean of scores within 0 to 1, by the method that fits them.

    Scores that are all 0 or 1, each its own cluster: Wilson. Otherwise mean ± t SE; where items share a cluster, with
    the clustered standard error and C - 1 degrees of freedom (Miller 2024, arXiv 2411.00640, section 2.2). Equal scores
    would give width 0, a spread that the sample cannot show; Wilson's interval of their mean over the clusters is given
    instead, as no scores within 0 to 1 with that mean vary more than zeros and ones do.

    Args:
        values: one score an item.
        clusters: one name an item; items made from one template or document share it.
        level: the confidence.

    Returns:
        The interval cut to 0 to 1; None where it is undefined (no items, or fewer than two clusters of them).

    Raises:
        ValueError: a value is outside 0 to 1, or clusters and values differ in number.
    """
    n = len(values)
    names = list(clusters) if clusters is not None else [str(number) for number in range(n)]
    if len(names) != n or any(not 0 <= value <= 1 for value in values):
        raise ValueError("expected scores within 0 to 1, and as many clusters as scores")
    if n == 0:
        return None
    groups = len(set(names))
    is_independent = groups == n
    if is_independent and all(value in {0, 1} for value in values):
        return wilson(sum(values), n, level=level)
    if groups < 2:  # noqa: PLR2004  (a spread needs two)
        return None
    mean = fmean(values)
    error = _clustered_error(values, names, mean) * math.sqrt(groups / (groups - 1))
    if error == 0:
        return replace(wilson(mean * groups, groups, level=level), n=n)
    from scipy.stats import t

    half = float(t.ppf((1 + level) / 2, groups - 1)) * error
    method = "t" if is_independent else "t-clustered"
    return Interval(low=max(0.0, mean - half), high=min(1.0, mean + half), level=level, method=method, n=n)


def _clustered_error(values: Sequence[float], names: Sequence[str], mean: float) -> float:
    """Return √(Σ_c (Σ_{i in c} (x_i - mean))²) / n, before the small-sample factor."""
    sums: dict[str, float] = defaultdict(float)
    for value, name in zip(values, names, strict=True):
        sums[name] += value - mean
    # A difference of equal floats from their mean may be 1e-17: not a spread.
    residuals = [value for value in sums.values() if abs(value) > 1e-12]  # noqa: PLR2004
    return math.sqrt(math.fsum(value * value for value in residuals)) / len(values)
