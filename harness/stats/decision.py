"""Better, worse, not worse (within the margin), or not decided: with n, and the n that it would take."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from harness.stats.interval import cluster_sums
from harness.stats.multiple import holm
from harness.stats.paired import Comparison, compare, difference_estimate, least_discordant
from harness.stats.pairing import Pairs, Scores, pair
from harness.stats.power import items_for_power, mcnemar_power, mean_power, tango_power
from harness.stats.reducer import Reducer, mean


class Verdict(StrEnum):
    """What may be said of a candidate against a reference."""

    BETTER = "better"
    WORSE = "worse"
    NOT_WORSE = "not worse"
    NOT_DECIDED = "not decided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A verdict with everything that it rests on.

    Attributes:
        verdict: what may be said.
        reason: why, in words for a person, on one line.
        n: items compared.
        unscored: answers of both models that were lost; they count against whatever is claimed.
        comparison: with the unscored counted against the candidate.
        p: adjusted for the number of candidates (Holm); 1 where the unscored answers could turn the sign.
        margin: the largest loss that does not matter, None if none was stated.
        needed: items that the cheapest verdict would take, in all, in 4 of 5 cases, if the models differ as observed;
            None where it is decided, where no number of items would do, or where too many answers are unscored.
        needed_for: that verdict.
    """

    verdict: Verdict
    reason: str
    n: int
    unscored: int
    comparison: Comparison
    p: float
    margin: float | None
    needed: int | None = None
    needed_for: Verdict | None = None


def decide(
    candidate: Scores,
    reference: Scores,
    *,
    clusters: Mapping[str, str] | None = None,
    margin: float | None = 0.05,
    alpha: float = 0.05,
    reduce: Reducer = mean,
    seed: int = 0,
    is_planned: bool = True,
) -> Decision:
    """Return the verdict on one candidate: `decide_all` for a family of one.

    Raises:
        ValueError: as `decide_all`.
    """
    decisions = decide_all(
        {"": (candidate, reference)},
        clusters=clusters,
        margin=margin,
        alpha=alpha,
        reduce=reduce,
        seed=seed,
        is_planned=is_planned,
    )
    return decisions[""]


