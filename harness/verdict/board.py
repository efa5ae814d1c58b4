"""All models that may take one task, compared on the same items: what is believed of each, and what it may lose."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from harness.stats.interval import effective_items
from harness.stats.noise import is_within
from harness.stats.posterior import beta_reaches, expected, mean_draws, reaches, reaches_other, settled
from harness.verdict.contender import Contender, Rule

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a model stands in the choice.

    Attributes:
        candidate: the model.
        suffices: the probability that it reaches the yardstick.
        utility: expected score less the price of its time, relative to the quickest; None: not in the choice.
        price: what its time costs; None: not in the choice.
        as_quick_as: a quicker model whose time it is counted with, as the two differ by no more than noise; None: none.
        refusal: why it cannot be chosen whatever its score; empty: it can.
        dominated_by: a model that is expected to be at least as good and as quick; None: none.
        dominated: the probability that the score of that one is really as good.
        best: the probability that no model has a greater utility; None: not in the choice.
    """

    candidate: Contender
    suffices: float
    utility: float | None = None
    price: float | None = None
    as_quick_as: str | None = None
    refusal: str = ""
    dominated_by: str | None = None
    dominated: float | None = None
    best: float | None = None


class Yardstick:
    """What a model has to reach: the floor, or the primary's mean less the margin."""

    def __init__(self, rule: Rule, primary: Contender | None) -> None:
        self._primary = primary
        self._rule = rule
        self.value = rule.floor if primary is None else max(0.0, (primary.score or 0.0) - rule.margin)

    @property
    def is_relative(self) -> bool:
        """Whether it is the primary's mean."""
        return self._primary is not None

    def reached_by(self, candidate: Contender) -> float:
        """Return the probability that a model suffices."""
        if self._primary is None:
            return _reaches(candidate, self._rule.floor)
        shared = sorted({*candidate.scores} & {*self._primary.scores})
        mine, theirs = ([model.scores[item] or 0.0 for item in shared] for model in (candidate, self._primary))
        clusters = _cluster_names([self._primary, candidate], shared)
        return reaches_other(mine, theirs, self._rule.margin, clusters=clusters)

    def independent_share(self, candidate: Contender) -> float:
        """Return how much an item tells of whether a model suffices, of what it would tell if it stood alone."""
        if self._primary is None:
            return _independent_share(candidate)
        shared = sorted({*candidate.scores} & {*self._primary.scores})
        names = _cluster_names([self._primary, candidate], shared)
        return len({*names}) / len(names) if names else 1.0

    def foreseen(self, rows: "Array", primary_row: "Array | None", counts: "Array") -> "Array":
        """Return the probabilities to suffice, futures x models, that would be believed after these counts of rows."""
        import numpy as np

        n = counts.sum(axis=1, keepdims=True)
        if primary_row is None:
            found: Array = beta_reaches(counts @ rows, counts @ rows**2, n, self._rule.floor)
            return found
        from scipy.special import ndtr

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


def _reaches(candidate: Contender, floor: float) -> float:
    """Return the probability that a model reaches the floor; clustered items count as the fewer that tell as much."""
    values, share = candidate.values, _independent_share(candidate)
    if share == 1:
        return reaches(values, floor)
    total, squares = sum(values), sum(value**2 for value in values)
    return float(beta_reaches(share * total, share * squares, share * len(values), floor))


def _independent_share(candidate: Contender) -> float:
    """Return how much an item tells, on average, of what it would tell if it shared a cluster with no other."""
    values, names = candidate.values, candidate.cluster_names
    if names is None or not values:
        return 1.0
    return (effective_items(values, names) if len({*names}) > 1 else 1.0) / len(values)


def _cluster_names(candidates: Sequence[Contender], items: Sequence[str]) -> list[str] | None:
    """Return the cluster of each item; None where every item stands alone."""
    known = {item: name for candidate in candidates for item, name in candidate.clusters.items()}
    names = [known.get(item, f"item {item}") for item in items]
    return names if len({*names}) < len(names) else None


def _expected(candidate: Contender) -> float:
    """Return the expected mean score; each cluster is one item, as in `mean_draws`."""
    names = candidate.cluster_names
    if not names:
        return expected(candidate.values)
    return expected([candidate.score or 0.0] * len({*names}))


