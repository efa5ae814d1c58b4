"""What one model for all tasks would mean: a laptop often holds one at a time."""

import math
from collections.abc import Collection, Iterable, Mapping

from harness.verdict.board import Standing
from harness.verdict.contender import Contender, Rule


def is_sure(standing: Standing, rule: Rule) -> bool:
    """Tell whether a model may take the task: it suffices with enough confidence, and nothing forbids it."""
    return not standing.refusal and standing.suffices >= rule.confidence


def total_s(candidates: Collection[Contender]) -> float | None:
    """Return the sum of the median times of an answer; None where one of them is not known."""
    times = [candidate.p50_s for candidate in candidates if candidate.p50_s is not None]
    return sum(times) if times and len(times) == len(candidates) else None


def best_single(by_model: Mapping[str, Mapping[str, Standing]], rule: Rule) -> str:
    """Return the model that may take most tasks; of several the one asked most, then the quickest, then the first key.

    Args:
        by_model: the standings by model key and task; there is a model.
        rule: how to choose.
    """

    def place(key: str) -> tuple[int, int, float, str]:
        standings = by_model[key].values()
        sure = sum(is_sure(standing, rule) for standing in standings)
        time_s = total_s([standing.candidate for standing in standings])
        # The sum of fewer times is smaller: an embedding model's one task would make it the quickest of all.
        return -sure, -len(standings), math.inf if time_s is None else time_s, key

    return min(by_model, key=place)


def largest(by_model: Mapping[str, Mapping[str, Standing]]) -> str:
    """Return the largest model; of equally large ones the last key."""
    return max(by_model, key=lambda key: (size_bytes(by_model[key].values()), key))


def size_bytes(standings: Iterable[Standing]) -> int:
    """Return the size of a model's file, given its standings; 0: unknown."""
    return max(standing.candidate.size_bytes or 0 for standing in standings)


def times_longer(ours: Mapping[str, Standing], theirs: Mapping[str, Standing]) -> float | None:
    """Return how many times as long one model takes as another for the tasks where both are timed; None: nowhere."""
    timed = [
        (mine, other)
        for task in ours
        if task in theirs
        and (mine := ours[task].candidate.p50_s) is not None
        and (other := theirs[task].candidate.p50_s)
    ]
    return sum(mine for mine, _ in timed) / sum(other for _, other in timed) if timed else None
