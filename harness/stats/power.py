"""The power of the tests that are run: with what chance so many items would decide, if things are as observed."""

import math
from bisect import bisect_left
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

from harness.stats.beta import binomial_at_least

WANTED_POWER = 0.8
MOST_ITEMS = 20_000
"""Beyond so many items, none are asked for."""

_TAIL = 1e-9  # of the numbers of discordant items that are left out


def items_for_power(power: Callable[[int], float], *, least: int, wanted: float = WANTED_POWER) -> int | None:
    """Return about the fewest items with the wanted power, from `least` on; None beyond 20,000.

    The power of an exact test rises in saw teeth. The number returned has the wanted power; a little fewer or more may
    have a little less.

    Args:
        power: number of items -> chance to decide.
        least: the smallest number to be returned, at least 1.
        wanted: the chance.
    """
    low, high = least, least
    while power(high) < wanted:
        if high >= MOST_ITEMS:
            return None
        low, high = high + 1, min(2 * high, MOST_ITEMS)
    while low < high:
        middle = (low + high) // 2
        if power(middle) >= wanted:
            high = middle
        else:
            low = middle + 1
    return high


def mcnemar_power(n: int, *, candidate_only: float, reference_only: float, alpha: float) -> float:
    """Return the chance that exact McNemar calls the candidate better: p < alpha, and more items won than lost.

    Sums over the number of discordant items, binomial with n; given that, those won are binomial.

    Args:
        n: items.
        candidate_only: share of items that only the candidate passes.
        reference_only: share of items that only the reference passes.
        alpha: two-sided.
    """
    discordant = candidate_only + reference_only
    if discordant == 0:
        return 0.0
    counts, weights = _discordant(n, discordant)
    # The fewest wins w of m with 2 P(B >= w) < alpha, B binomial with m and 1/2.
    least = _fewest(lambda wins: 2 * at_least(wins, counts, 0.5) < alpha, counts)
    return float((weights * at_least(least, counts, candidate_only / discordant)).sum())


def tango_power(n: int, *, candidate_only: float, reference_only: float, margin: float, alpha: float) -> float:
    """Return the chance that Tango's one-sided lower bound of the difference lies above -margin.

    Args:
        n: items.
        candidate_only: share of items that only the candidate passes.
        reference_only: share of items that only the reference passes.
        margin: the largest loss that does not matter.
        alpha: one-sided.
    """
    discordant = candidate_only + reference_only
    z = NormalDist().inv_cdf(1 - alpha)
    if discordant == 0:
        return float(z * z / (n + z * z) < margin)
    counts, weights = _discordant(n, discordant)
    least = _fewest(lambda wins: _tango_statistic(wins, counts - wins, n, -margin) > z, counts)
    return float((weights * at_least(least, counts, candidate_only / discordant)).sum())


def mean_power(n: int, *, distance: float, variance: float, alpha: float, sides: int = 1) -> float:
    """Return the chance that a mean is told from a bound at this distance, by the normal approximation.

    Also for clustered items, where `variance` is that of one item with what its cluster adds.

    Args:
        n: items.
        distance: of the true mean from the bound, in the direction of the claim; 0 or less: no chance to speak of.
        variance: of one item.
        alpha: the accepted chance of a false claim.
        sides: of the test, 1 or 2.
    """
    z = NormalDist().inv_cdf(1 - alpha / sides)
    # No interval of a difference is narrower than that of items which never differ (`difference_estimate`).
    if distance <= z * z / (n + z * z):
        return 0.0
    if variance == 0:
        return 1.0
    return NormalDist().cdf(distance * math.sqrt(n / variance) - z)


def floor_power(n: int, *, rate: float, floor: float, alpha: float) -> float:
    """Return the chance that the exact lower bound of a pass rate reaches the floor.

    Args:
        n: independent items.
        rate: the true pass rate.
        floor: to be reached, above 0.
        alpha: one-sided.
    """
    # Passes suffice from the fewest k on with P(B >= k) <= alpha, B binomial with n and the floor.
    least = bisect_left(range(n + 1), True, key=lambda passes: binomial_at_least(passes, n, floor) <= alpha)
    return binomial_at_least(least, n, rate)


def graded_floor_power(n: int, *, rate: float, floor: float, variance: float, alpha: float) -> float:
    """Return the same for graded scores, by normal approximations of the bound and of the mean.

    Args:
        n: independent items, or clusters.
        rate: the true mean.
        floor: to be reached.
        variance: of the score of one item, or of the mean of one cluster.
        alpha: one-sided.
    """
    if floor >= 1:
        return 0.0
    z = NormalDist().inv_cdf(1 - alpha)
    # With nothing but full scores the bound is alpha^(1/n); else about that of Wilson around the floor.
    reach = z * math.sqrt(floor * (1 - floor) / n)
    if alpha ** (1 / n) < floor or variance == 0:
        return float(alpha ** (1 / n) >= floor and rate - floor >= reach)
    return NormalDist().cdf((rate - floor - reach) * math.sqrt(n / variance))


def at_least(wins: Any, counts: Any, share: float) -> Any:
    """Return the chance of so many wins or more among so many items, element by element; of more than all it is 0."""
    import numpy as np
    from scipy.special import betainc

    # Beta(k, m - k + 1), where that is a distribution.
    inside = betainc(np.maximum(wins, 1), np.maximum(counts - wins + 1, 1), share)
    return np.where(wins <= 0, 1.0, np.where(wins > counts, 0.0, inside))


def _discordant(n: int, share: float) -> tuple[Any, Any]:
    """Return the numbers of discordant items that can be expected, and the chance of each, as arrays."""
    import numpy as np

    counts = np.arange(n + 1)
    as_many, more = at_least(counts, n, share), at_least(counts + 1, n, share)
    is_expected = (as_many > _TAIL) & (more < 1 - _TAIL)
    return counts[is_expected], (as_many - more)[is_expected]


def _fewest(is_enough: Callable[[Any], Any], counts: Any) -> Any:
    """Return the fewest wins of each count that are enough, one more than the count where none are.

    What is enough stays enough with more wins, so they are found by halving, for all counts at once.
    """
    import numpy as np

    low, high = np.zeros_like(counts), counts + 1
    while (low < high).any():
        middle = (low + high) // 2
        enough = is_enough(middle)
        high = np.where(enough, np.minimum(middle, high), high)
        low = np.where(enough, low, np.minimum(middle + 1, high))
    return high


def _tango_statistic(wins: Any, losses: Any, n: int, delta: float) -> Any:
    """Return Tango's statistic for arrays of counts; see `harness.stats.paired.tango`."""
    import numpy as np

    linear = -wins - losses + (2 * n - wins + losses) * delta
    constant = -losses * delta * (1 - delta)
    q = (np.sqrt(np.maximum(0.0, linear * linear - 8 * n * constant)) - linear) / (4 * n)
    variance = n * (2 * q + delta * (1 - delta))
    distance = wins - losses - n * delta
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(variance > 0, distance / np.sqrt(variance), np.sign(distance) * np.inf)
