"""What is asked of a model, and what became of it."""

from dataclasses import dataclass

from harness.domain.generation import ChatRequest, Generation, Outcome
from harness.domain.sample import Sample
from harness.domain.score import Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One sample, the n-th time (`epoch` from 1). `request` is what its prompt is asked with."""

    sample: Sample
    epoch: int
    request: ChatRequest

    @property
    def place(self) -> tuple[str, int]:
        """What tells it from the other jobs of its task."""
        return self.sample.item_id, self.epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of a job. `score` is None when it does not count (the server failed, or we were interrupted).

    Attributes:
        generation: of the prompt; None when it was not answered.
        earlier: what was answered to the turns before it.
        attempts: more than one where the server failed before it had produced anything.
        is_left_out: it was not asked at all, as the run's time was over.
    """

    job: Job
    outcome: Outcome
    generation: Generation | None = None
    score: Score | None = None
    error: str | None = None
    attempts: int = 1
    earlier: tuple[Generation, ...] = ()
    is_left_out: bool = False
