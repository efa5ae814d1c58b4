"""Tonight against several earlier runs: may tonight's answers be just one more draw of the same ones?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Chances: TypeAlias = NDArray[np.float64]

_GRID = 100
"""Graded scores are rounded to so many parts, so that all ways of drawing can be counted."""
_DIRECT = 1_000_000
"""Up to so many products two distributions are folded one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A test of "nothing has changed".

    Attributes:
        p: two-sided, above 0, at most 1.
        least: the smallest p that any loss could have had, given what varies at all. It does not depend on which of the
            answers is tonight's, so it may decide what is tested (`multiple.tarone`).
        varying: items (or clusters) whose answers are not all the same; only these tell anything.
    """

    p: float
    least: float
    varying: int


def exchange_test(units: Sequence[Sequence[float]]) -> Exchange:
    """Return the exact conditional test of "tonight's answer might as well be any of them", for each item.

    Given all answers to an item, tonight's is each of them with the same chance. So the sum of tonight's scores is a
    sum of independent draws, whose distribution is counted out, without simulation. p is twice the smaller tail, at
    most 1. With a single earlier run it is the exact McNemar test for pass rates, and the sign-flip test for graded
    scores. With several it asks nothing of the shape of the differences: tonight minus a mean of seven runs is skewed,
    where the signs of differences are not exchangeable even if nothing has changed. Source: Fisher's exact conditional
    test in matched sets of 1 : k (Miettinen 1969, Biometrics 25:339), graded by Fisher's randomisation.

    Args:
        units: for each item, tonight's score and then those of earlier runs; for a cluster, the sums over its items.

    Raises:
        ValueError: an item has no earlier score.
    """
    import numpy as np

    if any(len(scores) <= 1 for scores in units):
        raise ValueError("expected for each item tonight's score and one or more of earlier runs")
    is_whole = all(float(score).is_integer() for scores in units for score in scores)
    scale = 1 if is_whole else _GRID
    drawn, log_lowest = 0, 0.0
    parts: list[Chances] = []
    for scores in units:
        steps = [round(score * scale) for score in scores]
        lowest = min(steps)
        heights = [step - lowest for step in steps]
        if any(heights):
            drawn += heights[0]
            log_lowest += math.log(heights.count(0) / len(heights))
            parts.append(np.bincount(heights) / len(heights))
    chances = _of_the_sum(parts)
    below, above = float(chances[: drawn + 1].sum()), float(chances[drawn:].sum())
    return Exchange(
        p=min(1.0, max(2 * min(below, above), math.ulp(0.0))),
        least=min(1.0, max(2 * math.exp(log_lowest), math.ulp(0.0))),
        varying=len(parts),
    )


def _of_the_sum(parts: "list[Chances]") -> "Chances":
    """Return the chances of 0, 1, 2 … for the sum of independent draws, given those of each: halves first.

    Thousands of graded items are folded by Fourier transforms, whose error is 1e-15; hundreds are folded exactly.
    """
    import numpy as np

    if not parts:
        return np.ones(1)
    while len(parts) > 1:
        odd = parts[len(parts) & ~1 :]
        parts = [_folded(one, other) for one, other in zip(parts[::2], parts[1::2], strict=False)] + odd
    return parts[0]


def _folded(one: "Chances", other: "Chances") -> "Chances":
    import numpy as np

    if len(one) * len(other) <= _DIRECT:
        return np.convolve(one, other)
    size = len(one) + len(other) - 1
    padded = 1 << (size - 1).bit_length()
    folded = np.fft.irfft(np.fft.rfft(one, padded) * np.fft.rfft(other, padded), padded)[:size]
    return np.maximum(folded, 0.0)