def decide_all(
    pairs: Mapping[str, tuple[Scores, Scores]],
    *,
    clusters: Mapping[str, str] | None = None,
    margin: float | None = 0.05,
    alpha: float = 0.05,
    reduce: Reducer = mean,
    seed: int = 0,
    is_planned: bool = True,
) -> dict[str, Decision]:
    """Return a verdict on each candidate against one reference, each on the items that these two share.

    - better: p < alpha (two-sided, Holm over the candidates), and the 95 % interval of the difference lies above 0,
      both with the unscored counted against the candidate. The interval is asked for as well because a test of signs
      alone rejects "exchangeable", which rare failures are not, although the means may be equal;
    - worse: the same, below 0, with the unscored counted in its favour;
    - not worse: the lower bound of the difference is above -margin, at one-sided confidence 1 - alpha / candidates.
      This goes before worse: a proven loss within the margin does not matter, as the user has said;
    - not decided: everything else, and whenever more than 5 % of either model's answers are unscored.

    The chance of any false better or worse among the candidates of a task is at most alpha, and so is that of any false
    not worse. With ten tasks it is that for each of them.

    Args:
        pairs: candidate -> its scores by item, and the reference's scores of the items that both were to be asked. The
            reference is chosen before the data, never the best observed.
        clusters: item id -> something sampled that it shares with other items.
        margin: the largest loss of score that does not matter, within 0 to 1; None: `not worse` is never said.
        alpha: the accepted chance of a false alarm.
        reduce: repeats of an item -> its value.
        seed: of whatever is drawn.
        is_planned: whether it is worked out what an open verdict would take, which is most of the work.

    Raises:
        ValueError: a score or margin outside 0 to 1, or alpha outside 0 to 0.5.
    """
    if not 0 < alpha < 0.5 or (margin is not None and not 0 < margin < 1):  # noqa: PLR2004  (a coin would do better)
        raise ValueError(f"expected alpha within 0 to 0.5 and margin within 0 to 1, got {alpha} and {margin}")
    weighed = [
        _weigh(pair(candidate, reference, clusters=clusters, reduce=reduce), seed=seed)
        for candidate, reference in pairs.values()
    ]
    adjusted = holm([evidence.p for evidence in weighed])
    limits = _Limits(margin=margin, alpha=alpha, family=len(weighed), seed=seed, is_planned=is_planned)
    return {name: _judge(evidence, p, limits) for name, evidence, p in zip(pairs, weighed, adjusted, strict=True)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evidence:
    """A candidate's comparison under both assumptions about what is unscored.

    `p` is that of the claim which the worst case leaves open: 1 where the unscored answers could turn the sign.
    """

    pairs: Pairs
    against: Comparison
    favour: Comparison
    p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    margin: float | None
    alpha: float
    family: int
    seed: int
    is_planned: bool


def _weigh(pairs: Pairs, *, seed: int) -> _Evidence:
    against = compare(pairs.against.candidate, pairs.against.reference, clusters=pairs.clusters, seed=seed)
    favour = against
    if pairs.favour != pairs.against:
        favour = compare(pairs.favour.candidate, pairs.favour.reference, clusters=pairs.clusters, seed=seed)
    p = 1.0
    if not pairs.refusal:
        if (against.difference or 0) > 0:
            p = against.p
        elif (favour.difference or 0) < 0:
            p = favour.p
    return _Evidence(pairs=pairs, against=against, favour=favour, p=p)


def _judge(evidence: _Evidence, p: float, limits: _Limits) -> Decision:
    pairs, against = evidence.pairs, evidence.against
    needed, needed_for = None, None
    if pairs.refusal:
        verdict, reason = Verdict.NOT_DECIDED, pairs.refusal
    else:
        verdict, reason = _claim(evidence, p, limits)
        if verdict is Verdict.NOT_DECIDED and limits.is_planned:
            needed, needed_for = _plan(evidence, limits)
    return Decision(
        verdict=verdict,
        reason=reason,
        n=len(pairs.items),
        unscored=pairs.unscored,
        comparison=against,
        p=p,
        margin=limits.margin,
        needed=needed,
        needed_for=needed_for,
    )


def _claim(evidence: _Evidence, p: float, limits: _Limits) -> tuple[Verdict, str]:
    against, favour, margin = evidence.against, evidence.favour, limits.margin
    gain, loss = against.difference or 0.0, -(favour.difference or 0.0)
    if p < limits.alpha and _excludes_zero(against, sign=1):
        return Verdict.BETTER, f"higher by {gain:.2g} (p = {p:.2g})"
    low = _lower_bound(evidence, limits)
    if margin is not None and low is not None and low > -margin:
        ruled_out = "any loss" if low >= 0 else f"a loss of more than {-low:.2g}"
        return Verdict.NOT_WORSE, f"{ruled_out} is ruled out (margin {margin:g})"
    if p < limits.alpha and _excludes_zero(favour, sign=-1):
        return Verdict.WORSE, f"lower by {loss:.2g} (p = {p:.2g})"
    least = least_discordant(limits.alpha)
    if against.method == "mcnemar-exact" and against.discordant < least:
        why = f"they differ on {against.discordant} of {against.n} items, and no fewer than {least} can show a winner"
    else:
        why = f"p = {p:.2g}"
    if margin is not None:
        open_loss = "how large a loss it may be is unknown" if low is None else f"the loss may be {-low:.2g}"
        why += f"; {open_loss} (margin {margin:g})"
    return Verdict.NOT_DECIDED, why


def _lower_bound(evidence: _Evidence, limits: _Limits) -> float | None:
    sides = evidence.pairs.against
    estimate = difference_estimate(
        sides.candidate,
        sides.reference,
        clusters=evidence.pairs.clusters,
        level=1 - 2 * limits.alpha / limits.family,
        seed=limits.seed,
    )
    return estimate.interval.low if estimate.interval else None


def _excludes_zero(comparison: Comparison, *, sign: int) -> bool:
    """Return whether the interval of the difference lies wholly on one side of 0."""
    interval = comparison.interval
    return interval is not None and (interval.low > 0 if sign > 0 else interval.high < 0)


def _plan(evidence: _Evidence, limits: _Limits) -> tuple[int | None, Verdict | None]:
    """Return the items that the cheapest verdict would take, and that verdict: by the power of the test to be run."""
    least = len(evidence.pairs.items) + 1
    found = {
        verdict: items
        for verdict, power in _powers(evidence, limits).items()
        if (items := items_for_power(power, least=least)) is not None
    }
    if not found:
        return None, None
    cheapest = min(found, key=found.__getitem__)
    return found[cheapest], cheapest


def _powers(evidence: _Evidence, limits: _Limits) -> dict[Verdict, Callable[[int], float]]:
    """Return, for each verdict that the observed difference allows, its power by the number of items."""
    sides, against, alpha = evidence.pairs.against, evidence.against, limits.alpha / limits.family
    gain, margin, n = against.difference or 0.0, limits.margin, against.n
    powers: dict[Verdict, Callable[[int], float]] = {}
    if against.method == "mcnemar-exact":
        won, lost = against.candidate_only / n, against.reference_only / n
        if margin is not None and gain > -margin:
            powers[Verdict.NOT_WORSE] = partial(
                tango_power, candidate_only=won, reference_only=lost, margin=margin, alpha=alpha
            )
        if gain > 0:
            powers[Verdict.BETTER] = partial(mcnemar_power, candidate_only=won, reference_only=lost, alpha=alpha)
        if gain < 0:
            powers[Verdict.WORSE] = partial(mcnemar_power, candidate_only=lost, reference_only=won, alpha=alpha)
        return powers
    differences = [ours - theirs for ours, theirs in zip(sides.candidate, sides.reference, strict=True)]
    # With what clusters add: the variance of their sums, for each item.
    sums = cluster_sums([difference - gain for difference in differences], evidence.pairs.clusters)
    variance = math.fsum(total * total for total in sums) / n
    if margin is not None and gain > -margin:
        powers[Verdict.NOT_WORSE] = partial(mean_power, distance=margin + gain, variance=variance, alpha=alpha)
    if gain:
        verdict = Verdict.BETTER if gain > 0 else Verdict.WORSE
        powers[verdict] = partial(mean_power, distance=abs(gain), variance=variance, alpha=alpha, sides=2)
    return powers
