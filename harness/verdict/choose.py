"""Who takes a task: one answer per task, with its risk, where `comparison` would often have to say "not decided".

A claim needs proof, but a person must choose anyway. So the answer rests on what is believed after the items seen
(`harness.stats.posterior`), and says how much it may cost:

- a **model**, if it suffices with enough confidence; of those that do, the one with the greatest expected utility;
- **primary**: keep what you use now, because no local model suffices, with the same confidence;
- **open**: neither is sure enough; the best so far is named, and how many items would probably settle it.

A model *suffices* when its mean score on items such as these reaches the yardstick: a fixed floor, or the primary's
mean less a margin where its answers to the same items are known. Utility is the score less a price for time.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import fmean
from typing import TYPE_CHECKING

from harness.stats.pairing import MOST_UNSCORED
from harness.stats.posterior import beta_reaches, expected, mean_draws, reaches, reaches_other

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

MUCH_BETTER = 0.05
"""A difference in utility that a person would want to know about."""

_FORESEEN = 0.8
_FUTURES = 400
_GROWTH = 1.25
_MOST_ITEMS = 10_000
_LIMITS = ("p50_s", "ttft_s", "load_s", "size_bytes")


class AnswerKind(StrEnum):
    """The kinds of answer."""

    MODEL = "model"
    PRIMARY = "primary"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How to choose.

    Attributes:
        floor: the least mean score that will do, unless the primary's own answers are the yardstick.
        margin: how much less than the primary will do.
        confidence: how sure to be before a model, or the primary, is named.
        price: score that a doubling of the time is worth.
        requests_per_load: over how many requests a load is spread.
        is_safe: take only models for which the claims hold, else the largest that suffices.
        max_p50_s, max_ttft_s, max_load_s, max_size_bytes, min_context: hard limits; None: none.
    """

    floor: float = 0.80
    margin: float = 0.10
    confidence: float = 0.90
    price: float = 0.02
    requests_per_load: int = 20
    is_safe: bool = False
    max_p50_s: float | None = None
    max_ttft_s: float | None = None
    max_load_s: float | None = None
    max_size_bytes: int | None = None
    min_context: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """What is known of one model on one task.

    Attributes:
        key: of the model.
        scores: by item, each within 0 to 1; None where the answer was lost to the server or an interruption, which
            counts as wrong here.
        p50_s: median time of an answer; None: not measured.
        ttft_s: median time to the first token.
        load_s: time of a load.
        size_bytes: on disk.
        context: the largest that it can be loaded with, in tokens.
        is_certified: the claims hold: not worse than the yardstick by the margin, and the floor is reached.
    """

    key: str
    scores: Mapping[str, float | None]
    p50_s: float | None = None
    ttft_s: float | None = None
    load_s: float | None = None
    size_bytes: int | None = None
    context: int | None = None
    is_certified: bool = False

    @property
    def n(self) -> int:
        """Items, the lost ones included."""
        return len(self.scores)

    @property
    def lost(self) -> int:
        """How many answers were lost."""
        return sum(score is None for score in self.scores.values())

    @property
    def values(self) -> tuple[float, ...]:
        """The scores in the order of the item ids, the lost ones as 0."""
        return tuple(self.scores[item] or 0.0 for item in sorted(self.scores))

    @property
    def score(self) -> float | None:
        """The mean, the lost ones counted as 0; None without items."""
        return fmean(self.values) if self.scores else None

    def time_s(self, rule: Rule) -> float | None:
        """Return the time of a request with its share of a load; None where no answer was timed."""
        return None if self.p50_s is None else self.p50_s + (self.load_s or 0.0) / rule.requests_per_load


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a model stands in the choice.

    Attributes:
        candidate: the model.
        suffices: the probability that it reaches the yardstick.
        utility: expected score less the price of its time, relative to the quickest; None: not in the choice.
        refusal: why it cannot be chosen whatever its score; empty: it can.
        dominated_by: a model that is expected to be at least as good and as quick; None: none.
        dominated: the probability that the score of that one is really as good.
    """

    candidate: Contender
    suffices: float
    utility: float | None = None
    refusal: str = ""
    dominated_by: str | None = None
    dominated: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """The answer for one task.

    Attributes:
        answer: which kind it is.
        key: the model; the best so far where the answer is open or primary; None: there is no candidate.
        yardstick: the score to reach.
        standings: of all models, best first.
        regret: what the model may lose against the best one within the limits, expected utility.
        nothing_much_better: the probability that no model within the limits is more than `MUCH_BETTER` better.
        loss_to_largest: expected loss of score against the largest model; None: it is that one.
        runner_up: the next best; None: there is none.
        needed: items in all that would probably settle an open answer; None: settled, or more are unlikely to.
        is_certified: the claims hold for the model.
    """

    answer: AnswerKind
    key: str | None
    yardstick: float
    standings: tuple[Standing, ...] = ()
    regret: float | None = None
    nothing_much_better: float | None = None
    loss_to_largest: float | None = None
    runner_up: str | None = None
    needed: int | None = None
    is_certified: bool = False

    @property
    def chosen(self) -> Standing | None:
        """The standing of the model that is named."""
        return next((standing for standing in self.standings if standing.candidate.key == self.key), None)


def choose(
    candidates: Sequence[Contender],
    rule: Rule = Rule(),
    *,
    primary: Contender | None = None,
    most_items: int | None = None,
    seed: int = 0,
) -> Recommendation:
    """Return who takes the task.

    Nothing depends on the order of the candidates or of their items; a candidate's probability to suffice depends on
    its own answers (and the primary's) alone.

    Args:
        candidates: the models.
        rule: how to choose.
        primary: what is used now, with its answers to the same items: its mean less the margin is the yardstick.
        most_items: how many distinct items there can be; None: any number.
        seed: of the draws.

    Raises:
        ValueError: a score is outside 0 to 1, or a key occurs twice.
    """
    if len({candidate.key for candidate in candidates}) < len(candidates):
        raise ValueError("expected each model once")
    # By what was measured, not by name: renaming models changes no draw.
    ordered = sorted(candidates, key=lambda candidate: (candidate.values, candidate.size_bytes or 0, candidate.key))
    yardstick = _Yardstick(rule, primary)
    standings = [
        Standing(candidate=candidate, suffices=yardstick.reached_by(candidate), refusal=refusal(candidate, rule))
        for candidate in ordered
    ]
    if all(standing.refusal for standing in standings):
        return Recommendation(answer=AnswerKind.OPEN, key=None, yardstick=yardstick.value, standings=tuple(standings))
    board = _Board([standing.candidate for standing in standings if not standing.refusal], rule, seed)
    standings = sorted(map(board.placed, standings), key=_rank, reverse=True)
    eligible = [standing for standing in standings if not standing.refusal]
    sure = [standing for standing in eligible if standing.suffices >= rule.confidence]
    named = _safest(sure) if rule.is_safe else next(iter(sure), None)
    best = named or eligible[0]
    answer = AnswerKind.MODEL if named else AnswerKind.OPEN
    if named is None and all(standing.suffices <= 1 - rule.confidence for standing in eligible):
        answer = AnswerKind.PRIMARY
    return Recommendation(
        answer=answer,
        key=best.candidate.key,
        yardstick=yardstick.value,
        standings=tuple(standings),
        regret=board.regret(best.candidate),
        nothing_much_better=board.nothing_much_better(best.candidate),
        loss_to_largest=board.loss_to_largest(best.candidate),
        runner_up=next((standing.candidate.key for standing in eligible if standing is not best), None),
        needed=board.items_to_settle(yardstick, most_items) if answer is AnswerKind.OPEN else None,
        is_certified=best.candidate.is_certified,
    )


def refusal(candidate: Contender, rule: Rule) -> str:
    """Return why a model cannot be chosen, whatever its score; empty: it can be."""
    if candidate.n == 0:
        return "was not asked"
    if candidate.lost > MOST_UNSCORED * candidate.n:
        return f"{candidate.lost} of {candidate.n} answers were lost"
    for name in _LIMITS:
        limit, found = getattr(rule, f"max_{name}"), getattr(candidate, name)
        if limit is not None and (found is None or found > limit):
            return f"{name} is {'unknown' if found is None else f'{found:g}'}, above the limit of {limit:g}"
    if rule.min_context is not None and (candidate.context or 0) < rule.min_context:
        return f"its context is {candidate.context or 'unknown'}, below {rule.min_context}"
    return ""


class _Yardstick:
    """What a model has to reach: the floor, or the primary's mean less the margin."""

    def __init__(self, rule: Rule, primary: Contender | None) -> None:
        self._primary = primary
        self._rule = rule
        self.value = rule.floor if primary is None else max(0.0, (primary.score or 0.0) - rule.margin)

    def reached_by(self, candidate: Contender) -> float:
        """Return the probability that a model suffices."""
        if self._primary is None:
            return reaches(candidate.values, self._rule.floor)
        shared = sorted({*candidate.scores} & {*self._primary.scores})
        mine, theirs = ([model.scores[item] or 0.0 for item in shared] for model in (candidate, self._primary))
        return reaches_other(mine, theirs, self._rule.margin)

    def foreseen(self, rows: "Array", primary_row: "Array | None", counts: "Array") -> "Array":
        """Return the probabilities to suffice, futures x models, that would be believed after these counts of rows."""
        import numpy as np
        from scipy.special import ndtr

        n = counts.sum(axis=1, keepdims=True)
        if primary_row is None:
            found: Array = beta_reaches(counts @ rows, counts @ rows**2, n, self._rule.floor)
            return found
        gaps = rows - primary_row[:, None]
        mean = counts @ gaps / (n + 2)  # the prior's pass and fail of either side cancel out
        variance = ((counts @ gaps**2 + 2) / (n + 2) - mean**2) / (n + 3)
        return np.asarray(ndtr((mean + self._rule.margin) / np.sqrt(variance)), dtype=float)

    def column(self, items: Sequence[str]) -> "Array | None":
        """Return the primary's scores of these items; None where there is no primary."""
        import numpy as np

        if self._primary is None:
            return None
        return np.array([self._primary.scores.get(item) or 0.0 for item in items])


class _Board:
    """All models that may be chosen, compared with each other on their items."""

    def __init__(self, candidates: Sequence[Contender], rule: Rule, seed: int) -> None:
        self._candidates = candidates
        self._rule = rule
        self._seed = seed
        times = [candidate.time_s(rule) for candidate in candidates]
        known = [time_s for time_s in times if time_s]
        quickest, slowest = (min(known), max(known)) if known else (1.0, 1.0)
        # A model without a measured time is taken for as slow as the slowest.
        self._prices = [rule.price * math.log2((time_s or slowest) / quickest) for time_s in times]
        self._drawn = mean_draws(_matrix(candidates), seed=seed)
        self._utilities = self._drawn - self._prices

    def placed(self, standing: Standing) -> Standing:
        """Return a standing with utility and domination; as it is where the model is not in the choice."""
        if standing.refusal:
            return standing
        place = self._candidates.index(standing.candidate)
        utility = expected(standing.candidate.values) - self._prices[place]
        rival, chance = self._rival(place)
        return replace(standing, utility=utility, dominated_by=rival, dominated=chance)

    def _rival(self, place: int) -> tuple[str | None, float | None]:
        """Return the model that most probably is as good as this one among those that are expected to and as quick."""
        mine = expected(self._candidates[place].values)
        chances = {
            other.key: float((self._drawn[:, number] >= self._drawn[:, place]).mean())
            for number, other in enumerate(self._candidates)
            if number != place
            and self._prices[number] <= self._prices[place]
            and expected(other.values) >= mine
            and (self._prices[number] < self._prices[place] or expected(other.values) > mine)
        }
        return max(chances.items(), key=lambda rival: rival[1]) if chances else (None, None)

    def regret(self, candidate: Contender) -> float:
        """Return the expected utility that is lost against the best model, whichever that is."""
        place = self._candidates.index(candidate)
        return float((self._utilities.max(axis=1) - self._utilities[:, place]).mean())

    def nothing_much_better(self, candidate: Contender) -> float:
        """Return the probability that no model is more than `MUCH_BETTER` better."""
        place = self._candidates.index(candidate)
        return float((self._utilities.max(axis=1) - self._utilities[:, place] <= MUCH_BETTER).mean())

    def loss_to_largest(self, candidate: Contender) -> float | None:
        """Return the expected loss of score against the largest model."""
        largest = max(self._candidates, key=lambda other: other.size_bytes or 0)
        if largest is candidate or not largest.size_bytes:
            return None
        place, top = self._candidates.index(candidate), self._candidates.index(largest)
        return float((self._drawn[:, top] - self._drawn[:, place]).clip(0).mean())

    def items_to_settle(self, yardstick: _Yardstick, most_items: int | None) -> int | None:
        """Return the smallest number of items at which the answer will probably not be open; None: no such number.

        Futures are drawn from what is believed now: more items like those seen, in proportions that fit them.
        """
        import numpy as np

        items = sorted(set.intersection(*(set(candidate.scores) for candidate in self._candidates)))
        n = len(items)
        if n == 0:
            return None
        rows = _matrix(self._candidates, items=items)
        primary = yardstick.column(items)
        models = len(self._candidates)
        ends = np.concatenate([rows, np.eye(models), 1 - np.eye(models)])
        if primary is not None:
            primary = np.concatenate([primary, np.zeros(models), np.ones(models)])
        counts = np.concatenate([np.ones(n), np.full(2 * models, 1 / models)])
        rng = np.random.default_rng(self._seed)
        shares = rng.standard_gamma(counts, size=(_FUTURES, len(counts)))
        shares /= shares.sum(axis=1, keepdims=True)
        seen = np.concatenate([np.ones(n), np.zeros(2 * models)])
        most = _MOST_ITEMS if most_items is None else min(most_items, _MOST_ITEMS)
        wanted = n
        while wanted < most:
            wanted = min(most, max(wanted + 1, math.ceil(wanted * _GROWTH)))
            found = yardstick.foreseen(ends, primary, seen + rng.multinomial(wanted - n, shares))
            confidence = self._rule.confidence
            is_settled = (found >= confidence).any(axis=1) | (found <= 1 - confidence).all(axis=1)
            if is_settled.mean() >= _FORESEEN:
                return wanted
        return None


def _matrix(candidates: Sequence[Contender], *, items: Sequence[str] | None = None) -> "Array":
    """Return items x models in the order of the item ids, lost answers as 0, what was not asked as NaN.

    Args:
        candidates: the models.
        items: only these; None: all that any of them was asked.
    """
    import numpy as np

    if items is None:
        items = sorted(set().union(*(candidate.scores for candidate in candidates)))
    return np.array(
        [[candidate.scores.get(item, math.nan) or 0.0 for candidate in candidates] for item in items], dtype=float
    ).reshape(len(items), len(candidates))


def _rank(standing: Standing) -> tuple[float, float, int, str]:
    """Return what standings are ordered by: utility, then certainty, then the smaller file."""
    size = standing.candidate.size_bytes or 0
    return (
        -math.inf if standing.utility is None else standing.utility,
        standing.suffices,
        -size,
        standing.candidate.key,
    )


def _safest(sure: Sequence[Standing]) -> Standing | None:
    """Return the best certified model, else the largest that suffices."""
    certified = [standing for standing in sure if standing.candidate.is_certified]
    if certified:
        return certified[0]
    return max(sure, key=lambda standing: standing.candidate.size_bytes or 0, default=None)
