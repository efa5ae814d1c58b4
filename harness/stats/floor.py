"""One model against a floor: does it reach it, does it miss it, or is that not decided."""

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, pvariance

from harness.stats.decision import Verdict
from harness.stats.estimate import Estimate
from harness.stats.exact import lower_bound, upper_bound
from harness.stats.interval import cluster_sums, score_estimate
from harness.stats.pairing import MOST_UNSCORED, Scores
from harness.stats.power import floor_power, graded_floor_power, items_for_power
from harness.stats.reducer import Reducer, mean


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorDecision:
    """A verdict against a floor with everything that it rests on.

    Attributes:
        verdict: `not worse`: it reaches the floor; `worse`: it misses it; or `not decided`. Never `better`.
        reason: why, in words for a person, on one line.
        n: items.
        unscored: answers that were lost; they count against whatever is claimed.
        estimate: of the score, with the unscored counted as 0.
        needed: items that it would take, in all, if the score is as observed; None when decided, or when no number
            would do.
    """

    verdict: Verdict
    reason: str
    n: int
    unscored: int
    estimate: Estimate
    needed: int | None = None


@dataclass(frozen=True, slots=True)
class _Values:
    """One value an item, and what the items share.

    A cluster counts as one item with the mean of all: what is claimed then holds however alike its items are.
    """

    values: Sequence[float]
    clusters: Sequence[str]

    @property
    def mean(self) -> float:
        return min(1.0, fmean(self.values))

    @property
    def units(self) -> int:
        return len(set(self.clusters))

    def lower(self, alpha: float) -> float:
        return lower_bound(self.mean * self.units, self.units, alpha=alpha)

    def upper(self, alpha: float) -> float:
        return upper_bound(self.mean * self.units, self.units, alpha=alpha)


def decide_floor(
    scores: Scores,
    floor: float,
    *,
    clusters: Mapping[str, str] | None = None,
    alpha: float = 0.05,
    reduce: Reducer = mean,
    is_planned: bool = True,
) -> FloorDecision:
    """Return the verdict: each claim is false with a chance of at most alpha, and only one of them can be false.

    - not worse: the exact lower bound of the score, the unscored counted as 0, is at the floor or above;
    - worse: the exact upper bound, the unscored counted as 1, is below the floor;
    - not decided: else, and whenever more than 5 % of the answers are unscored.

    Each model is judged at full alpha, whatever other models there are. One more failure never turns "not decided" into
    "reached".

    Args:
        scores: by item.
        floor: the least score that will do, 0 to 1.
        clusters: item id -> something sampled that it shares with other items.
        alpha: the accepted chance of a false claim.
        reduce: repeats of an item -> its value.
        is_planned: whether it is worked out what an open verdict would take, which is most of the work.

    Raises:
        ValueError: a score, floor or alpha outside 0 to 1.
    """
    if not (0 <= floor <= 1 and 0 < alpha < 0.5):  # noqa: PLR2004  (a coin would do better)
        raise ValueError(f"expected a floor within 0 to 1 and alpha below 0.5, got {floor} and {alpha}")
    items = sorted(item for item in scores if scores[item])
    names = [clusters.get(item, f"item {item}") for item in items] if clusters else items
    answers = [score for item in items for score in scores[item]]
    unscored = answers.count(None)

    def values(lost: float) -> _Values:
        filled = array("d", (reduce([lost if score is None else score for score in scores[item]]) for item in items))
        return _Values(filled, names)

    needed = None
    if not items or unscored > MOST_UNSCORED * len(answers):
        share = f"{unscored} of {len(answers)} answers are unscored (above {100 * MOST_UNSCORED:g} %)"
        verdict, reason = Verdict.NOT_DECIDED, share if items else "no items"
    else:
        low, high = values(0.0).lower(alpha), values(1.0).upper(alpha)
        verdict, reason = _claim(low, high, floor)
        if verdict is Verdict.NOT_DECIDED and is_planned:
            needed = _needed(values(0.0), floor, alpha=alpha)
    return FloorDecision(
        verdict=verdict,
        reason=reason,
        n=len(items),
        unscored=unscored,
        estimate=score_estimate(values(0.0).values, clusters=names),
        needed=needed,
    )


def _claim(low: float, high: float, floor: float) -> tuple[Verdict, str]:
    if low >= floor:
        return Verdict.NOT_WORSE, f"scores at least {low:.2g} (floor {floor:g})"
    if high < floor:
        return Verdict.WORSE, f"scores at most {high:.2g} (floor {floor:g})"
    return Verdict.NOT_DECIDED, f"scores {low:.2g} to {high:.2g} (floor {floor:g})"


def _needed(observed: _Values, floor: float, *, alpha: float) -> int | None:
    """Return the items, in all, with which the test would show in 4 of 5 cases on which side of the floor the score is.

    None where the score is on the floor itself. With clusters: as many items a cluster as now.
    """
    rate, n, units = observed.mean, len(observed.values), observed.units
    if rate < floor:
        rate, floor = 1 - rate, 1 - floor
    if rate <= floor:
        return None
    if units == n and set(observed.values) <= {0, 1}:
        return items_for_power(lambda items: floor_power(items, rate=rate, floor=floor, alpha=alpha), least=n + 1)
    totals = cluster_sums(observed.values, observed.clusters)
    variance = pvariance([total * units / n for total in totals])
    found = items_for_power(
        lambda clusters: graded_floor_power(clusters, rate=rate, floor=floor, variance=variance, alpha=alpha),
        least=units + 1,
    )
    return None if found is None else math.ceil(found * n / units)
