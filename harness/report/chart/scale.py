"""Scales and their ticks, which stand at round numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_STEPS = (1, 2, 5, 10)
_LOGARITHMIC_FROM = 6
"""From this ratio of the largest to the smallest value on, a scale of times is logarithmic."""
_LEAST = 1e-6
"""Less is 0: no clock tells such times apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Maps values to coordinates, linearly or by their logarithms.

    Attributes:
        low, high: values at the ends.
        start, end: their coordinates.
        ticks: round values within.
        is_logarithmic: a doubling is as long everywhere.
    """

    low: float
    high: float
    start: float
    end: float
    ticks: Sequence[float]
    is_logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """Return the coordinate of a value; those outside are put at the end."""
        low, high, at = self.low, self.high, min(max(value, self.low), self.high)
        if self.is_logarithmic:
            low, high, at = math.log(low), math.log(high), math.log(at)
        return self.start + (self.end - self.start) * (at - low) / (high - low)


def score_scale(values: Sequence[float], *, start: float, end: float) -> Scale:
    """Return a scale for scores, up to 1 and down to a fifth that is below all values."""
    low = min(0.8, max(0.0, math.floor(min(values, default=0.0) * 5) / 5))
    step = 0.1 if low >= 0.6 else 0.2  # noqa: PLR2004  (a tick at every fifth, or tenth)
    count = round((1 - low) / step)
    return Scale(low=low, high=1.0, start=start, end=end, ticks=[low + step * i for i in range(count + 1)])


def time_scale(values: Sequence[float], *, start: float, end: float, most_ticks: int) -> Scale:
    """Return a scale for the times of several models, logarithmic if they differ by much."""
    least, most = min(values, default=0.0), max(values, default=1.0)
    if least >= _LEAST and most / least >= _LOGARITHMIC_FROM:
        low, high = least / 1.25, most * 1.25
        ticks = _logarithmic_ticks(low, high, most_ticks)
        return Scale(low=low, high=high, start=start, end=end, ticks=ticks, is_logarithmic=True)
    return linear_scale(most * 1.25, start=start, end=end, most_ticks=most_ticks)


def linear_scale(most: float, *, start: float, end: float, most_ticks: int) -> Scale:
    """Return a scale from 0 to `most`, or to 1 where all values are 0."""
    high = most if most >= _LEAST else 1.0
    step = _step(high / most_ticks)
    ticks = [step * i for i in range(math.floor(high / step * (1 + 1e-9)) + 1)]
    return Scale(low=0.0, high=high, start=start, end=end, ticks=ticks)


def seconds_tick(value: float) -> str:
    """Return a round number of seconds: "0.5 s", "20 s", "2,000 s"."""
    return f"{value:,.0f} s" if value >= 1000 else f"{value:.3g} s"  # noqa: PLR2004  (no exponents)


def _step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in _STEPS if step * power >= least * (1 - 1e-9))


def _logarithmic_ticks(low: float, high: float, most: int) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), (1, 3), (1,)):
        ticks = [digit * 10.0**power for power in powers for digit in digits]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) <= most:
            return ticks
    return ticks[:: math.ceil(len(ticks) / most)]
