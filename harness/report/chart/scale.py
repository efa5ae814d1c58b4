"""Scales and their ticks, which stand at round numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_MINUTE_S, _HOUR_S = 60, 3600
_ROUND_S = (60, 120, 300, 600, 1200, 3600, 7200, 18_000, 36_000, 86_400, 172_800, 432_000, 864_000)
_LOGARITHMIC_FROM = 6
"""From this ratio of the largest to the smallest value on, a scale of times is logarithmic."""
_ROUNDING = 1e-9
_LEAST_S = 1e-6
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
    """Return a scale for scores, from a fifth below all values to a fifth above them, and at least two fifths long."""
    least, most = (min(1.0, max(0.0, value)) for value in (min(values, default=0.0), max(values, default=1.0)))
    low, high = math.floor(least * 5 + _ROUNDING), math.ceil(most * 5 - _ROUNDING)
    while high - low < 2:  # noqa: PLR2004  (fifths)
        low, high = (low, high + 1) if high < 5 else (low - 1, high)  # noqa: PLR2004
    ticks = [fifth / 5 for fifth in range(low, high + 1)]
    if len(ticks) == 3:  # noqa: PLR2004  (so few that tenths are not too many)
        ticks = [tenth / 10 for tenth in range(2 * low, 2 * high + 1)]
    return Scale(low=low / 5, high=high / 5, start=start, end=end, ticks=ticks)


def time_scale(values: Sequence[float], *, start: float, end: float, most_ticks: int) -> Scale:
    """Return a scale for the times of several models, with room around them; logarithmic if they differ by much."""
    least, most = min(values, default=0.0), max(values, default=1.0)
    if least >= _LEAST_S and most / least >= _LOGARITHMIC_FROM:
        low, high = least / 1.25, most * 1.25
        ticks = _logarithmic_ticks(low, high, most_ticks)
        return Scale(low=low, high=high, start=start, end=end, ticks=ticks, is_logarithmic=True)
    if most < _LEAST_S:
        return duration_scale(1.0, start=start, end=end, most_ticks=most_ticks)
    room = max((most - least) / 2, most / 3)  # Times that hardly differ do not look as if they did.
    low, high = least - room, most + room
    return _linear(low if low > most / 5 else 0.0, high, start=start, end=end, most_ticks=most_ticks)


def duration_scale(most: float, *, start: float, end: float, most_ticks: int) -> Scale:
    """Return a scale from 0 to so many seconds, or to 1 where all values are 0."""
    return _linear(0.0, most if most >= _LEAST_S else 1.0, start=start, end=end, most_ticks=most_ticks)


def _linear(low: float, high: float, *, start: float, end: float, most_ticks: int) -> Scale:
    length = high - low
    steps = (*_decimal(length), *_ROUND_S)
    step = next((step for step in steps if step >= length / most_ticks * (1 - 1e-9)), length)
    first, last = math.ceil(low / step * (1 - 1e-9)), math.floor(high / step * (1 + 1e-9))
    ticks = [min(max(step * place, low), high) for place in range(first, last + 1)]
    return Scale(low=low, high=high, start=start, end=end, ticks=ticks)


def seconds_tick(value: float, *, most: float) -> str:
    """Return a round time, on a scale that ends at `most`: "0", "0.5 s", "20 s", "5 min", "2 h"."""
    if value == 0:
        return "0"
    if most <= 2 * _MINUTE_S or value < _MINUTE_S:
        return f"{value:.3g} s"
    return f"{value / _MINUTE_S:.3g} min" if most <= 2 * _HOUR_S or value < _HOUR_S else f"{value / _HOUR_S:,.3g} h"


def _decimal(high: float) -> list[float]:
    """Return 1, 2 and 5 times the powers of ten below a minute."""
    power = math.floor(math.log10(high)) - 1
    steps = [digit * 10.0**exponent for exponent in range(power, power + 3) for digit in (1, 2, 5)]
    return [step for step in steps if step < _MINUTE_S]


def _logarithmic_ticks(low: float, high: float, most: int) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), (1, 3), (1,)):
        short = (digit * 10.0**power for power in powers for digit in digits)
        ticks = [tick for tick in (*(tick for tick in short if tick < _MINUTE_S), *_ROUND_S) if low <= tick <= high]
        if len(ticks) <= most:
            return ticks
    return ticks[:: math.ceil(len(ticks) / most)]
