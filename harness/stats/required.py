"""How many items it takes. Every figure is a plan: it is as good as the variance that it is given."""

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean

from harness.stats.interval import cluster_names, cluster_sums


def planning_variance(differences: Sequence[float], *, clusters: Sequence[str] | None = None) -> float:
    """Return the variance of paired differences, with one difference of +1 and one of -1 added to them.

    A few items without any difference would show variance 0, and 0 items would seem to do. For zeros and ones these
    two pseudo-items are those of Bonett and Price 2012, Journal of Educational and Behavioral Statistics 37:479. Items
    of one cluster count as far as they tell something new: Σ_c (Σ_{i in c} (d_i - mean))² / n, which is larger if
    they go together; the items that it asks for are then meant with as many items a cluster.

    Args:
        differences: candidate - reference, one an item, each within -1 to 1.
        clusters: one name an item.

    Raises:
        ValueError: clusters and differences differ in number.
    """
    names = cluster_names(len(differences), clusters)
    centre = fmean([*differences, 1.0, -1.0])
    sums = cluster_sums([value - centre for value in differences], names)
    squares = (total * total for total in (*sums, 1 - centre, -1 - centre))
    return math.fsum(squares) / (len(differences) + 2)


def items_for_difference(
    *, variance: float, difference: float, alpha: float = 0.05, power: float = 0.8, sides: int = 2
) -> int | None:
    """Return the items it takes to tell a paired difference from 0; None for a difference of 0: no n does.

    (z_{alpha/2} + z_beta)² variance / difference², rounded up; with one side z_alpha. Source: Miller 2024, arXiv
    2411.00640, section 5. For non-inferiority the difference is margin + expected difference, with one side.

    Args:
        variance: of the paired difference of one item.
        difference: to be told, in the unit of the score.
        alpha: the accepted chance of a false alarm.
        power: the wanted chance of telling the difference where it exists.
        sides: 2, or 1 for non-inferiority.

    Raises:
        ValueError: a negative variance, chances outside 0 to 1, or sides other than 1 and 2.
    """
    if variance < 0 or not 0 < alpha < 1 or not 0 < power < 1 or sides not in {1, 2}:
        raise ValueError("expected variance >= 0, alpha and power within 0 to 1, one or two sides")
    if difference == 0:
        return None
    z = NormalDist().inv_cdf(1 - alpha / sides) + NormalDist().inv_cdf(power)
    return max(1, math.ceil(z * z * variance / (difference * difference)))


def items_for_floor(*, rate: float, floor: float, alpha: float = 0.05, power: float = 0.8) -> int | None:
    """Return the items it takes to show that a pass rate reaches the floor; None where it does not lie above it.

    ((z_alpha √(f (1 - f)) + z_beta √(r (1 - r))) / (r - f))², rounded up, one-sided: Wilson's lower bound is then at
    the floor or above with the wanted chance. Source: Fleiss, Levin and Paik, Statistical Methods for Rates and
    Proportions (2003), chapter 2. For graded scores it errs on the safe side, as none vary more than zeros and ones.

    Args:
        rate: the pass rate expected, within 0 to 1.
        floor: to be shown, within 0 to 1.
        alpha: the accepted chance of certifying a rate at the floor.
        power: the wanted chance of success.

    Raises:
        ValueError: a rate, floor or chance outside 0 to 1.
    """
    if not (0 <= rate <= 1 and 0 <= floor <= 1 and 0 < alpha < 1 and 0 < power < 1):
        raise ValueError("expected rate, floor, alpha and power within 0 to 1")
    if rate <= floor:
        return None
    z_alpha, z_beta = NormalDist().inv_cdf(1 - alpha), NormalDist().inv_cdf(power)
    spread = z_alpha * math.sqrt(floor * (1 - floor)) + z_beta * math.sqrt(rate * (1 - rate))
    # At a rate of 1 all items pass, and Wilson's bound n / (n + z²) has to reach the floor.
    certain = z_alpha * z_alpha * floor / (1 - floor) if rate == 1 else 0.0
    return max(1, math.ceil(max((spread / (rate - floor)) ** 2, certain) - 1e-9))


def least_discordant(alpha: float = 0.05) -> int:
    """Return the fewest discordant items, all won by one side, with an exact McNemar p below alpha: 6 at 0.05.

    The smallest m with 2 / 2^m < alpha.

    Raises:
        ValueError: alpha is outside 0 to 1.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"expected alpha within 0 to 1, got {alpha}")
    m = 1
    while 2.0 ** (1 - m) >= alpha:
        m += 1
    return m
