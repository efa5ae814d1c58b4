"""Asks one sample of one instance and says how it ended. Errors of a sample become its outcome, never an exception.

A sample with turns is a conversation that the server keeps (`store`); every other request is asked with `store` false.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.client.retry import retried
from harness.clock import Clock
from harness.domain.answer import Answer, Job
from harness.domain.generation import Generation, Outcome, outcome_of
from harness.domain.model import InstanceId
from harness.domain.sample import Sample
from harness.domain.score import Score
from harness.errors import ApiError, Cancelled, DeadlineExceeded, HarnessError
from harness.run.ask.attempt import Attempts, lost
from harness.run.ask.request import next_request
from harness.task.task import Task


def asker(
    client: Client,
    task: Task,
    *,
    instance_id: InstanceId,
    deadline_s: float,
    is_lost: Callable[[], bool],
    clock: Clock,
) -> Callable[[Job, Exchange], Answer]:
    """Return the function that asks a job, its turns one after another, and scores the last answer.

    A turn that fails or says nothing ends the sample with its outcome; one that was cut at the limit does not.

    Args:
        client: of the server.
        task: of the samples; its scorer scores.
        instance_id: who must answer.
        deadline_s: for all turns together, attempts that failed not counted. A shorter one for the later attempts
            would count a fault of the server as a timeout, which scores 0.
        is_lost: whether the instance went away, so that another one has its id; its answers do not count.
        clock: for the pauses between attempts.
    """
    gone = lost(instance_id)

    def ask(job: Job, exchange: Exchange) -> Answer:
        earlier: list[Generation] = []
        asked_again = 0
        for number in range(1, len(job.sample.turns) + 1):
            answer = turn(job, earlier, exchange)
            asked_again += answer.attempts - 1
            if answer.generation is not None:
                earlier.append(answer.generation)
            if (failed := _broken_off(answer, number)) is not None:
                return _scored(task, replace(failed, attempts=1 + asked_again, earlier=tuple(earlier)))
        answer = turn(job, earlier, exchange)
        return _scored(task, replace(answer, attempts=answer.attempts + asked_again, earlier=tuple(earlier)))

    def turn(job: Job, earlier: Sequence[Generation], exchange: Exchange) -> Answer:
        if is_lost():
            return Answer(job=job, outcome=Outcome.SERVER_ERROR, error=gone)
        left_s = deadline_s - sum(one.times.total_s for one in earlier)
        attempts = Attempts(
            client, next_request(job, earlier), exchange, instance_id=instance_id, deadline_s=left_s, is_lost=is_lost
        )
        try:
            answer = retried(attempts.once, clock=clock, may_repeat=attempts.may_repeat)
        except HarnessError as exc:
            return replace(_failed(job, exc), attempts=attempts.count)
        wrong = gone if is_lost() else _somebody_else(answer, instance_id)
        outcome = outcome_of(answer, max_output_tokens=job.request.max_output_tokens)
        if wrong is not None:
            outcome = Outcome.SERVER_ERROR
        return Answer(job=job, outcome=outcome, generation=answer, error=wrong, attempts=attempts.count)

    return ask


def _somebody_else(answer: Generation, instance_id: InstanceId) -> str | None:
    if answer.model_instance_id == instance_id:
        return None
    return f"asked {instance_id}, but {answer.model_instance_id} answered"


def _failed(job: Job, exc: HarnessError) -> Answer:
    if isinstance(exc, DeadlineExceeded) and exc.phase == "total":
        return Answer(job=job, outcome=Outcome.TIMEOUT, error=exc.message)
    outcome = Outcome.CANCELLED if isinstance(exc, Cancelled) else Outcome.SERVER_ERROR
    kind = f"{exc.status} " if isinstance(exc, ApiError) and exc.status else ""
    return Answer(job=job, outcome=outcome, error=f"{type(exc).__name__}: {kind}{exc.message}")


def _broken_off(answer: Answer, number: int) -> Answer | None:
    """Return how the sample ended when turn `number` went like this; None when the conversation can go on."""
    said = answer.generation
    outcome, why = answer.outcome, answer.error or answer.outcome.value
    if outcome in {Outcome.OK, Outcome.TRUNCATED}:
        if said is not None and said.response_id is not None:
            return None
        outcome, why = Outcome.SERVER_ERROR, "the server kept no response to go on from"
    error = f"turn {number} of {len(answer.job.sample.turns) + 1}: {why}"
    return replace(answer, outcome=outcome, generation=None, error=error)


def judge(task: Task, sample: Sample, text: str, outcome: Outcome) -> Score:
    """Return the score of what a model said; 0 for a failure of the model's own."""
    if outcome is not Outcome.OK:
        return Score(value=0.0, passed=False, reason=outcome.value)
    return task.scorer(text, sample.target)


def _scored(task: Task, answer: Answer) -> Answer:
    """Return the answer with its score; the failures of the model score 0, those of the server and ours nothing."""
    if not answer.outcome.is_scored:
        return answer
    text = answer.generation.text if answer.generation else ""
    return replace(answer, score=judge(task, answer.job.sample, text, answer.outcome))
