"""Asks one sample of one instance and reports how it ended. A failed request becomes the sample's outcome.

A sample with turns is a conversation: its turns are sent with `store` true, so that the server keeps them. Every other
request has `store` false. A sample with texts is for an embedding model, which is not chatted with.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.client.retry import retried
from harness.client.stream import Listener
from harness.clock import Clock
from harness.domain.answer import Answer, Job
from harness.domain.generation import Generation, Outcome, outcome_of
from harness.domain.model import InstanceId
from harness.domain.sample import Sample
from harness.domain.score import Score
from harness.errors import ApiError, Cancelled, DeadlineExceeded, HarnessError, TaskError
from harness.run.ask.attempt import Attempts, lost
from harness.run.ask.embedding import similarities
from harness.run.ask.request import next_request
from harness.run.ask.tool import called
from harness.scoring.judge import faulty, is_fault, judged
from harness.task.task import Task


def asker(
    client: Client,
    *,
    instance_id: InstanceId,
    deadline_s: float,
    is_lost: Callable[[], bool],
    clock: Clock,
    short_by_tokens: int = 0,
) -> Callable[[Job, Exchange], Answer]:
    """Return the function that asks a job, turn by turn, and returns the last answer, which `scored` judges.

    A turn that fails or has no answer ends the sample with that outcome; a turn that was cut at the limit does not.

    Args:
        client: of the server.
        instance_id: the instance that must answer.
        deadline_s: for all turns together. Failed attempts do not count towards it: a fault of the server must not
            become a timeout, which scores 0.
        is_lost: tells whether the instance went away, so that another one has its id; its answers do not count.
        clock: for the pauses between attempts.
        short_by_tokens: how many tokens before the limit the server stops: such an answer is truncated.
    """
    instance_lost = lost(instance_id)

    def ask(job: Job, exchange: Exchange) -> Answer:
        earlier: list[Generation] = []
        asked_again = 0
        for number in range(1, len(job.sample.turns) + 1):
            answer = turn(job, earlier, exchange)
            asked_again += answer.attempts - 1
            if answer.generation is not None:
                earlier.append(answer.generation)
            if (failed := _broken_off(answer, number)) is not None:
                return replace(failed, attempts=1 + asked_again, earlier=tuple(earlier))
        return _after(earlier, turn(job, earlier, exchange), asked_again)

    def turn(job: Job, earlier: Sequence[Generation], exchange: Exchange) -> Answer:
        if is_lost():
            return Answer(job=job, outcome=Outcome.SERVER_ERROR, error=instance_lost)
        left_s = deadline_s - sum(generation.times.total_s for generation in earlier)
        try:
            send = _sender(client, job, earlier, exchange, instance_id=instance_id, total_s=left_s)
        except TaskError as exc:
            return _failed(job, exc)
        attempts = Attempts(client, send, exchange, instance_id=instance_id, is_lost=is_lost)
        try:
            generation = retried(attempts.once, clock=clock, may_repeat=attempts.may_repeat)
        except HarnessError as exc:
            return replace(_failed(job, exc), attempts=attempts.count)
        error = instance_lost if is_lost() else _other_instance(generation, instance_id)
        limit = job.request.max_output_tokens
        outcome = outcome_of(generation, max_output_tokens=None if limit is None else limit - short_by_tokens)
        if error is not None:
            outcome = Outcome.SERVER_ERROR
        return Answer(job=job, outcome=outcome, generation=generation, error=error, attempts=attempts.count)

    return ask


def _sender(
    client: Client,
    job: Job,
    earlier: Sequence[Generation],
    exchange: Exchange,
    *,
    instance_id: InstanceId,
    total_s: float,
) -> Callable[[Listener], Generation]:
    """Return what asks a job's next turn once: a chat, one with functions, or for an embedding model texts.

    Raises:
        TaskError: an image of the sample can no longer be read.
    """
    if texts := job.sample.texts:
        address = job.request.model
        return lambda _: similarities(
            client, address, texts, instance_id=instance_id, total_s=total_s, exchange=exchange
        )
    if job.tools:
        return lambda listen: called(client, job, listen, instance_id=instance_id, total_s=total_s, exchange=exchange)
    request = next_request(job, earlier)
    return lambda listen: client.chat(request, stream=True, on_event=listen, total_s=total_s, exchange=exchange)


def _after(earlier: Sequence[Generation], answer: Answer, asked_again: int) -> Answer:
    """Return the last answer of a conversation with what came before it."""
    if not earlier:
        return answer
    return replace(answer, attempts=answer.attempts + asked_again, earlier=tuple(earlier))


def _other_instance(generation: Generation, instance_id: InstanceId) -> str | None:
    if generation.model_instance_id == instance_id:
        return None
    return f"asked {instance_id}, but {generation.model_instance_id} answered"


def _failed(job: Job, exc: HarnessError) -> Answer:
    if isinstance(exc, DeadlineExceeded) and exc.phase == "total":
        return Answer(job=job, outcome=Outcome.TIMEOUT, error=exc.message)
    outcome = Outcome.CANCELLED if isinstance(exc, Cancelled) else Outcome.SERVER_ERROR
    status = f"{exc.status} " if isinstance(exc, ApiError) and exc.status else ""
    return Answer(job=job, outcome=outcome, error=f"{type(exc).__name__}: {status}{exc.message}")


def _broken_off(answer: Answer, number: int) -> Answer | None:
    """Return the answer of a sample that ends with turn `number`; None when the conversation can continue."""
    generation = answer.generation
    outcome, why = answer.outcome, answer.error or answer.outcome.value
    if outcome in {Outcome.OK, Outcome.TRUNCATED}:
        if generation is not None and generation.response_id is not None:
            return None
        outcome, why = Outcome.SERVER_ERROR, "the server returned no response_id, so the conversation cannot continue"
    error = f"turn {number} of {len(answer.job.sample.turns) + 1}: {why}"
    return replace(answer, outcome=outcome, generation=None, error=error)


def judge(task: Task, sample: Sample, text: str, outcome: Outcome) -> Score:
    """Return the score of an answer; 0 where the model itself failed, such as by an empty answer.

    It is unscored, and its reason names the sample, where the scorer fails or cannot use the target.
    """
    if outcome is not Outcome.OK:
        return Score(value=0.0, passed=False, reason=outcome.value)
    try:
        score = judged(task.scorer, text, sample.target)
    except TaskError as exc:
        score = faulty(exc.message)
    return replace(score, reason=f"{sample.item_id}: {score.reason}") if is_fault(score) else score


def scored(task: Task, answer: Answer) -> Answer:
    """Return the answer with its score. It stays unscored where the server failed or the run was interrupted."""
    if not answer.outcome.is_scored:
        return answer
    text = answer.generation.text if answer.generation else ""
    score = judge(task, answer.job.sample, text, answer.outcome)
    return replace(answer, score=score, error=score.reason if is_fault(score) else answer.error)
