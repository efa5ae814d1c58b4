"""A leased instance, ready to be asked; and the warm-up that makes it so."""

from dataclasses import dataclass

from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.domain.generation import ChatRequest
from harness.domain.model import InstanceId, LoadConfig, Model
from harness.errors import ApiError
from harness.lifecycle.lease import Lease
from harness.run.ask.reasoning import does_reason

_GREETING = "Say hello."


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasedModel:
    """A leased instance that has answered a warm-up.

    Attributes:
        lease: on the instance; the run releases it.
        address: what requests address: the instance's id, or its key where the server refuses ids.
        reasoning: what requests send as `reasoning`; None: nothing.
    """

    lease: Lease
    address: str
    reasoning: str | None

    @property
    def model(self) -> Model:
        """The model, as listed when the lease was verified."""
        return self.lease.model

    @property
    def instance_id(self) -> InstanceId:
        """The id that every answer must carry."""
        return self.lease.instance.id

    @property
    def does_reason(self) -> bool:
        """Whether the model is expected to think before it answers."""
        return does_reason(self.reasoning)


def jit_request(model: Model, config: LoadConfig, reasoning: str | None) -> ChatRequest:
    """Return the shortest chat that makes the server load a model by JIT."""
    return ChatRequest(
        model=model.key,
        input=_GREETING,
        max_output_tokens=1,
        context_length=config.context_length,
        reasoning=reasoning,
    )


def warm_up(client: Client, lease: Lease, reasoning: str | None, *, deadline_s: float) -> str:
    """Ask once, discard the answer, and return the address of the instance: its id where the server takes ids.

    Raises:
        ApiError: the server refuses the id and the key, or another instance answered.
    """
    try:
        _greet(client, lease.instance.id, lease, reasoning, deadline_s)
    except ApiError:
        # Some servers take only keys, and a key means this instance only while it is the model's only one.
        if len(lease.model.loaded_instances) > 1:
            raise
        _greet(client, lease.model.key, lease, reasoning, deadline_s)
        return lease.model.key
    return lease.instance.id


def _greet(client: Client, address: str, lease: Lease, reasoning: str | None, deadline_s: float) -> None:
    request = ChatRequest(model=address, input=_GREETING, temperature=0.0, max_output_tokens=4, reasoning=reasoning)
    # Streamed, so that a load that it causes is known at once and journalled.
    answer = client.chat(request, stream=True, exchange=Exchange(), total_s=deadline_s)
    if answer.model_instance_id != lease.instance.id:
        raise ApiError(f"asked {address}, but {answer.model_instance_id} answered")
