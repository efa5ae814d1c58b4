"""Intervals of pass rates, graded scores, and means of any numbers.

Items are the unit: repeats of an item are averaged before they come here.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from statistics import NormalDist, fmean

from harness.stats.beta import t_quantile
from harness.stats.bootstrap import LEAST_ITEMS, MOST_ITEMS, bca, is_constant
from harness.stats.estimate import Estimate, Interval

_LEAST_CLUSTERS = 2  # a spread needs two


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
    low, high = _wilson_bounds(successes / n, n, NormalDist().inv_cdf((1 + level) / 2))
    return Interval(low=low, high=high, level=level, method="wilson", n=n)


def _wilson_bounds(rate: float, n: float, z: float) -> tuple[float, float]:
    centre = rate + z * z / (2 * n)
    half = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # At the ends rounding would leave 1e-17 where the formula gives exactly 0 or 1.
    low = 0.0 if rate == 0 else max(0.0, (centre - half) / scale)
    high = 1.0 if rate == 1 else min(1.0, (centre + half) / scale)
    return low, high


def mean_estimate(
    values: Sequence[float], *, clusters: Sequence[str] | None = None, level: float = 0.95, seed: int = 0
) -> Estimate:
    """Return the mean of any numbers with its interval, by the method that fits them.

    Independent items: the BCa bootstrap from 20 to 500 of them, else mean ± t SE with n - 1 degrees of freedom. Items
    that share a cluster: mean ± t SE with the clustered standard error √(C/(C-1) Σ_c (Σ_{i in c} (x_i - mean))²) / n
    and C - 1 degrees of freedom. Source: Miller 2024, arXiv 2411.00640, section 2.2; the factor and the degrees of
    freedom: Cameron and Miller 2015, Journal of Human Resources 50:317, section VI.

    Args:
        values: one an item.
        clusters: one name an item; items that share something sampled, such as a document, share it.
        level: the confidence, within 0 to 1.
        seed: of the bootstrap.

    Returns:
        No interval, and the reason, for fewer than two clusters and for values without any spread: the interval would
        have width 0, which the sample cannot show.

    Raises:
        ValueError: clusters and values differ in number.
    """
    names = cluster_names(len(values), clusters)
    n, groups = len(names), len(set(names))
    if n == 0:
        return Estimate(value=None, interval=None, n=0, reason="no items")
    mean = fmean(values)
    if groups < _LEAST_CLUSTERS:
        reason = "one item shows no spread" if n == 1 else f"all {n} items share one cluster"
        return Estimate(value=mean, interval=None, n=n, reason=reason)
    if groups == n and LEAST_ITEMS <= n <= MOST_ITEMS:
        interval = bca(values, level=level, seed=seed)
    else:
        interval = _student(values, names, mean, level)
    reason = "" if interval else "no spread: all items or clusters are equal"
    return Estimate(value=mean, interval=interval, n=n, reason=reason)


def score_estimate(values: Sequence[float], *, clusters: Sequence[str] | None = None, level: float = 0.95) -> Estimate:
    """Return the mean of scores within 0 to 1 with Wilson's interval of it, whether they are zeros and ones or graded.

    No scores within 0 to 1 vary more than zeros and ones with the same mean, so Wilson's interval of n items with that
    mean holds for graded scores too; it is wide for scores that vary little. Measured (tests/stats/test_interval.py):
    graded scores of which a few fail completely are covered, where t and BCa cover 43 % at 6 to 30 items.

    Clusters: Wilson with the effective number of items, p (1 - p) / Var(p), and t with C - 1 degrees of freedom in
    place of z. Var(p) is the clusters' variance plus that of one pseudo-cluster of zeros or ones, so that a few
    clusters that happen to agree do not look certain; the number lies between that of clusters and that of items.

    Args:
        values: one score an item.
        clusters: one name an item; items that share something sampled, such as a document, share it.
        level: the confidence, within 0 to 1.

    Returns:
        No interval, and the reason, where all of several items share one cluster.

    Raises:
        ValueError: a value is outside 0 to 1, or clusters and values differ in number.
    """
    if any(not 0 <= value <= 1 for value in values):
        raise ValueError("expected scores within 0 to 1")
    names = cluster_names(len(values), clusters)
    n, groups = len(names), len(set(names))
    if n == 0:
        return Estimate(value=None, interval=None, n=0, reason="no items")
    # A sum of floats may exceed n by 1e-16.
    mean = min(1.0, fmean(values))
    if groups == n:
        return Estimate(value=mean, interval=wilson(mean * n, n, level=level), n=n)
    if groups < _LEAST_CLUSTERS:
        return Estimate(value=mean, interval=None, n=n, reason=f"all {n} items share one cluster")
    critical = t_quantile((1 + level) / 2, groups - 1)
    low, high = _wilson_bounds(mean, effective_items(values, names), critical)
    return Estimate(value=mean, interval=Interval(low=low, high=high, level=level, method="wilson-clustered", n=n), n=n)


def effective_items(values: Sequence[float], clusters: Sequence[str]) -> float:
    """Return how many independent items tell as much about the mean as these clustered ones; see `score_estimate`.

    Raises:
        ValueError: clusters and values differ in number.
    """
    n, groups = len(values), len(set(clusters))
    mean = fmean(values)
    binary_variance = mean * (1 - mean)
    sums = cluster_sums([value - mean for value in values], clusters)
    pseudo = (n / groups) ** 2 * binary_variance
    variance = (math.fsum(total * total for total in sums) * groups / (groups - 1) + pseudo) / n**2
    if binary_variance <= 0 or variance <= 0:
        return float(groups)
    return min(float(n), max(float(groups), binary_variance / variance))


def cluster_names(n: int, clusters: Sequence[str] | None) -> list[str]:
    """Return one cluster an item, its own where none is given.

    Raises:
        ValueError: there are not as many clusters as items.
    """
    names = list(clusters) if clusters is not None else [str(number) for number in range(n)]
    if len(names) != n:
        raise ValueError(f"expected as many clusters as values, got {len(names)} for {n}")
    return names


def cluster_sums(values: Sequence[float], clusters: Sequence[str]) -> list[float]:
    """Return the sum of each cluster's values, in order of first appearance.

    Raises:
        ValueError: there are not as many clusters as values.
    """
    sums: dict[str, float] = defaultdict(float)
    for value, name in zip(values, cluster_names(len(values), clusters), strict=True):
        sums[name] += value
    return list(sums.values())


def _student(values: Sequence[float], names: Sequence[str], mean: float, level: float) -> Interval | None:
    n, groups = len(values), len(set(names))
    # A difference of equal floats from their mean may be 1e-17: not a spread.
    scale = 1e-12 * max(1.0, *(abs(value) for value in values))
    sums = [total for total in cluster_sums([value - mean for value in values], names) if abs(total) > scale]
    if not sums or is_constant(values):
        return None
    error = math.sqrt(math.fsum(total * total for total in sums) * groups / (groups - 1)) / n
    half = t_quantile((1 + level) / 2, groups - 1) * error
    method = "t" if groups == n else "t-clustered"
    return Interval(low=mean - half, high=mean + half, level=level, method=method, n=n)
