"""What items show: how hard each is, and whether it separates good models from lucky ones (classical test theory)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean

LEAST_RESPONDENTS = 5
"""With fewer, a correlation means next to nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item over all models that answered it.

    Attributes:
        item_id: of the item.
        n: respondents: models (levels and ways of asking apart), each with the mean over its runs and epochs.
        difficulty: mean score, 0 to 1; the classical name, although a high one is easy.
        discrimination: correlation of the item's score with the mean of the respondent's other items (item-rest, so
            that an item does not agree with itself); None with fewer than 5 respondents, or where either never varies.
    """

    item_id: str
    n: int
    difficulty: float
    discrimination: float | None

    @property
    def is_passed_by_all(self) -> bool:
        """Whether every model scores 1, so that the item does not separate any."""
        return self.difficulty >= 1.0

    @property
    def is_failed_by_all(self) -> bool:
        """Whether every model scores 0."""
        return self.difficulty <= 0.0


def analyse(scores: Mapping[str, Mapping[str, float]]) -> tuple[Item, ...]:
    """Return each item's figures, in order of item id.

    Args:
        scores: respondent -> item id -> score; respondents need not have answered the same items.

    Source: Lord & Novick, Statistical Theories of Mental Test Scores (1968), item-rest correlation.
    """
    items = sorted({item for answered in scores.values() for item in answered})
    return tuple(_item(item, scores) for item in items)


def _item(item: str, scores: Mapping[str, Mapping[str, float]]) -> Item:
    own: list[float] = []
    rest: list[float] = []
    rested: list[float] = []
    for answered in scores.values():
        if item not in answered:
            continue
        own.append(answered[item])
        others = [value for name, value in answered.items() if name != item]
        if others:
            rested.append(answered[item])
            rest.append(fmean(others))
    enough = len(rested) >= LEAST_RESPONDENTS
    return Item(
        item_id=item, n=len(own), difficulty=fmean(own), discrimination=correlation(rested, rest) if enough else None
    )


def correlation(xs: Sequence[float], ys: Sequence[float]) -> float | None:
    """Return Pearson's correlation of two samples of the same length; None where either does not vary."""
    mean_x, mean_y = fmean(xs), fmean(ys)
    apart_x = [x - mean_x for x in xs]
    apart_y = [y - mean_y for y in ys]
    spread = sqrt(sum(x * x for x in apart_x)) * sqrt(sum(y * y for y in apart_y))
    if spread <= 1e-12:  # noqa: PLR2004  (rounding of equal values)
        return None
    return sum(x * y for x, y in zip(apart_x, apart_y, strict=True)) / spread
