"""One model against a floor: does it reach it, does it miss it, or is that not decided."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.stats.decision import Verdict
from harness.stats.estimate import Estimate
from harness.stats.interval import score_estimate
from harness.stats.pairing import MOST_UNSCORED, Scores
from harness.stats.reducer import Reducer, mean
from harness.stats.required import items_for_floor


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorDecision:
    """A verdict against a floor with everything that it rests on.

    Attributes:
        verdict: `not worse`: it reaches the floor; `worse`: it misses it; or `not decided`. Never `better`.
        reason: why, in words for a person, on one line.
        n: items.
        unscored: answers that were lost; they count against whatever is claimed.
        estimate: of the score, with the unscored counted as 0.
        needed: independent items that it would take if the score is as observed; None when decided, or when no number
            would do.
    """

    verdict: Verdict
    reason: str
    n: int
    unscored: int
    estimate: Estimate
    needed: int | None = None


def decide_floor(
    scores: Scores,
    floor: float,
    *,
    clusters: Mapping[str, str] | None = None,
    alpha: float = 0.05,
    reduce: Reducer = mean,
    seed: int = 0,
) -> FloorDecision:
    """Return the verdict: each claim holds at one-sided confidence 1 - alpha, and only one of them can be false.

    - not worse: the lower bound of the score, the unscored counted as 0, is at the floor or above;
    - worse: the upper bound, the unscored counted as 1, is below the floor;
    - not decided: else, and whenever more than 5 % of the answers are unscored.

    Each model is judged at full alpha, whatever other models there are.

    Args:
        scores: by item.
        floor: the least score that will do, 0 to 1.
        clusters: item id -> what it shares with other items.
        alpha: the accepted chance of a false claim.
        reduce: repeats of an item -> its value.
        seed: of the bootstrap.

    Raises:
        ValueError: a score, floor or alpha outside 0 to 1.
    """
    if not (0 <= floor <= 1 and 0 < alpha < 0.5):  # noqa: PLR2004  (a coin would do better)
        raise ValueError(f"expected a floor within 0 to 1 and alpha below 0.5, got {floor} and {alpha}")
    items = sorted(item for item in scores if scores[item])
    names = [(clusters or {}).get(item, f"item {item}") for item in items]
    answers = [score for item in items for score in scores[item]]
    unscored = answers.count(None)

    def estimate(lost: float, level: float) -> Estimate:
        values = [reduce([lost if score is None else score for score in scores[item]]) for item in items]
        return score_estimate(values, clusters=names, level=level, seed=seed)

    least, most, needed = estimate(0.0, 1 - 2 * alpha), estimate(1.0, 1 - 2 * alpha), None
    verdict = Verdict.NOT_DECIDED
    if not items or unscored > MOST_UNSCORED * len(answers):
        share = f"{unscored} of {len(answers)} answers are unscored (above {100 * MOST_UNSCORED:g} %)"
        reason = share if items else "no items"
    elif least.interval is None or most.interval is None:
        reason = f"no bound: {least.reason or most.reason}"
    elif least.interval.low >= floor:
        verdict, reason = Verdict.NOT_WORSE, f"scores at least {least.interval.low:.2g} (floor {floor:g})"
    elif most.interval.high < floor:
        verdict, reason = Verdict.WORSE, f"scores at most {most.interval.high:.2g} (floor {floor:g})"
    else:
        reason = f"scores {least.interval.low:.2g} to {most.interval.high:.2g} (floor {floor:g})"
        needed = _needed(least.value or 0.0, floor, alpha=alpha, n=len(items))
    return FloorDecision(
        verdict=verdict,
        reason=reason,
        n=len(items),
        unscored=unscored,
        estimate=estimate(0.0, 1 - alpha),
        needed=needed,
    )


def _needed(rate: float, floor: float, *, alpha: float, n: int) -> int | None:
    """Return the items that would show which side of the floor the rate is on; None on the floor itself."""
    if rate < floor:
        rate, floor = 1 - rate, 1 - floor
    needed = items_for_floor(rate=rate, floor=floor, alpha=alpha)
    return None if needed is None else max(needed, n + 1)
