"""A figure with its interval, or the reason why there is none."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A confidence interval, in the unit of the figure that it belongs to.

    Attributes:
        low: lower bound.
        high: upper bound.
        level: the confidence, such as 0.95.
        method: `wilson`, `wilson-clustered`, `t`, `t-clustered`, `bca`, `tango`, `order-statistics`,
            `t-welch` or `confidence-sequence`.
        n: items.
    """

    low: float
    high: float
    level: float
    method: str
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What is claimed about one quantity.

    Attributes:
        value: the figure; None where it is withheld or undefined.
        interval: its interval; None where the sample allows none.
        n: items.
        reason: why value or interval is absent, or what the reader has to know about them; else empty.
    """

    value: float | None
    interval: Interval | None
    n: int
    reason: str = ""
