"""What repeats (epochs) of the same items show: how much is due to the item, and how much to chance."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

NOT_MEASURED = "repeat variance not measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatVariance:
    """The variance of scores, apart: between items and within the repeats of one item.

    Attributes:
        items: how many items.
        answers: how many scores over all items.
        between: variance of the items' own pass rates or means; None where it was not measured.
        within: variance of the repeats of an item; None where it was not measured.
        reason: why something is None, else empty.
    """

    items: int
    answers: int
    between: float | None
    within: float | None
    reason: str = ""


def repeat_variance(items: Sequence[Sequence[float]]) -> RepeatVariance:
    """Return the variance between and within items: one-way random effects, by the analysis of variance.

    With a items of n_i scores, N in all: within = MSW = SSW / (N - a); between = (MSB - MSW) / n0, at least 0, where
    MSB = SSB / (a - 1) and n0 = (N - Σ n_i² / N) / (a - 1). Source: Searle, Casella and McCulloch, Variance Components
    (1992), chapter 3.

    Args:
        items: for each item the scores of its repeats, not necessarily equally many; an item without any is left out.
    """
    scored = [list(scores) for scores in items if scores]
    a, total = len(scored), sum(len(scores) for scores in scored)
    if total == a:
        return RepeatVariance(items=a, answers=total, between=None, within=None, reason=NOT_MEASURED)
    means = [fmean(scores) for scores in scored]
    within = math.fsum(
        (score - centre) ** 2 for scores, centre in zip(scored, means, strict=True) for score in scores
    ) / (total - a)
    if a == 1:
        return RepeatVariance(items=1, answers=total, between=None, within=within, reason="one item only")
    grand = math.fsum(score for scores in scored for score in scores) / total
    between_squares = math.fsum(
        len(scores) * (centre - grand) ** 2 for scores, centre in zip(scored, means, strict=True)
    )
    n0 = (total - sum(len(scores) ** 2 for scores in scored) / total) / (a - 1)
    between = max(0.0, (between_squares / (a - 1) - within) / n0)
    return RepeatVariance(items=a, answers=total, between=between, within=within)


def flip_rate(items: Sequence[Sequence[bool]]) -> float | None:
    """Return the chance that two repeats of the same item disagree, passed or not; None at one epoch.

    The mean over items of 2 c (n - c) / (n (n - 1)), c of n repeats passed: unbiased, and so the same figure whatever
    the number of epochs. Source: Gini's index of diversity, as in Simpson 1949, Nature 163:688.

    Args:
        items: for each item whether each of its repeats passed; items with fewer than two are left out.
    """
    rates = []
    for passes in items:
        n, passed = len(passes), sum(passes)
        if n > 1:
            rates.append(2 * passed * (n - passed) / (n * (n - 1)))
    return fmean(rates) if rates else None


def item_rates(items: Mapping[str, Sequence[bool]]) -> dict[str, float]:
    """Return each item's pass rate over its repeats, the least passed first; items without any are left out."""
    rates = {item: sum(passes) / len(passes) for item, passes in items.items() if passes}
    return dict(sorted(rates.items(), key=lambda pair: (pair[1], pair[0])))
