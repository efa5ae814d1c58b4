"""What a check works with: a server, the model for all checks, and leases on what is loaded for them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from harness.client.caller import Sender
from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.client.request import encoded
from harness.client.stream import Listener, StreamEvent
from harness.client.transport import Transport
from harness.clock import Clock
from harness.domain.generation import ChatRequest, Generation
from harness.domain.model import InstanceId, LoadConfig, LoadResult, Model, ModelKey
from harness.errors import HarnessError, SettingsError
from harness.lifecycle.lease import Lease
from harness.lifecycle.leases import Leases
from harness.lifecycle.resident import resident_ids
from harness.selection.selection import find_model
from harness.settings import setting

CONTEXT = LoadConfig(context_length=2048)
"""The config of our loads: small, so that they fit beside what other programs have loaded."""

SECOND_COPY_BYTES = 4_000_000_000
"""A second copy of a larger model is not loaded: it may not fit beside the first."""

_WAIT_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RawReply:
    """An answer as it came; `payload` is None if it is not JSON."""

    status: int
    payload: Any

    @property
    def error(self) -> Mapping[str, Any]:
        """The content of `error`: empty if there is none, only `message` if it is a bare string."""
        found = self.payload.get("error") if isinstance(self.payload, dict) else None
        if isinstance(found, dict):
            return found
        return {} if found is None else {"message": found}

    def __str__(self) -> str:
        """Return the status and the labels of the error, without the server's prose."""
        labels = ", ".join(f"{name} {self.error[name]}" for name in ("type", "code", "param") if self.error.get(name))
        return f"HTTP {self.status}" + (f" ({labels})" if labels else " (an error)" if self.error else "")


class Witness(Client):
    """A client that remembers what the server sent.

    Attributes:
        payloads: the JSON of the last plain answer of each path.
        events: of the last streamed chat.
    """

    def __init__(self, url: str, *, token: str) -> None:
        super().__init__(url, token=token)
        self.payloads: dict[str, Any] = {}
        self._caller.on_payload = self.payloads.__setitem__
        self.events: list[StreamEvent] = []

    def chat(
        self,
        request: ChatRequest,
        *,
        stream: bool = False,
        on_event: Listener | None = None,
        total_s: float | None = None,
        exchange: Exchange | None = None,
        carrier: Sender | None = None,
        own_thread: bool = False,
    ) -> Generation:
        """Chat as `Client` does, and remember the events."""
        self.events = events = []

        def listen(event: StreamEvent) -> None:
            events.append(event)
            if on_event is not None:
                on_event(event)

        return super().chat(
            request,
            stream=stream,
            on_event=listen,
            total_s=total_s,
            exchange=exchange,
            carrier=carrier,
            own_thread=own_thread,
        )

    def loaded(self, status: int, body: bytes) -> LoadResult:
        """Read the answer to a load as `Client` does, and remember it; the reaper received it."""
        result = super().loaded(status, body)
        self.payloads["/api/v1/models/load"] = json.loads(body)
        return result


class Bench:
    """A server under test. `clear` releases what was loaded through the bench, and never anything else.

    Args:
        client: a client of the preflighted server.
        leases: leases of this client.
        key: the chat model that all checks use.
        token: the token that `client` sends.
        clock: for deadlines.

    Attributes:
        loaded: the server's answer to the load of the shared instance.
    """

    def __init__(self, client: Witness, leases: Leases, *, key: ModelKey, token: str, clock: Clock) -> None:
        self.client = client
        self.leases = leases
        self.key = key
        self.loaded: Mapping[str, Any] = {}
        self._token = token
        self._clock = clock
        self._lease: Lease | None = None

    @property
    def model(self) -> Model:
        """The model as it is listed now."""
        return find_model(self.client.models(), self.key)

    @property
    def foreign(self) -> tuple[InstanceId, ...]:
        """The ids of all loaded instances that are not ours."""
        held = {lease.instance.id for lease in self.leases.held if lease.is_owned}
        return tuple(instance_id for instance_id in resident_ids(self.client.models()) if instance_id not in held)

    def lease(self) -> Lease:
        """Return the lease on the instance that the checks share; it is loaded when it is first needed."""
        if self._lease is None:
            self._lease = self.leases.acquire(self.key, CONTEXT, reuse=False)
            self.loaded = self.client.payloads["/api/v1/models/load"]
        return self._lease

    @contextmanager
    def another(self) -> Iterator[Lease]:
        """Hold a lease on one more instance of the model."""
        lease = self.leases.acquire(self.key, CONTEXT, reuse=False)
        try:
            yield lease
        finally:
            self.leases.release(lease)

    def clear(self) -> None:
        """Release everything that was loaded for the checks.

        Raises:
            ReleaseFailed: something is still there; names it and the command to finish.
        """
        self._lease = None
        failed: HarnessError | None = None
        for lease in self.leases.held:
            try:
                self.leases.release(lease)
            except HarnessError as exc:
                failed = exc
        self.leases.release_strays()
        if failed is not None:
            raise failed

    def request(self, text: str = "Name some animals of the sea.", **more: Any) -> ChatRequest:
        """Return a short chat with the shared instance, with reasoning off if the model has that setting."""
        request = ChatRequest(
            model=self.lease().instance.id, input=text, temperature=0.0, max_output_tokens=12, reasoning=self.reasoning
        )
        return replace(request, **more)

    @property
    def reasoning(self) -> str | None:
        """What chats send as `reasoning`: "off" if the model lists it, else nothing."""
        can = self.model.capabilities
        return "off" if can and "off" in (can.reasoning_options or ()) else None

    def body(self, **more: Any) -> dict[str, Any]:
        """Return the JSON of a one-token chat with the shared instance."""
        body = {"model": self.lease().instance.id, "input": "Say hello.", "max_output_tokens": 1, "store": False}
        return body | more

    def raw(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> RawReply:
        """Return the answer to a request that need not follow the API; a body in bytes is sent unchanged.

        Raises:
            TransportError: no answer came.
        """
        sent = self._token if token is None else token
        headers = {"authorization": f"Bearer {sent}"} if sent else {}
        connect_s = self.client.deadlines.connect_s
        transport = Transport(self.client.url, headers=headers, connect_s=connect_s, clock=self._clock)
        data = body if body is None or isinstance(body, bytes) else encoded(body)
        try:
            with transport.send(method, path, body=data, waits={"total": _WAIT_S}) as incoming:
                status = incoming.head().status
                text = incoming.read()
        finally:
            transport.close()
        try:
            return RawReply(status=status, payload=json.loads(text))
        except ValueError:
            return RawReply(status=status, payload=None)


def chosen(listing: tuple[Model, ...], wanted: str | None) -> ModelKey:
    """Return the key of the model for the checks: the wanted one, else the smallest chat model that is not loaded.

    Raises:
        ModelNotFound: there is no such model.
        SettingsError: it is not a chat model, or every chat model is loaded.
    """
    if wanted is not None:
        model = find_model(listing, wanted)
        if not model.is_chat:
            raise SettingsError(f"{model.key} is not a chat model", hint="`lms-harness models` shows the types.")
        return model.key
    free = [model for model in listing if model.is_chat and not model.is_loaded]
    if not free:
        raise SettingsError(
            "every downloaded chat model is loaded, and a loaded one is used only if you name it",
            hint=f"Download a small one (lms get), or name one: {setting('models', 'KEY')} loads a second copy.",
        )
    return min(free, key=lambda model: (model.size_bytes, model.key)).key
