"""From the events of `POST /api/v1/chat` to one answer.

Seen in the wild and tolerated: repeated, unknown and empty events (0.4.12: `tool_call.name`). `error` does not end a
stream: `chat.end` still follows, with a partial answer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from harness.client.fault import ErrorBody, fault_of
from harness.client.sse import ServerSentEvent
from harness.client.wire import ChatWire, parse, read_json
from harness.domain.generation import Generation, Times
from harness.domain.model import InstanceId
from harness.errors import HarnessError, MalformedAnswer

Loading: TypeAlias = Literal["loading", "loaded"]
"""How far the server is with a load that a chat caused."""

_LOADING: Mapping[str, Loading] = {"model_load.start": "loading", "model_load.end": "loaded"}
_DELTAS = frozenset({"message.delta", "reasoning.delta"})
_KNOWN = _DELTAS | {
    "chat.start", "chat.end", "error",
    "model_load.start", "model_load.progress", "model_load.end",
    "prompt_processing.start", "prompt_processing.progress", "prompt_processing.end",
    "reasoning.start", "reasoning.end", "message.start", "message.end",
    "tool_call.start", "tool_call.name", "tool_call.arguments", "tool_call.success", "tool_call.failure",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEvent:
    """One event of a chat. `at` is when its bytes came, on the client's monotonic clock, in seconds."""

    name: str
    data: Mapping[str, Any]
    at: float

    @property
    def is_delta(self) -> bool:
        """Whether it brings a piece of text that is not empty."""
        return self.name in _DELTAS and bool(self.data.get("content"))

    @property
    def is_progress(self) -> bool:
        """Whether the server got further: an empty delta, or an event that nobody knows, may be a keep-alive."""
        return self.is_delta or (self.name in _KNOWN and self.name not in _DELTAS)


def stream_event(event: ServerSentEvent, *, at: float) -> StreamEvent | None:
    """Return what this event says, or None when nothing is known about it.

    The name is the stream's `event:`; only where there is none, the `type` of the data.

    Raises:
        MalformedAnswer: the data of an event that matters is no JSON.
    """
    try:
        data = read_json(event.data.encode())
    except MalformedAnswer:
        if event.name in _KNOWN:
            raise
        return None
    if not isinstance(data, dict):
        data = {}
    name = str(data.get("type", event.name)) if event.name == "message" else event.name
    return StreamEvent(name=name, data=data, at=at)


class DeltaTimes:
    """The moments at which text came."""

    def __init__(self) -> None:
        self._first: float | None = None
        self._first_answer: float | None = None
        self._last: float | None = None
        self._max_gap_s: float | None = None
        self._chunks = 0

    def note(self, at: float, *, is_answer: bool) -> None:
        """Count a non-empty delta; `is_answer` unless it is reasoning."""
        if self._last is not None:
            self._max_gap_s = max(self._max_gap_s or 0.0, at - self._last)
        self._first = at if self._first is None else self._first
        if is_answer and self._first_answer is None:
            self._first_answer = at
        self._last = at
        self._chunks += 1

    def times(self, *, written_at: float, ended_at: float) -> Times:
        """Return the durations from `written_at`."""
        return Times(
            ttft_s=None if self._first is None else self._first - written_at,
            ttft_answer_s=None if self._first_answer is None else self._first_answer - written_at,
            e2e_s=(ended_at if self._last is None else self._last) - written_at,
            total_s=ended_at - written_at,
            chunks=self._chunks,
            max_gap_s=self._max_gap_s,
        )


def loading(event: StreamEvent) -> tuple[InstanceId, Loading] | None:
    """Return which instance the server says that it is loading, or has loaded, for this chat; None for other events."""
    phase = _LOADING.get(event.name)
    named = event.data.get("model_instance_id")
    return (InstanceId(named), phase) if phase is not None and isinstance(named, str) else None


Listener = Callable[[StreamEvent], None]
"""Gets every event as it comes."""


class ChatAssembly:
    """Collects the events of one chat; `on_event` gets each of them."""

    def __init__(self, *, route: str, on_event: Listener | None = None) -> None:
        self._route = route
        self._on_event = on_event
        self._times = DeltaTimes()
        self._result: ChatWire | None = None
        self._faults: list[HarnessError] = []
        self._loaded_model = False

    @property
    def is_complete(self) -> bool:
        """Whether `chat.end` came."""
        return self._result is not None

    def add(self, event: ServerSentEvent, *, at: float) -> bool:
        """Take in one event and return whether the server got further.

        Raises:
            MalformedAnswer: an event that matters is no JSON, or `chat.end` brings no result.
        """
        read = stream_event(event, at=at)
        if read is None:
            return False
        if self._on_event is not None:
            self._on_event(read)
        self._take(read)
        return read.is_progress

    def _take(self, event: StreamEvent) -> None:
        if event.is_delta:
            self._times.note(event.at, is_answer=event.name == "message.delta")
        elif event.name == "model_load.start":
            self._loaded_model = True
        elif event.name == "error":
            self._faults.append(fault_of(ErrorBody.of(event.data.get("error")), status=None, route=self._route))
        elif event.name == "chat.end" and self._result is None:
            self._result = parse(ChatWire, event.data.get("result"))

    def generation(self, *, written_at: float, ended_at: float) -> Generation:
        """Return the answer.

        Raises:
            ApiError: the stream told of an error; the first one is raised.
            MalformedAnswer: the stream ended without `chat.end`.
        """
        if self._faults:
            first = self._faults[0]
            if len(self._faults) > 1:
                first.hint = f"{first.hint}\n({len(self._faults) - 1} more came after it.)".lstrip()
            raise first
        if self._result is None:
            raise MalformedAnswer("the stream ended without chat.end, so the answer is not complete")
        times = self._times.times(written_at=written_at, ended_at=ended_at)
        return self._result.to_domain(times, loaded_model=self._loaded_model)
