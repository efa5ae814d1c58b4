"""Exact one-sided bounds of a rate: the claim that they support is wrong with a chance of at most alpha, at every n."""

from harness.stats.beta import beta_quantile


def lower_bound(total: float, n: int, *, alpha: float) -> float:
    """Return the Clopper-Pearson lower bound: the alpha quantile of Beta(k, n - k + 1); 0 where nothing was scored.

    For a total of graded scores, k is that total: scores within 0 to 1 vary less than zeros and ones with their mean.
    Measured: at a true mean at the floor it is "reached" falsely in at most 1.1 % of runs (tests/stats/test_floor.py).
    One more failure never raises it. Source: Clopper and Pearson 1934, Biometrika 26:404.

    Args:
        total: sum of the scores (k), within 0 to n.
        n: items, at least 1; where items are clustered, the clusters.
        alpha: the accepted chance that the true mean lies below.

    Raises:
        ValueError: the numbers make no rate.
    """
    if n < 1 or not 0 <= total <= n:
        raise ValueError(f"expected 0 <= total <= n with n >= 1, got {total} of {n}")
    if total == 0:
        return 0.0
    return beta_quantile(alpha, total, n - total + 1)


def upper_bound(total: float, n: int, *, alpha: float) -> float:
    """Return the Clopper-Pearson upper bound, the mirror image of `lower_bound`.

    Raises:
        ValueError: the numbers make no rate.
    """
    return 1.0 - lower_bound(n - total, n, alpha=alpha)
