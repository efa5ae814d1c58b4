"""Stopping early without false alarms, and what may be said after stopping.

A fixed-n interval that is looked at after every item alarms falsely in far more than 5 % of runs. The tests here may be
looked at after every item. They take observations **in the planned order**, not in the order of completion: quick
answers are not a random half of all answers. Items of one cluster are one observation, their mean. Unscored answers
(None) hold every decision back that they could have prevented; above 5 % of them, nothing is to be claimed.
"""

import math
from collections.abc import Sequence
from enum import StrEnum

from harness.stats.bisection import boundary
from harness.stats.estimate import Estimate, Interval


class SprtState(StrEnum):
    """Where a sequential test stands. Once decided, it stays decided."""

    FOR = "decided for"
    AGAINST = "decided against"
    GO_ON = "go on"


class Sprt:
    """Wald's sequential probability ratio test of a pass rate: at most p0 (H0), or at least p1 (H1).

    After each score x the log likelihood ratio grows by x ln(p1 / p0) + (1 - x) ln((1 - p1) / (1 - p0)). At ln(1 /
    alpha) or above it decides for, at -ln(1 / beta) or below against. Wald's boundaries are (1 - beta) / alpha and beta
    / (1 - alpha), which hold alpha and beta only approximately; these are a twentieth further out and hold them
    exactly, by Ville's inequality, also for graded scores (the ratio is convex in x, so no score within 0 to 1 makes it
    grow faster on average than zeros and ones). Source: Wald 1945, Annals of Mathematical Statistics 16:117; Ville
    1939.

    Attributes:
        p0: the rate that must not be taken for good: decided for with a chance of at most alpha at p0 or below.
        p1: the rate that must not be thrown away: decided against with a chance of at most beta at p1 or above.
        n: scores that it took, until it was decided.
        log_ratio: the log likelihood ratio with the unscored counted as 0: what "for" needs.
        log_ratio_in_favour: the same with the unscored counted as 1: what "against" needs.
        progress: where it stands.
    """

    __slots__ = ("_fall", "_high", "_low", "_rise", "log_ratio", "log_ratio_in_favour", "n", "p0", "p1", "progress")

    def __init__(self, *, p0: float, p1: float, alpha: float = 0.05, beta: float = 0.05) -> None:
        """Start without a score.

        Raises:
            ValueError: not 0 < p0 < p1 < 1, or a chance outside 0 to 1.
        """
        if not (0 < p0 < p1 < 1 and 0 < alpha < 1 and 0 < beta < 1):
            raise ValueError(f"expected 0 < p0 < p1 < 1 and chances within 0 to 1, got {p0}, {p1}, {alpha}, {beta}")
        self.p0, self.p1 = p0, p1
        self.n, self.log_ratio, self.log_ratio_in_favour, self.progress = 0, 0.0, 0.0, SprtState.GO_ON
        self._rise, self._fall = math.log(p1 / p0), math.log((1 - p1) / (1 - p0))
        self._high, self._low = -math.log(alpha), math.log(beta)

    @classmethod
    def against_floor(cls, floor: float, *, margin: float = 0.05, alpha: float = 0.05, beta: float = 0.05) -> "Sprt":
        """Return the test of a floor: H0 is floor - margin, H1 is floor + margin.

        Between the two either answer will do: a rate within the margin of the floor is close enough to be called
        either way, and telling such rates apart would take thousands of items. At the ends of the scale the distance is
        at most half of what is left, so that neither rate is 0 or 1.

        Raises:
            ValueError: floor or margin outside 0 to 1.
        """
        if not (0 < floor < 1 and 0 < margin < 1):
            raise ValueError(f"expected floor and margin within 0 to 1, got {floor} and {margin}")
        return cls(p0=max(floor - margin, floor / 2), p1=min(floor + margin, (1 + floor) / 2), alpha=alpha, beta=beta)

    def observe(self, score: float | None) -> SprtState:
        """Take one more score and return where the test stands; a decided test takes no more.

        Args:
            score: within 0 to 1; None: unscored.

        Raises:
            ValueError: the score is outside 0 to 1.
        """
        if score is not None and not 0 <= score <= 1:
            raise ValueError(f"expected a score within 0 to 1, got {score}")
        if self.progress is SprtState.GO_ON:
            self.n += 1
            self.log_ratio += self._step(0.0 if score is None else score)
            self.log_ratio_in_favour += self._step(1.0 if score is None else score)
            if self.log_ratio >= self._high:
                self.progress = SprtState.FOR
            elif self.log_ratio_in_favour <= self._low:
                self.progress = SprtState.AGAINST
        return self.progress

    def _step(self, score: float) -> float:
        return score * self._rise + (1 - score) * self._fall


def confidence_sequence(total: float, n: int, *, level: float = 0.95) -> Interval:
    """Return the interval of a mean score that holds at every n at once, and so after any early stop.

    All p with B(s + 1/2, n - s + 1/2) / B(1/2, 1/2) < p^s (1 - p)^(n - s) / alpha: those against which a mixed bet has
    not won 1 / alpha. 1.4 (n = 10) to 1.9 (n = 1,000) times as wide as Wilson's. Holds for zeros and ones and for any
    scores within 0 to 1 (see `Sprt`). Source: Robbins 1970, Annals of Mathematical Statistics 41:1397; Howard et al.
    2021, Annals of Statistics 49:1055; bounded scores by betting: Waudby-Smith and Ramdas, arXiv 2010.09686.

    Args:
        total: sum of the scores (s), within 0 to n.
        n: items so far, at least 1.
        level: the confidence, within 0 to 1.

    Raises:
        ValueError: the numbers make no mean score.
    """
    if n < 1 or not 0 <= total <= n:
        raise ValueError(f"expected 0 <= total <= n with n >= 1, got {total} of {n}")
    # Clipped: sums of floats may leave n - total at -1e-16.
    missed, mean = max(0.0, n - total), total / n
    bound = _log_beta(total + 0.5, missed + 0.5) - _log_beta(0.5, 0.5) + math.log1p(-level)

    def is_outside(p: float) -> bool:
        return (total * math.log(p) if total else 0.0) + (missed * math.log1p(-p) if missed else 0.0) <= bound

    low = 0.0 if total == 0 else boundary(is_outside, outside=0.0, inside=mean)
    high = 1.0 if missed == 0 else boundary(is_outside, outside=1.0, inside=mean)
    return Interval(low=low, high=high, level=level, method="confidence-sequence", n=n)


def stopped_estimate(scores: Sequence[float], *, planned: int, level: float = 0.95) -> Estimate:
    """Return what may be reported of a model that a sequential test has stopped: an interval, and no mean.

    A test stops when luck and merit point the same way, so the mean at that moment lies too far out; it is withheld.
    The interval is a confidence sequence, which holds at any stopping time. If nothing was cut off, use
    `score_estimate`.

    Args:
        scores: those that were taken and scored, each within 0 to 1 (one a cluster, where items are clustered).
        planned: how many there would have been.
        level: the confidence, within 0 to 1.

    Raises:
        ValueError: a score is outside 0 to 1.
    """
    if any(not 0 <= score <= 1 for score in scores):
        raise ValueError("expected scores within 0 to 1")
    n = len(scores)
    if n == 0:
        return Estimate(value=None, interval=None, n=0, reason="no items")
    reason = f"stopped early, after {n} of {planned}: the mean at that moment is biased; the interval holds at any stop"
    interval = confidence_sequence(min(float(n), math.fsum(scores)), n, level=level)
    return Estimate(value=None, interval=interval, n=n, reason=reason)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
