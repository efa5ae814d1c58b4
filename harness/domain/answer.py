"""A question to a model, and how it ended."""

from dataclasses import dataclass, replace
from functools import lru_cache

from harness.domain.generation import ChatRequest, Generation, Outcome
from harness.domain.sample import Json, Sample
from harness.domain.score import Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One sample to be asked: for the n-th time (`epoch`, from 1), with this `request`."""

    sample: Sample
    epoch: int
    request: ChatRequest

    @property
    def place(self) -> tuple[str, int]:
        """What distinguishes it from the other jobs of its task."""
        return self.sample.item_id, self.epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a job ended. `score` is None when it does not count: the server failed, or the run was interrupted.

    Attributes:
        generation: the answer to the prompt; None when there is none.
        earlier: the answers to the turns before it.
        attempts: more than one when the server failed before it had produced anything.
        is_left_out: it was not asked at all, because the run's time was over.
    """

    job: Job
    outcome: Outcome
    generation: Generation | None = None
    score: Score | None = None
    error: str | None = None
    attempts: int = 1
    earlier: tuple[Generation, ...] = ()
    is_left_out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """What a run keeps of an answer until the summary of its cell: a run may have tens of thousands of them.

    The run file has the rest. What is kept does not depend on the length of the question or of the answer.

    Attributes:
        item_id: of the sample; with `tier` and `cluster_id` what the summary sorts it by.
        target: of the sample, only where the scorer's paper reports figures of its own, which need it.
        e2e_s: how long the answer took; None where there is none.
    """

    item_id: str
    tier: int
    cluster_id: str
    target: Json
    outcome: Outcome
    score: Score | None
    e2e_s: float | None


def kept(answer: Answer, *, with_target: bool) -> KeptAnswer:
    """Return what a run keeps of an answer."""
    sample, generation = answer.job.sample, answer.generation
    return KeptAnswer(
        item_id=sample.item_id,
        tier=sample.tier,
        cluster_id=sample.cluster_id,
        target=sample.target if with_target else None,
        outcome=answer.outcome,
        score=_kept_score(answer.score),
        e2e_s=generation.times.e2e_s if generation is not None else None,
    )


def _kept_score(score: Score | None) -> Score | None:
    """Return the score with those of its details that are figures; of a fault of the scorer, the reason as well."""
    if score is None or score.is_fault:
        return score
    figures = {name: value for name, value in score.details.items() if isinstance(value, int | float)}
    return replace(score, reason="", details=figures) if figures else _plain_score(score.value, passed=score.passed)


@lru_cache(maxsize=4096)
def _plain_score(value: float | None, *, passed: bool | None) -> Score:
    """Return the one score of this kind: most answers share a few of them."""
    return Score(value=value, passed=passed)
