"""The judgement of a scorer on one answer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, runtime_checkable

from harness.domain.sample import Json

FAULT: Final = "fault"
"""The key in `details` that marks an answer that is unscored because its scorer or its task failed."""

REVIEW = "review"
"""The name of the scorer where a person is the judge: answers are unscored until grades are read."""


def unscored_words(scorer: str) -> str:
    """Return what became of answers without a score, in words: lost, or with a person as the judge not graded yet."""
    return "have no grade yet" if scorer == REVIEW else "were lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The judgement on one answer.

    Attributes:
        value: 0.0 to 1.0; None means unscored, which is not the same as 0.
        passed: whether the answer is right as a whole. None where the scorer does not say: then
            a run takes it from a value of 1.0.
        reason: in a few words, why the value is not 1.0; "" when it is.
        details: figures that explain the value, such as precision and recall.
    """

    value: float | None
    passed: bool | None = None
    reason: str = ""
    details: Mapping[str, Json] = field(default_factory=dict)

    @property
    def is_fault(self) -> bool:
        """Whether the answer is unscored because its scorer or its task failed."""
        return FAULT in self.details


class Scorer(Protocol):
    """A pure judge of one answer against one target.

    A target that it cannot use raises `TaskError`; an answer that it cannot read scores 0 with a reason.
    """

    @property
    def name(self) -> str:
        """A stable name, stored with every score."""
        ...

    @property
    def version(self) -> str:
        """Changes whenever the same answer may get a different score."""
        ...

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score of `output`."""
        ...


@runtime_checkable
class HasMetrics(Protocol):
    """What a scorer has whose paper reports other figures than the mean score."""

    def metrics(self, judged: Iterable[tuple[Json, Score]]) -> Mapping[str, float]:
        """Return these figures by name, each 0 to 1, from targets and scores; without those that nothing speaks to."""
        ...


def metrics_of(scorer: Scorer, judged: Iterable[tuple[Json, Score]]) -> dict[str, float]:
    """Return the figures of a scorer's paper; none where it reports only the mean. What is unscored does not count."""
    if not isinstance(scorer, HasMetrics):
        return {}
    return dict(scorer.metrics((target, score) for target, score in judged if score.value is not None))
