"""From the repeats (epochs) of one item to one value: a reducer."""

import math
import re
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import TypeAlias

Reducer: TypeAlias = Callable[[Sequence[float]], float]
"""The scores of one item's repeats, at least one, each within 0 to 1 -> the item's value, within 0 to 1."""


def mean(scores: Sequence[float]) -> float:
    """Return the mean of an item's repeats: the default, and the only one that suits graded scores.

    Raises:
        ValueError: no score.
    """
    if not scores:
        raise ValueError("expected at least one score")
    return fmean(scores)


def majority(scores: Sequence[float]) -> float:
    """Return 1 when more than half of the repeats passed (a score of 1), else 0: a tie is no majority.

    Raises:
        ValueError: no score, or one that is neither 0 nor 1.
    """
    n, passed = _count(scores)
    return float(2 * passed > n)


def pass_at_k(*, n: int, passed: int, k: int) -> float:
    """Return the chance that at least one of k repeats passes: 1 - C(n - c, k) / C(n, k), unbiased.

    Source: Chen et al. 2021, arXiv 2107.03374, section 2.1.

    Args:
        n: repeats of the item.
        passed: how many of them passed (c).
        k: the number of tries allowed, 1 to n.

    Raises:
        ValueError: not 0 <= passed <= n, or not 1 <= k <= n.
    """
    _check(n, passed, k)
    return 1 - math.comb(n - passed, k) / math.comb(n, k)


def pass_hat_k(*, n: int, passed: int, k: int) -> float:
    """Return the chance that all of k repeats pass (pass^k): C(c, k) / C(n, k), unbiased.

    Source: Yao et al. 2024, arXiv 2406.12045.

    Args:
        n: repeats of the item.
        passed: how many of them passed (c).
        k: how many tries all have to pass, 1 to n.

    Raises:
        ValueError: not 0 <= passed <= n, or not 1 <= k <= n.
    """
    _check(n, passed, k)
    return math.comb(passed, k) / math.comb(n, k)


def named(name: str) -> Reducer:
    """Return the reducer of this name: `mean`, `majority`, `pass@k` or `pass^k` with a number for k.

    Raises:
        ValueError: there is none of this name.
    """
    if name == "mean":
        return mean
    if name == "majority":
        return majority
    match = re.fullmatch(r"pass([@^])([1-9]\d{0,3})", name, flags=re.ASCII)
    if match is None:
        raise ValueError(f"expected mean, majority, pass@k or pass^k, such as pass@3, got {name!r}")
    chance, k = (pass_at_k if match[1] == "@" else pass_hat_k), int(match[2])

    def reduce(scores: Sequence[float]) -> float:
        n, passed = _count(scores)
        return chance(n=n, passed=passed, k=k)

    return reduce


def _count(scores: Sequence[float]) -> tuple[int, int]:
    if not scores or any(score not in {0, 1} for score in scores):
        raise ValueError("expected at least one score, each 0 or 1: graded scores take the mean")
    return len(scores), sum(1 for score in scores if score == 1)


def _check(n: int, passed: int, k: int) -> None:
    if not (0 <= passed <= n and 1 <= k <= n):
        raise ValueError(f"expected 0 <= passed <= n and 1 <= k <= n, got passed {passed}, n {n}, k {k}")
