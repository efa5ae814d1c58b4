"""Good enough: not worse than the reference by more than a margin, and not below a floor."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.stats.interval import score_estimate
from harness.stats.paired import difference_estimate
from harness.stats.pairing import Pairs, Scores, pair
from harness.stats.reducer import Reducer, mean
from harness.stats.required import items_for_difference, items_for_floor, planning_variance


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """Whether one candidate is good enough, and what that rests on.

    Attributes:
        name: the candidate.
        is_certified: both lower bounds hold, and at most 5 % of the answers are unscored.
        reason: what holds, or what does not, on one line.
        n: items compared.
        unscored: answers of both models that were lost; they count against the candidate.
        difference: candidate - reference; None without items.
        difference_low: its one-sided lower bound; None where there is none.
        score: the candidate's mean score.
        score_low: its one-sided lower bound; None where there is none.
        margin: the largest loss that does not matter.
        floor: the least score that will do.
        needed: items that it would take, if the true figures are the observed ones; None when certified, or when no
            number of items would do. What the floor takes is counted in independent items.
    """

    name: str
    is_certified: bool
    reason: str
    n: int
    unscored: int
    difference: float | None
    difference_low: float | None
    score: float | None
    score_low: float | None
    margin: float
    floor: float
    needed: int | None = None


def assess(
    name: str,
    candidate: Scores,
    reference: Scores,
    *,
    margin: float,
    floor: float,
    clusters: Mapping[str, str] | None = None,
    alpha: float = 0.05,
    reduce: Reducer = mean,
    seed: int = 0,
) -> Assessment:
    """Return whether the candidate is good enough: certified when both of these hold at one-sided confidence 1 - alpha.

    The lower bound of (candidate - reference) is above -margin, and the lower bound of the candidate is at the floor or
    above. Both have to hold, so each may be tested at full alpha. Source: Berger 1982, Technometrics 24:295
    (intersection-union); Dunnett and Gent 1977, Biometrics 33:593 (non-inferiority).

    Args:
        name: of the candidate.
        candidate: its scores by item.
        reference: the reference's scores by item; chosen before the data, never the best observed.
        margin: the largest loss of score that does not matter, within 0 to 1.
        floor: the least score that will do, 0 to 1.
        clusters: item id -> what it shares with other items.
        alpha: the accepted chance of certifying a candidate that is not good enough.
        reduce: repeats of an item -> its value.
        seed: of the bootstrap.

    Raises:
        ValueError: a score, margin, floor or alpha outside 0 to 1.
    """
    if not (0 < margin < 1 and 0 <= floor <= 1 and 0 < alpha < 0.5):  # noqa: PLR2004
        raise ValueError(f"expected margin and floor within 0 to 1, alpha below 0.5, got {margin}, {floor}, {alpha}")
    pairs = pair(candidate, reference, clusters=clusters, reduce=reduce)
    sides, level = pairs.against, 1 - 2 * alpha
    gap = difference_estimate(sides.candidate, sides.reference, clusters=pairs.clusters, level=level, seed=seed)
    own = score_estimate(sides.candidate, clusters=pairs.clusters, level=level, seed=seed)
    gap_low = gap.interval.low if gap.interval else None
    own_low = own.interval.low if own.interval else None
    doubts = [pairs.refusal] if pairs.refusal else [*_doubts(gap_low, own_low, margin, floor, gap.reason)]
    needed = None
    if doubts and not pairs.refusal:
        needed = _needed(pairs, margin=margin, floor=floor, alpha=alpha)
    return Assessment(
        name=name,
        is_certified=not doubts,
        reason="; ".join(doubts) or f"loses at most {max(0.0, -(gap_low or 0)):.2g}, scores at least {own_low:.2g}",
        n=len(pairs.items),
        unscored=pairs.unscored,
        difference=gap.value,
        difference_low=gap_low,
        score=own.value,
        score_low=own_low,
        margin=margin,
        floor=floor,
        needed=needed,
    )


def first_certified(assessments: Iterable[Assessment]) -> Assessment | None:
    """Return the first certified one and look at no later one; None if there is none.

    Fed with candidates in a fixed order of size, smallest first, each assessed at full alpha when it is asked for, it
    stops as soon as something will do. Each candidate by itself is certified falsely with a chance of at most alpha.
    The chance that the *chosen* one is false grows with the number of unfit candidates that come before the first fit
    one, up to alpha for each; where all candidates have been measured anyway, `smallest_certified` keeps it at alpha.

    Args:
        assessments: in an order that was fixed before the data; may be a generator.
    """
    return next((one for one in assessments if one.is_certified), None)


def smallest_certified(assessments: Sequence[Assessment]) -> Assessment | None:
    """Return the smallest candidate such that it and all larger ones are certified; None if the largest is not.

    The fixed-sequence test, from the largest downwards, each at full alpha, ending at the first failure: the chance
    that any candidate is certified falsely is at most alpha, however many there are. Source: Maurer, Hothorn and
    Lehmacher 1995, Multiple comparisons in drug clinical trials; Westfall and Krishen 2001, J. Stat. Planning and
    Inference 99:25.

    Args:
        assessments: all candidates in order of size, smallest first; the order was fixed before the data.
    """
    chosen = None
    for one in reversed(assessments):
        if not one.is_certified:
            break
        chosen = one
    return chosen


def _doubts(gap_low: float | None, own_low: float | None, margin: float, floor: float, reason: str) -> Iterable[str]:
    if gap_low is None or own_low is None:
        yield f"no bound: {reason}"
        return
    if gap_low <= -margin:
        yield f"may lose {-gap_low:.2g} (margin {margin:g})"
    if own_low < floor:
        yield f"may score only {own_low:.2g} (floor {floor:g})"


def _needed(pairs: Pairs, *, margin: float, floor: float, alpha: float) -> int | None:
    sides, n = pairs.against, len(pairs.items)
    differences = [one - other for one, other in zip(sides.candidate, sides.reference, strict=True)]
    room = margin + sum(differences) / n
    gap = items_for_difference(
        variance=planning_variance(differences, clusters=pairs.clusters),
        difference=max(0.0, room),
        alpha=alpha,
        sides=1,
    )
    own = items_for_floor(rate=sum(sides.candidate) / n, floor=floor, alpha=alpha)
    return None if gap is None or own is None else max(gap, own, n + 1)
