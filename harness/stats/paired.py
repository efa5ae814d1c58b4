"""Two models on the same items: is one better, and by how much?

Pairs cancel what makes an item easy or hard for both, so they need far fewer items than two separate pass rates.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist, fmean

from harness.stats.bisection import boundary
from harness.stats.estimate import Estimate, Interval
from harness.stats.interval import cluster_names, cluster_sums, mean_estimate

_EXACT_FLIPS = 14  # 2^14 sign vectors: 2 MB, and p is a multiple of 1/8192, finer than Monte Carlo gives
_FLIPS = 9999
_CELLS_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A candidate against a reference on the same items.

    Attributes:
        n: items that both were asked.
        candidate_only: items on which the candidate scored more (binary: only it passed).
        reference_only: items on which the reference scored more.
        difference: mean of candidate - reference; None without items.
        interval: of the difference; None where it cannot be given.
        p: two-sided p-value of "no difference", above 0, at most 1.
        method: of the p-value: `mcnemar-exact`, `sign-flip-exact` or `sign-flip-monte-carlo`.
        reason: why there is no interval, else empty.
    """

    n: int
    candidate_only: int
    reference_only: int
    difference: float | None
    interval: Interval | None
    p: float
    method: str
    reason: str = ""

    @property
    def discordant(self) -> int:
        """How many items tell the two apart at all."""
        return self.candidate_only + self.reference_only


