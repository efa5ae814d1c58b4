"""What the best answer scores that ignores the row: the chance of an own task, measured on its rows."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from harness.domain.sample import Sample, canonical_json
from harness.domain.score import Scorer
from harness.errors import TaskError
from harness.own_task.order import ordered
from harness.own_task.target import ideal_answer
from harness.scoring.judge import judged

_CANDIDATES = 5
_ROWS = 200
_BLANK = "OK."
_WHOLE = frozenset({"choice", "clinc150", "exact", "labels", "normalised"})
"""Scorers for which an answer is right or wrong, and right by an equal target only: counting them is enough."""


class Constant(NamedTuple):
    """The best constant answer, and its mean score."""

    answer: str
    score: float


def best_constant(scorer: Scorer, samples: Sequence[Sample]) -> Constant:
    """Return the best answer that is the same for every row.

    Tried are the most frequent ideal answers and "OK."; where scores are graded, on up to 200 rows.
    """
    frequent = Counter(ideal for sample in samples if (ideal := ideal_answer(scorer.name, sample.target)) is not None)
    if scorer.name in _WHOLE and frequent and not _has_several(samples):
        answer, times = min(frequent.items(), key=lambda found: (-found[1], found[0]))
        return Constant(answer, times / len(samples))
    some = [samples[index] for index in ordered(samples, 0)[:_ROWS]]
    candidates = [_BLANK, *(answer for answer, _ in frequent.most_common(_CANDIDATES))]
    found = [Constant(answer, _mean(scorer, some, answer)) for answer in candidates]
    return max(found, key=lambda constant: constant.score)


def _has_several(samples: Sequence[Sample]) -> bool:
    """Tell whether some row accepts several answers."""
    return any(isinstance(sample.target, list) for sample in samples)


def _mean(scorer: Scorer, samples: Sequence[Sample], answer: str) -> float:
    """Return the mean score of one answer; equal targets are judged once."""
    known: dict[str, float] = {}
    total = 0.0
    for sample in samples:
        key = canonical_json(sample.target)
        if key not in known:
            try:
                known[key] = judged(scorer, answer, sample.target).value or 0.0
            except TaskError:
                known[key] = 0.0
        total += known[key]
    return total / len(samples)