class Board:
    """All models that may be chosen, compared with each other on their items."""

    def __init__(self, candidates: Sequence[Contender], rule: Rule, seed: int) -> None:
        self._candidates = candidates
        self._rule = rule
        self._seed = seed
        self._paces = paces(candidates, rule)
        times = [pace and pace.time_s(rule) for pace in self._paces]
        known = [time_s for time_s in times if time_s]
        quickest, slowest = (min(known), max(known)) if known else (1.0, 1.0)
        # A model without a measured time is taken for as slow as the slowest.
        self._prices = [rule.price * math.log2((time_s or slowest) / quickest) for time_s in times]
        self._items = sorted(set().union(*(candidate.scores for candidate in candidates)))
        # Such a model loses nothing: numpy, which takes 70 ms to import, is not needed to draw that.
        self._is_alone = len(candidates) == 1

    @cached_property
    def _drawn(self) -> "Array":
        clusters = _cluster_names(self._candidates, self._items)
        return mean_draws(_matrix(self._candidates, self._items), clusters=clusters, seed=self._seed)

    @cached_property
    def _losses(self) -> "Array":
        """What each model loses of utility against the best one, in each draw; draws x models."""
        utilities = self._drawn - self._prices
        losses: Array = utilities.max(axis=1, keepdims=True) - utilities
        return losses

    def placed(self, standing: Standing) -> Standing:
        """Return a standing with utility and domination; as it is where the model is not in the choice."""
        if standing.refusal:
            return standing
        place = self._candidates.index(standing.candidate)
        utility = _expected(standing.candidate) - self._prices[place]
        rival, chance = self._rival(place)
        best = 1.0 if self._is_alone else float((self._losses.argmin(axis=1) == place).mean())
        pace = self._paces[place]
        return replace(
            standing,
            utility=utility,
            price=self._prices[place],
            as_quick_as=None if pace is None or pace is standing.candidate else pace.key,
            dominated_by=rival,
            dominated=chance,
            best=best,
        )

    def _rival(self, place: int) -> tuple[str | None, float | None]:
        """Return the model that most probably is as good as this one among those that are expected to and as quick."""
        mine = _expected(self._candidates[place])
        chances = {
            other.key: float((self._drawn[:, number] >= self._drawn[:, place]).mean())
            for number, other in enumerate(self._candidates)
            if number != place
            and self._prices[number] <= self._prices[place]
            and _expected(other) >= mine
            and (self._prices[number] < self._prices[place] or _expected(other) > mine)
        }
        return max(chances.items(), key=lambda rival: rival[1]) if chances else (None, None)

    def regret(self, candidate: Contender) -> float:
        """Return the expected utility that is lost against the best model, whichever that is."""
        place = self._candidates.index(candidate)
        return 0.0 if self._is_alone else float(self._losses[:, place].mean())

    def nothing_much_better(self, candidate: Contender) -> float:
        """Return the probability that no model is more than `MUCH_BETTER` better."""
        place = self._candidates.index(candidate)
        return 1.0 if self._is_alone else float((self._losses[:, place] <= MUCH_BETTER).mean())

    def loss_to_largest(self, candidate: Contender) -> float | None:
        """Return the expected loss of score against the largest model."""
        largest = max(self._candidates, key=lambda other: other.size_bytes or 0)
        if largest is candidate or not largest.size_bytes:
            return None
        place, top = self._candidates.index(candidate), self._candidates.index(largest)
        return float((self._drawn[:, top] - self._drawn[:, place]).clip(0).mean())

    def items_to_settle(self, yardstick: Yardstick, most_items: int | None) -> int | None:
        """Return the smallest number of items at which the answer will probably not be open; None: no such number.

        Futures are drawn from what is believed now: more items like those seen, in proportions that fit them. Those of
        one model's passes and fails are counted out. Where items share clusters it takes more of them, as each tells
        less.
        """
        items = sorted(set.intersection(*(set(candidate.scores) for candidate in self._candidates)))
        if not items:
            return None
        most = _MOST_ITEMS if most_items is None else min(most_items, _MOST_ITEMS)
        chance = self._counted_future(yardstick) or self._drawn_future(yardstick, items)
        wanted = len(items)
        while wanted < most:
            wanted = min(most, max(wanted + 1, math.ceil(wanted * _GROWTH)))
            if chance(wanted) >= _FORESEEN:
                needed = math.ceil(wanted / min(map(yardstick.independent_share, self._candidates)))
                return needed if needed <= most else None
        return None

    def _counted_future(self, yardstick: Yardstick) -> Callable[[int], float] | None:
        """Return the chance to be settled by the items in all; None for several models, graded scores or a primary.

        Counting needs no numpy, which takes 70 ms to import at the end of a run.
        """
        values = self._candidates[0].values
        if not self._is_alone or yardstick.is_relative or not all(value in {0, 1} for value in values):
            return None
        passed, n = int(sum(values)), len(values)
        rule = self._rule
        return lambda items: settled(passed, n, items, floor=rule.floor, confidence=rule.confidence)

    def _drawn_future(self, yardstick: Yardstick, items: Sequence[str]) -> Callable[[int], float]:
        """Return the share of futures that are settled, by the items in all."""
        import numpy as np

        n = len(items)
        rows = _matrix(self._candidates, items)
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

        def chance(wanted: int) -> float:
            found = yardstick.foreseen(ends, primary, seen + rng.multinomial(wanted - n, shares))
            confidence = self._rule.confidence
            is_settled = (found >= confidence).any(axis=1) | (found <= 1 - confidence).all(axis=1)
            return float(is_settled.mean())

        return chance


def paces(candidates: Sequence[Contender], rule: Rule) -> list[Contender | None]:
    """Return for each model the one whose time it is counted with; None: it was not timed.

    From the quickest on, a model counts as quick as the first one of the group before it unless they differ by more
    than the noise of both; then it begins the next group. So no order and no chain of small differences decides
    anything, and a model without a measured noise counts with its own time.
    """
    found: dict[str, Contender] = {}
    head: Contender | None = None
    for candidate in sorted(
        (candidate for candidate in candidates if candidate.time_s(rule)),
        key=lambda candidate: (candidate.time_s(rule) or 0.0, candidate.time_noise or 0.0, candidate.key),
    ):
        if head is None or not _is_as_quick(candidate, head, rule):
            head = candidate
        found[candidate.key] = head
    return [found.get(candidate.key) for candidate in candidates]


def _is_as_quick(candidate: Contender, head: Contender, rule: Rule) -> bool:
    ours, theirs = candidate.time_s(rule), head.time_s(rule)
    if not ours or not theirs or candidate.time_noise is None or head.time_noise is None:
        return False
    return is_within(ours / theirs, candidate.time_noise + head.time_noise)


def _matrix(candidates: Sequence[Contender], items: Sequence[str]) -> "Array":
    """Return items x models, lost answers as 0, what was not asked as NaN."""
    import numpy as np

    return np.array(
        [[candidate.scores.get(item, math.nan) or 0.0 for candidate in candidates] for item in items], dtype=float
    ).reshape(len(items), len(candidates))
