"""A leased instance, ready to be asked; the warm-up that makes it so; and what a task asks of it."""

from dataclasses import dataclass, replace

from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.domain.generation import ChatRequest, Generation
from harness.domain.markup import is_open_thought
from harness.domain.model import InstanceId, LoadConfig, Model
from harness.errors import ApiError
from harness.lifecycle.lease import Lease
from harness.run.ask.job import Jobs, jobs_of
from harness.run.ask.reasoning import does_reason
from harness.run.ask.room import room_tokens, thought_tokens
from harness.run.ask.way import takes_tools
from harness.settings import Settings
from harness.task.task import Task

_GREETING = "Say hello."
_LONG_TASK = "Count from 1 to 20 in words."
"""Its answer does not end before the limits below, so that it shows where the server stops."""

_FEW_TOKENS, _MORE_TOKENS = 4, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasedModel:
    """A leased instance that has answered a warm-up.

    Attributes:
        lease: on the instance; the run releases it.
        address: what requests address: the instance's id, or its key where the server refuses ids.
        reasoning: what requests send as `reasoning`; None: nothing.
        thinks_in_text: whether it thinks within its text without being asked to, so that the limit counts thoughts.
        short_by_tokens: how many tokens before the limit its server stops.
        level: the reasoning level as a candidate of its own; None: the run asks the model at one level.
    """

    lease: Lease
    address: str
    reasoning: str | None
    thinks_in_text: bool = False
    short_by_tokens: int = 0
    level: str | None = None

    @property
    def model(self) -> Model:
        """The model, as listed when the lease was verified; at its level, where the run asks several."""
        return replace(self.lease.model, reasoning_level=self.level)

    @property
    def instance_id(self) -> InstanceId:
        """The id that every answer must carry."""
        return self.lease.instance.id

    @property
    def does_reason(self) -> bool:
        """Whether the model is expected to think before it answers."""
        return self.thinks_in_text or does_reason(self.reasoning)


def jobs_on(leased: LeasedModel, task: Task, settings: Settings, *, limit: int) -> Jobs:
    """Return what a task asks of a leased instance."""
    return jobs_of(
        task,
        settings,
        limit=limit,
        address=leased.address,
        reasoning=leased.reasoning,
        sends_tools=takes_tools(leased.model, leased.reasoning),
        room_tokens=room_tokens(task, leased.model, settings),
        thought_tokens=extra_thoughts(task, leased, settings),
    )


def extra_thoughts(task: Task, leased: LeasedModel, settings: Settings) -> int:
    """Return how many more tokens an answer gets because the model was seen to think in its text."""
    if not leased.thinks_in_text:
        return 0
    return thought_tokens(task, leased.model, settings, context_length=leased.lease.instance.config.context_length)


def jit_request(model: Model, config: LoadConfig, reasoning: str | None) -> ChatRequest:
    """Return the shortest chat that makes the server load a model by JIT."""
    return ChatRequest(
        model=model.key,
        input=_GREETING,
        max_output_tokens=1,
        context_length=config.context_length,
        reasoning=reasoning,
    )


def warm_up(
    client: Client, lease: Lease, reasoning: str | None, *, deadline_s: float, level: str | None = None
) -> LeasedModel:
    """Ask for a few tokens, and return the instance with what this shows; the answer is discarded.

    An embedding model gets a text to embed: it must never be chatted with.

    Raises:
        ApiError: the server refuses the id and the key, or another instance answered.
    """
    address: str = lease.instance.id
    if lease.model.is_embedding:
        client.embeddings(address, [_GREETING], total_s=deadline_s, exchange=Exchange())
        return LeasedModel(lease=lease, address=address, reasoning=None)
    greet = _Greeting(client, lease, reasoning, deadline_s=deadline_s)
    try:
        answer = greet(address)
    except ApiError:
        # Some servers take only keys, and a key means this instance only while it is the model's only one.
        if len(lease.model.loaded_instances) > 1:
            raise
        address = lease.model.key
        answer = greet(address)
    return LeasedModel(
        lease=lease,
        address=address,
        reasoning=reasoning,
        thinks_in_text=not does_reason(reasoning) and is_open_thought(answer.text),
        level=level,
        short_by_tokens=int(_is_short(answer, _FEW_TOKENS) and _is_short(greet(address, _MORE_TOKENS), _MORE_TOKENS)),
    )


def _is_short(answer: Generation, limit: int) -> bool:
    """Tell whether an answer ended one token before its limit; if one of two limits does, it may be chance."""
    return answer.stats.total_output_tokens == limit - 1


class _Greeting:
    def __init__(self, client: Client, lease: Lease, reasoning: str | None, *, deadline_s: float) -> None:
        self._client = client
        self._lease = lease
        self._reasoning = reasoning
        self._deadline_s = deadline_s

    def __call__(self, address: str, limit: int = _FEW_TOKENS) -> Generation:
        request = ChatRequest(
            model=address, input=_LONG_TASK, temperature=0.0, max_output_tokens=limit, reasoning=self._reasoning
        )
        # Streamed, so that a load that it causes is known at once and journalled.
        answer = self._client.chat(request, stream=True, exchange=Exchange(), total_s=self._deadline_s)
        if answer.model_instance_id != self._lease.instance.id:
            raise ApiError(f"asked {address}, but {answer.model_instance_id} answered")
        return answer
