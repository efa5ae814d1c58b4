"""One task for one model, as the command line gives it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from harness.client.http import Client
from harness.client.stream import StreamEvent
from harness.domain.generation import ChatRequest, Generation
from harness.domain.model import InstanceId
from harness.lifecycle.lease import Lease, Leases
from harness.runner.ask import reasoning_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, and the lease on the instance that gave it."""

    generation: Generation
    lease: Lease

    @property
    def content(self) -> str:
        """The message, or where a model put everything into its reasoning, that."""
        return self.generation.text.strip() or self.generation.reasoning.strip()

    @property
    def content_source(self) -> str | None:
        """`message`, `reasoning`, or None when both are empty."""
        if self.generation.text.strip():
            return "message"
        return "reasoning" if self.generation.reasoning.strip() else None

    def as_dict(self) -> dict[str, Any]:
        """Return what `chat --json` prints."""
        stats = asdict(self.generation.stats)
        return {
            "content": self.content,
            "content_source": self.content_source,
            "model_instance_id": self.generation.model_instance_id,
            "response_id": self.generation.response_id,
            "usage": {name: stats[name] for name in ("input_tokens", "total_output_tokens", "reasoning_output_tokens")},
            "model_load_time_seconds": self.lease.load_time_s,
            "stats": {name: stats[name] for name in ("tokens_per_second", "ttft_s")},
        }


def ask_once(
    client: Client, leases: Leases, request: ChatRequest, *, on_text: Callable[[str], None] | None = None
) -> Reply:
    """Answer `request`, whose `model` is a key or an instance id; the model is loaded first if it is not.

    Args:
        client: of the server.
        leases: holds the lease of the reply afterwards; the caller releases it or hands it over.
        request: what to ask.
        on_text: gets the pieces of the message as they come.

    Raises:
        HarnessError: no such model, it cannot be loaded, or the chat failed; the lease is then still held.
    """
    lease = _lease(client, leases, request.model)
    reasoning = reasoning_for(lease.model, request.reasoning) if request.reasoning else None

    def listen(event: StreamEvent) -> None:
        if on_text is not None and event.name == "message.delta":
            on_text(str(event.data.get("content", "")))

    asked = replace(request, model=lease.instance.id, reasoning=reasoning)
    answer = client.chat(asked, stream=on_text is not None, on_event=listen)
    return Reply(generation=answer, lease=lease)


def _lease(client: Client, leases: Leases, name: str) -> Lease:
    is_instance = any(model.instance(name) is not None for model in client.models())
    return leases.borrow(InstanceId(name)) if is_instance else leases.acquire(name)