def compare(
    candidate: Sequence[float],
    reference: Sequence[float],
    *,
    clusters: Sequence[str] | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """Return the comparison by the method that fits: exact McNemar for independent zeros and ones, else sign flips.

    Args:
        candidate: its scores, one an item, within 0 to 1.
        reference: the reference's scores of the same items in the same order.
        clusters: one name an item; items that share something sampled, such as a document, share it.
        level: the confidence of the interval, within 0 to 1.
        seed: of whatever is drawn.

    Raises:
        ValueError: the sequences differ in length, or a score is outside 0 to 1.
    """
    estimate = difference_estimate(candidate, reference, clusters=clusters, level=level, seed=seed)
    wins = sum(1 for ours, theirs in zip(candidate, reference, strict=True) if ours > theirs)
    losses = sum(1 for ours, theirs in zip(candidate, reference, strict=True) if ours < theirs)
    if _is_binary(candidate, reference) and not _is_clustered(clusters):
        p, method = mcnemar(wins, losses), "mcnemar-exact"
    else:
        differences = [ours - theirs for ours, theirs in zip(candidate, reference, strict=True)]
        p, method = sign_flip(differences, clusters=clusters, seed=seed)
    return Comparison(
        n=estimate.n,
        candidate_only=wins,
        reference_only=losses,
        difference=estimate.value,
        interval=estimate.interval,
        p=p,
        method=method,
        reason=estimate.reason,
    )


def difference_estimate(
    candidate: Sequence[float],
    reference: Sequence[float],
    *,
    clusters: Sequence[str] | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """Return the mean of candidate - reference with its interval, cut to -1 to 1.

    Independent zeros and ones: Tango's score interval. Others: the paired bootstrap or t of `mean_estimate`, but never
    narrower to either side than z² / (n + z²), which is Tango's bound for n items without any difference (n: clusters).
    Without that, thirty graded items that hardly differ would rule out a rare total failure that thirty items cannot
    show (simulated in tests/stats/test_paired.py).

    Args:
        candidate: its scores, one an item, within 0 to 1.
        reference: the reference's scores of the same items in the same order.
        clusters: one name an item; items that share something sampled, such as a document, share it.
        level: the confidence, within 0 to 1.
        seed: of the bootstrap.

    Raises:
        ValueError: the sequences differ in length, or a score is outside 0 to 1.
    """
    n = len(candidate)
    groups = len(set(cluster_names(n, clusters)))
    if len(reference) != n or any(not 0 <= score <= 1 for score in (*candidate, *reference)):
        raise ValueError("expected scores within 0 to 1, and as many of the candidate as of the reference")
    differences = [ours - theirs for ours, theirs in zip(candidate, reference, strict=True)]
    if n and _is_binary(candidate, reference) and groups == n:
        interval = tango(differences.count(1), differences.count(-1), n, level=level)
        return Estimate(value=fmean(differences), interval=interval, n=n)
    estimate = mean_estimate(differences, clusters=clusters, level=level, seed=seed)
    if estimate.value is None or groups < 2:  # noqa: PLR2004  (one item or cluster shows no spread)
        return estimate
    z = NormalDist().inv_cdf((1 + level) / 2)
    low = high = estimate.value
    unseen = z * z / (groups + z * z)
    method = "t" if groups == n else "t-clustered"
    if estimate.interval is not None:
        low, high, method = estimate.interval.low, estimate.interval.high, estimate.interval.method
    interval = Interval(
        low=max(-1.0, min(low, estimate.value - unseen)),
        high=min(1.0, max(high, estimate.value + unseen)),
        level=level,
        method=method,
        n=n,
    )
    return replace(estimate, interval=interval, reason="")


def mcnemar(candidate_only: int, reference_only: int) -> float:
    """Return the exact two-sided p-value of McNemar's test: min(1, 2 P(B <= min(b, c))), B binomial with b + c and 1/2.

    Items that both pass or both fail say nothing about which is better, and do not enter. Source: McNemar 1947,
    Psychometrika 12:153; exact form: Fagerland, Lydersen and Laake 2013, BMC Medical Research Methodology 13:91.

    Args:
        candidate_only: items that only the candidate passed (b).
        reference_only: items that only the reference passed (c).

    Raises:
        ValueError: a number is negative.
    """
    if candidate_only < 0 or reference_only < 0:
        raise ValueError(f"expected counts >= 0, got {candidate_only} and {reference_only}")
    discordant = candidate_only + reference_only
    tail, term = 0, 1
    for k in range(min(candidate_only, reference_only) + 1):
        tail += term
        term = term * (discordant - k) // (k + 1)
    # Below 1e-308 the quotient would be 0, and no p-value is.
    return min(1.0, max(2 * tail / (1 << discordant), math.ulp(0.0)))


def tango(candidate_only: int, reference_only: int, n: int, *, level: float = 0.95) -> Interval:
    """Return Tango's score interval of a difference of paired pass rates.

    All Δ with |b - c - n Δ| / √(n (2 q + Δ (1 - Δ))) <= z, q the likeliest rate of reference-only items given Δ:
    q = (√(B² - 4 A C) - B) / 2A, A = 2n, B = -b - c + (2n - b + c) Δ, C = -c Δ (1 - Δ). Without any discordant item
    it is ± z² / (n + z²). Source: Tango 1998, Statistics in Medicine 17:891.

    Args:
        candidate_only: items that only the candidate passed (b).
        reference_only: items that only the reference passed (c).
        n: all items.
        level: the confidence, within 0 to 1.

    Raises:
        ValueError: the counts are negative, or more than n.
    """
    b, c = candidate_only, reference_only
    if b < 0 or c < 0 or b + c > n or n < 1:
        raise ValueError(f"expected counts >= 0, at most n, with n >= 1, got {b} and {c} of {n}")
    z = NormalDist().inv_cdf((1 + level) / 2)
    low = boundary(lambda delta: _tango_z(b, c, n, delta) > z, outside=-1.0, inside=(b - c) / n)
    high = -boundary(lambda delta: _tango_z(c, b, n, delta) > z, outside=-1.0, inside=(c - b) / n)
    return Interval(low=low, high=high, level=level, method="tango", n=n)


def _tango_z(b: int, c: int, n: int, delta: float) -> float:
    linear = -b - c + (2 * n - b + c) * delta
    constant = -c * delta * (1 - delta)
    q = (math.sqrt(max(0.0, linear * linear - 8 * n * constant)) - linear) / (4 * n)
    variance = n * (2 * q + delta * (1 - delta))
    distance = b - c - n * delta
    return distance / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, distance)


def sign_flip(
    differences: Sequence[float], *, clusters: Sequence[str] | None = None, seed: int = 0
) -> tuple[float, str]:
    """Return the two-sided p-value of "the signs are chance", and the method.

    Were the two models exchangeable on each item, each difference might as well have the other sign: p is the share of
    sign vectors whose |Σ ± d| is at least the observed one. All 2^m are enumerated up to m = 14 nonzero differences;
    beyond, 9,999 random ones, with (hits + 1) / (draws + 1). Clusters flip as a whole. Source: Fisher 1935, The Design
    of Experiments, section 21; +1: Phipson and Smyth 2010, doi 10.2202/1544-6115.1585.

    Args:
        differences: candidate - reference, one an item.
        clusters: one name an item.
        seed: of the random signs; the same differences give the same p, in whatever order they come.

    Raises:
        ValueError: clusters and differences differ in number.
    """
    sums = list(differences) if clusters is None else cluster_sums(differences, clusters)
    # 1e-12: what rounding leaves of a cluster that sums to 0. The sign of the sizes makes no difference to p.
    nonzero = [value for value in sums if abs(value) > 1e-12]  # noqa: PLR2004
    sizes = sorted(abs(value) for value in nonzero)
    if not sizes:
        return 1.0, "sign-flip-exact"
    import numpy as np

    magnitudes = np.asarray(sizes)
    least = abs(math.fsum(nonzero)) - 1e-9 * math.fsum(sizes)
    if len(sizes) <= _EXACT_FLIPS:
        bits = np.arange(2 ** len(sizes))[:, None] >> np.arange(len(sizes)) & 1
        hits = int((np.abs((2 * bits - 1) @ magnitudes) >= least).sum())
        return hits / 2 ** len(sizes), "sign-flip-exact"
    generator, hits, left = np.random.default_rng(seed), 0, _FLIPS
    while left:
        rows = min(left, max(1, _CELLS_AT_ONCE // len(sizes)))
        signs = 2 * generator.integers(0, 2, (rows, len(sizes)), dtype=np.int8) - 1
        hits += int((np.abs(signs @ magnitudes) >= least).sum())
        left -= rows
    return (hits + 1) / (_FLIPS + 1), "sign-flip-monte-carlo"


def least_discordant(alpha: float = 0.05) -> int:
    """Return the fewest discordant items, all won by one side, with an exact McNemar p below alpha: 6 at 0.05.

    The smallest m with 2 / 2^m < alpha.

    Raises:
        ValueError: alpha is outside 0 to 1.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"expected alpha within 0 to 1, got {alpha}")
    m = 1
    while 2.0 ** (1 - m) >= alpha:
        m += 1
    return m


def _is_binary(*scores: Sequence[float]) -> bool:
    return all(score in {0, 1} for side in scores for score in side)


def _is_clustered(clusters: Sequence[str] | None) -> bool:
    return clusters is not None and len(set(clusters)) < len(clusters)
