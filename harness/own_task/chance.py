"""What the best answer scores that ignores the row: the chance of an own task, measured on its rows."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from harness.domain.sample import Json, Sample, canonical_json
from harness.domain.score import Scorer
from harness.errors import TaskError
from harness.own_task.kept_sample import KeptSamples
from harness.own_task.order import ordered
from harness.own_task.target import ideal_answer
from harness.scoring.judge import judged_each

_CANDIDATES = 5
_ROWS = 200
_BLANK = "OK."
_WHOLE = frozenset({"choice", "clinc150", "exact", "labels", "normalised"})
"""Scorers for which an answer is right or wrong, and right by an equal target only: counting them is enough."""


class Constant(NamedTuple):
    """The best constant answer, and its mean score."""

    answer: str
    score: float


class IdealAnswers:
    """What the targets of all samples say of answers, collected as the samples are made.

    Args:
        scorer: its name.

    Attributes:
        frequent: how often each ideal answer is one.
        has_several: whether some row accepts several.
    """

    def __init__(self, scorer: str) -> None:
        self._scorer = scorer
        self.frequent: Counter[str] = Counter()
        self.has_several = False

    def add(self, target: Json) -> None:
        """Take in the target of a sample."""
        if (ideal := ideal_answer(self._scorer, target)) is not None:
            self.frequent[ideal] += 1
        self.has_several |= isinstance(target, list)


def best_constant(scorer: Scorer, samples: KeptSamples, answers: IdealAnswers) -> Constant:
    """Return the best answer that is the same for every row.

    Tried are the most frequent ideal answers and "OK."; where scores are graded, on up to 200 rows.
    """
    frequent = answers.frequent
    if scorer.name in _WHOLE and frequent and not answers.has_several:
        answer, times = min(frequent.items(), key=lambda found: (-found[1], found[0]))
        return Constant(answer, times / len(samples))
    some = [samples[index] for index in ordered(samples.keys(), 0)[:_ROWS]]
    candidates = [_BLANK, *(answer for answer, _ in frequent.most_common(_CANDIDATES))]
    found = [Constant(answer, _mean(scorer, some, answer)) for answer in candidates]
    return max(found, key=lambda constant: constant.score)


def _mean(scorer: Scorer, samples: Sequence[Sample], answer: str) -> float:
    """Return the mean score of one answer; equal targets are judged once."""
    targets = {canonical_json(sample.target): sample.target for sample in samples}
    judgements = judged_each(scorer, ((answer, target) for target in targets.values()))
    values = [0.0 if isinstance(found, TaskError) else found.value or 0.0 for found in judgements]
    known = dict(zip(targets, values, strict=True))
    return sum(known[canonical_json(sample.target)] for sample in samples) / len(samples)
