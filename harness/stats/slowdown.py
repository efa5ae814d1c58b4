"""Whether tonight's times are longer than those of earlier nights, which differ among themselves too."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from harness.stats.estimate import Interval

PRIOR_NIGHTS = 8
"""How many nights the margin counts as, until the baseline itself shows by how much nights differ."""

_PRIOR_SHARE = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Slowdown:
    """Tonight against the earlier nights.

    Attributes:
        ratio: tonight's median over the geometric mean of the earlier medians: 2 is twice as slow.
        interval: of the ratio, 95 %.
        p: of "nights as different as these are", two-sided.
    """

    ratio: float
    interval: Interval
    p: float


def slowdown(tonight: Sequence[float], earlier: Sequence[Sequence[float]], *, margin: float) -> Slowdown:
    """Return how much slower tonight is than the earlier nights.

    A night is one observation: its rounds share the machine's state, and so agree more with each other than with the
    next night's. What nights differ by is estimated from the medians of the earlier ones, together with a prior that
    counts as `PRIOR_NIGHTS` nights: the margin is three standard deviations (of logarithms). So one earlier night is
    enough for a slowdown well above the margin, and seven correct a prior that does not fit the machine. Source of the
    moderated t: Smyth 2004, Statistical Applications in Genetics and Molecular Biology 3(1):3.

    Args:
        tonight: the rounds, above 0.
        earlier: the rounds of each earlier night; at least one night.
        margin: the slowdown that does not matter, as a share: 0.25 is 25 %.
    """
    from scipy.stats import t

    medians = [math.log(median(rounds)) for rounds in earlier]
    k, usual = len(medians), fmean(medians)
    apart = math.log(median(tonight)) - usual
    prior = (math.log1p(margin) / _PRIOR_SHARE) ** 2
    freedom = PRIOR_NIGHTS + k - 1
    variance = (PRIOR_NIGHTS * prior + sum((value - usual) ** 2 for value in medians)) / freedom
    error = math.sqrt(variance * (1 + 1 / k))
    half = float(t.ppf(0.975, freedom)) * error
    return Slowdown(
        ratio=math.exp(apart),
        interval=Interval(
            low=math.exp(apart - half), high=math.exp(apart + half), level=0.95, method="t-moderated", n=k
        ),
        p=2 * float(t.sf(abs(apart) / error, freedom)),
    )
