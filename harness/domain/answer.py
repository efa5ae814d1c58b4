"""A question to a model, and how it ended."""

from dataclasses import dataclass

from harness.domain.generation import ChatRequest, Generation, Outcome
from harness.domain.sample import Sample
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
