"""Asks one sample of one instance and says how it ended. Errors of a sample become its outcome, never an exception.

A sample with turns is a conversation that the server keeps (`store`); every other request is asked with `store` false.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.client.retry import is_transient, retried
from harness.client.stream import StreamEvent
from harness.clock import Clock
from harness.domain.generation import ChatRequest, Generation, Outcome, outcome_of
from harness.domain.model import InstanceId, Model
from harness.domain.sample import Sample, content_hash
from harness.domain.score import Score
from harness.errors import ApiError, Cancelled, DeadlineExceeded, HarnessError, InstanceLost
from harness.lifecycle.resident import resident_ids
from harness.settings import Settings
from harness.task.task import Task

REASONING_EXTRA_TOKENS = 2048
"""What an answer's budget grows by where reasoning cannot be switched off: it counts towards the same limit."""

_LEVELS = ("off", "none", "minimal", "low", "medium", "high", "xhigh", "on")


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


def reasoning_for(model: Model, wanted: str | None) -> str | None:
    """Return the `reasoning` to send: what was asked for where the model lists it, else its lowest; None: do not send.

    LM Studio answers 400 to any value for a model without the setting, even to "off" (LMSTUDIO_API, section 3).
    """
    options = model.capabilities.reasoning_options if model.capabilities else None
    if not options:
        return None
    if wanted in options:
        return wanted
    return min(options, key=lambda one: _LEVELS.index(one) if one in _LEVELS else len(_LEVELS))


def request_for(
    task: Task, sample: Sample, *, address: str, reasoning: str | None, max_output_tokens: int | None
) -> ChatRequest:
    """Return the request for a sample's prompt: greedy, not stored, addressed to one instance."""
    budget = task.max_output_tokens if max_output_tokens is None else min(task.max_output_tokens, max_output_tokens)
    if reasoning not in {None, "off", "none"}:
        budget += REASONING_EXTRA_TOKENS
    return ChatRequest(
        model=address,
        input=sample.prompt,
        system_prompt=None if sample.turns else sample.system_prompt,
        temperature=0.0,
        max_output_tokens=budget,
        reasoning=reasoning,
    )


def next_request(job: Job, earlier: Sequence[Generation]) -> ChatRequest:
    """Return what is asked after these answers: the next turn, to be kept by the server, or at last the prompt.

    The system prompt goes with the first message only: some templates fail on a second one (LM Studio's bug #2219).
    """
    sample, count = job.sample, len(earlier)
    if count == len(sample.turns):
        origin = earlier[(sample.continues or count) - 1].response_id if count else None
        return replace(job.request, previous_response_id=origin)
    return replace(
        job.request,
        input=sample.turns[count],
        system_prompt=None if count else sample.system_prompt,
        previous_response_id=earlier[-1].response_id if count else None,
        store=True,
    )


def jobs_of(
    task: Task, settings: Settings, *, limit: int, room_tokens: int, address: str, reasoning: str | None
) -> list[Job]:
    """Return what is asked of one instance: the first `limit` samples of the seed, and all of them again each epoch."""
    tokens = settings.max_output_tokens
    asked = [
        (one, request_for(task, one, address=address, reasoning=reasoning, max_output_tokens=tokens))
        for one in task.samples(seed=settings.seed, limit=limit, room_tokens=room_tokens)
    ]
    return [
        Job(sample=sample, epoch=epoch, request=request)
        for epoch in range(1, settings.epochs + 1)
        for sample, request in asked
    ]


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
        attempts = _Attempts(
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


class _Attempts:
    """One request being asked, as often as the server fails before it has produced anything."""

    def __init__(
        self,
        client: Client,
        request: ChatRequest,
        exchange: Exchange,
        *,
        instance_id: InstanceId,
        deadline_s: float,
        is_lost: Callable[[], bool],
    ) -> None:
        self._client = client
        self._request = request
        self._exchange = exchange
        self._instance_id = instance_id
        self._deadline_s = deadline_s
        self._is_lost = is_lost
        self._has_delta = False
        self._trouble = ""
        self.count = 0

    def once(self, attempt: int) -> Generation:
        """Return the answer of this attempt."""
        self.count = attempt
        if attempt > 1:
            check_resident(self._client, self._instance_id, after=self._trouble, exchange=self._exchange)
        return self._client.chat(
            self._request, stream=True, on_event=self._listen, total_s=self._deadline_s, exchange=self._exchange
        )

    def may_repeat(self, error: HarnessError) -> bool:
        """Tell whether asking again would be the same sample, asked for the first time."""
        self._trouble = error.message
        return is_transient(error) and not (self._has_delta or self._is_lost() or self._exchange.is_cancelled)

    def _listen(self, event: StreamEvent) -> None:
        self._has_delta |= event.is_delta


def check_resident(client: Client, instance_id: InstanceId, *, after: str, exchange: Exchange | None = None) -> None:
    """Make sure that another request by this id loads no model: what went wrong may have been the instance's end.

    Args:
        client: of the server.
        instance_id: of the instance.
        after: what went wrong.
        exchange: cancels it.

    Raises:
        InstanceLost: the listing no longer shows it.
    """
    if instance_id not in resident_ids(client.models(exchange=exchange)):
        raise InstanceLost(f"{instance_id} is no longer loaded: it crashed, or somebody unloaded it. Before: {after}")


def lost(instance_id: InstanceId) -> str:
    """Say that a leased instance went away."""
    return f"{instance_id} was unloaded by somebody or crashed while it was in use, and a request loaded it anew"


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


def sample_uid(task: Task, job: Job, model: Model, *, config: dict[str, Any]) -> str:
    """Return the hash of all that may change the answer: item, model and variant, config, sampling, epoch."""
    return content_hash(
        [
            task.name,
            job.sample.item_hash,
            model.key,
            model.selected_variant,
            config,
            [job.request.temperature, job.request.max_output_tokens, job.request.reasoning],
            job.epoch,
        ]
    )
