"""What is believed of mean scores after n items: one model's chance to reach a floor, and all models' means together.

A prior of one pass and one fail stands behind every model, so nothing is certain after a few lucky items. For passes
and fails that makes the mean Beta(1 + passes, 1 + fails) exactly. Graded scores get the Bayesian bootstrap: items
weighted by a flat Dirichlet distribution (Rubin 1981, Annals of Statistics 9:130). What is decided is computed exactly;
draws only say what may be lost.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from harness.stats.beta import beta_cdf
from harness.stats.quadrature import log_integral

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

DRAWS = 4_000
MOST_ROWS = 2_000
"""Beyond so many, graded scores are summed up: nothing that a person could see depends on it."""

_MOST_UNGROUPED = 200
_FEW = 100

_CELLS_AT_ONCE = 2_000_000  # 16 MB of weights


def reaches(scores: Sequence[float], floor: float) -> float:
    """Return the probability that the mean score is `floor` or more.

    It depends on this model's scores alone, on no order, and never rises when a score falls.

    Args:
        scores: one an item, each within 0 to 1; none at all is the prior.
        floor: within 0 to 1.

    Raises:
        ValueError: a score or the floor is outside 0 to 1.
    """
    if not 0 <= floor <= 1:
        raise ValueError(f"expected a floor within 0 to 1, got {floor}")
    if not all(0 <= score <= 1 for score in scores):
        raise ValueError("expected scores within 0 to 1")
    if len(scores) > MOST_ROWS or all(score in {0, 1} for score in scores):
        below, above = _shapes(math.fsum(scores), math.fsum(score**2 for score in scores), len(scores))
        return beta_cdf(1 - floor, below, above)
    import numpy as np

    return sum_is_positive(np.array([*scores, 0.0, 1.0]) - floor)


def settled(passed: int, n: int, items: int, *, floor: float, confidence: float) -> float:
    """Return the chance that after so many items in all it is settled whether a model reaches the floor.

    Settled: `reaches` is at least the confidence, or at most 1 less it. Of the further items those passed are
    beta-binomial, given what is believed now.

    Args:
        passed: of the items until now.
        n: how many those are.
        items: in all, n or more.
        floor: within 0 to 1.
        confidence: from 1/2 to 1.
    """
    more, mine, others = items - n, passed + 1, n - passed + 1

    def believed(passes: int) -> float:
        return beta_cdf(1 - floor, items - passes + 1, passes + 1)

    def chance(further: int) -> float:
        ways = math.lgamma(more + 1) - math.lgamma(further + 1) - math.lgamma(more - further + 1)
        after = math.lgamma(mine + further) + math.lgamma(others + more - further) - math.lgamma(items + 2)
        return math.exp(ways + after + math.lgamma(n + 2) - math.lgamma(mine) - math.lgamma(others))

    possible = range(passed, passed + more + 1)
    first = bisect_right(possible, 1 - confidence, key=believed)
    return 1 - math.fsum(map(chance, range(first, bisect_left(possible, confidence, key=believed))))


def reaches_other(
    scores: Sequence[float], other: Sequence[float], margin: float, *, clusters: Sequence[str] | None = None
) -> float:
    """Return the probability that a model's mean is no more than `margin` below another's, on the same items.

    Args:
        scores: one an item, each within 0 to 1.
        other: the other model's, in the same order.
        margin: within 0 to 1.
        clusters: one an item; items of a cluster are believed together, as in `mean_draws`.

    Raises:
        ValueError: a score is outside 0 to 1.
    """
    import numpy as np

    mine, theirs = (_checked(np.asarray(values, dtype=float)) for values in (scores, other))
    # The prior of `mean_draws` for two models: items that only one of them passes, or fails, each of weight 1/2.
    priors = np.array([1.0, -1.0, -1.0, 1.0])
    if clusters is not None:
        totals, sizes, equal = _grouped((mine - theirs)[:, None], np.ones((len(mine), 1)), clusters)
        scale = sizes.mean() if len(sizes) else 1.0
        sums = np.concatenate([(totals + margin * sizes)[:, 0], (priors + margin) * scale])
        return sum_is_positive(sums, np.concatenate([equal, np.full(len(priors), 0.5)]))
    # Equal terms are one whose weight has their number as its shape: of passes and fails there are three.
    gaps, counts = np.unique(mine - theirs, return_counts=True)
    terms, shapes = np.concatenate([gaps, priors]), np.concatenate([counts, np.full(len(priors), 0.5)])
    if len(gaps) > MOST_ROWS:
        mean = shapes @ terms / shapes.sum()
        variance = (shapes @ terms**2 / shapes.sum() - mean**2) / (shapes.sum() + 1)
        return NormalDist().cdf((mean + margin) / math.sqrt(variance))
    return sum_is_positive(terms + margin, shapes)


def sum_is_positive(terms: "Array", shapes: "Array | None" = None) -> float:
    """Return the probability that a sum of terms, each times a gamma weight of its own, is 0 or more.

    For the weights of a Dirichlet distribution it is the same, as their common scale cancels out. Exact: the
    characteristic function is inverted, P = 1/2 + 1/pi * integral over t > 0 of
    sin(sum k atan(a t)) / (t prod (1 + a^2 t^2)^(k/2)). Source: Imhof 1961, Biometrika 48:419.

    Args:
        terms: any numbers.
        shapes: of the weights; None: 1 each.
    """
    import numpy as np

    if terms.min() >= 0:
        return 1.0
    if terms.max() <= 0:
        return 0.0
    powers = np.ones(len(terms)) if shapes is None else shapes
    terms = terms / np.sqrt((powers * terms**2).sum())  # so that the integrand falls off around t = 1

    def integrand(t: "Array") -> "Array":
        scaled = np.multiply.outer(t, terms)
        damped: Array = np.sin(np.arctan(scaled) @ powers) * np.exp(-0.5 * (np.log1p(scaled**2) @ powers))
        return damped

    area = log_integral(integrand, at_once=max(1, _CELLS_AT_ONCE // (4 * len(terms))))
    return min(1.0, max(0.0, 0.5 + area / math.pi))


def beta_reaches(total: Any, squares: Any, n: Any, floor: float) -> Any:
    """Return the probability of a mean of `floor` or more from sums alone, by the Beta distribution of equal moments.

    Exact for passes and fails. For graded scores it has the mean and variance of the Bayesian bootstrap, and is close
    enough for plans and for thousands of items. Arrays are taken element by element.

    Args:
        total: sum of the scores.
        squares: sum of their squares.
        n: how many.
        floor: within 0 to 1.
    """
    import numpy as np

    below, above = _shapes(np.asarray(total, dtype=float), np.asarray(squares, dtype=float), n)
    # The upper tail, without cancellation. Of passes and fails few sums are different: those are no reason to import
    # scipy, which takes .2 s.
    pairs, places = np.unique(np.stack([below, above]).reshape(2, -1), axis=1, return_inverse=True)
    if pairs.shape[1] > _FEW:
        from scipy.special import betainc

        return betainc(below, above, 1 - floor)
    found = np.array([beta_cdf(1 - floor, float(a), float(b)) for a, b in pairs.T])
    return found[places.ravel()].reshape(below.shape)


def _shapes(total: Any, squares: Any, n: Any) -> tuple[Any, Any]:
    """Return the shapes of the Beta distribution of what a mean falls short of 1, from sums or arrays of sums."""
    mean = (total + 1) / (n + 2)
    variance = ((squares + 1) / (n + 2) - mean**2) / (n + 3)
    # The prior's pass and fail keep the mean off 0 and 1, and the variance off 0.
    size = mean * (1 - mean) / variance - 1
    return (1 - mean) * size, mean * size


def expected(scores: Sequence[float]) -> float:
    """Return the expected mean score: one pass and one fail are added (Laplace's rule of succession)."""
    return (sum(scores) + 1) / (len(scores) + 2)


def mean_draws(scores: "Array", *, clusters: Sequence[str] | None = None, draws: int = DRAWS, seed: int = 0) -> "Array":
    """Return draws of the mean scores of several models together, which keeps that they were asked the same items.

    The prior is, for each of the M models, an item that only this one passes and one that only this one fails, each of
    weight 1/M. So every model has one pass and one fail in all, and adding a model changes no other's distribution.

    Args:
        scores: items x models, each within 0 to 1, or NaN where a model was not asked an item. The draws follow the
            order of the rows, so it should not depend on who was asked when: that of the item ids will do.
        clusters: what each row shares with others that was itself sampled; rows of a cluster are drawn together.
        draws: how many.
        seed: of the draws.

    Returns:
        draws x models.

    Raises:
        ValueError: a score is outside 0 to 1.
    """
    import numpy as np

    values = np.asarray(scores, dtype=float)
    is_asked = ~np.isnan(values)
    totals = _checked(np.where(is_asked, values, 0.0))
    totals, sizes, counts = _grouped(totals, is_asked.astype(float), clusters)
    models = values.shape[1]
    scale = sizes[sizes > 0].mean() if (sizes > 0).any() else 1.0
    priors = np.concatenate([np.eye(models), 1 - np.eye(models)]) * scale
    rng = np.random.default_rng(seed)
    found = []
    for some in _chunks(draws, len(totals) + len(priors)):
        weights = rng.standard_gamma(counts, size=(some, len(counts)))
        prior_weights = rng.standard_gamma(1 / models, size=(some, len(priors)))
        mass = weights @ sizes + prior_weights.sum(axis=1, keepdims=True) * scale
        found.append((weights @ totals + prior_weights @ priors) / mass)
    return np.concatenate(found)


def _grouped(totals: "Array", sizes: "Array", clusters: Sequence[str] | None) -> "tuple[Array, Array, Array]":
    """Return rows to weight: sums of scores and numbers of items by model, and how many equal rows each stands for.

    A cluster's rows become one. Of very many rows, equal ones become one whose weight has their number as its shape,
    which is the same distribution: 100,000 items of passes and fails on five models are at most 32 rows.
    """
    import numpy as np

    if clusters is not None:
        names, place = np.unique(np.asarray(clusters), return_inverse=True)
        summed = np.zeros((2, len(names), totals.shape[1]))
        np.add.at(summed[0], place, totals)
        np.add.at(summed[1], place, sizes)
        totals, sizes = summed
    if len(totals) <= _MOST_UNGROUPED:
        return totals, sizes, np.ones(len(totals))
    rows, counts = np.unique(np.column_stack([totals, sizes]), axis=0, return_counts=True)
    return rows[:, : totals.shape[1]], rows[:, totals.shape[1] :], counts.astype(float)


def _checked(values: "Array") -> "Array":
    if not ((values >= 0) & (values <= 1)).all():  # NaN is neither
        raise ValueError("expected scores within 0 to 1")
    return values


def _chunks(draws: int, width: int) -> list[int]:
    size = max(1, _CELLS_AT_ONCE // max(1, width))
    return [min(size, draws - begun) for begun in range(0, draws, size)]
