"""Assembles one answer from the events of `POST /api/v1/chat`.

Tolerated, because LM Studio sends them: repeated, empty and unknown events (`tool_call.name` in 0.4.12). An `error`
event does not end a stream: `chat.end` still follows, with a partial answer.
"""

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal, TypeAlias

from harness.client.fault import ErrorBody, fault_of
from harness.client.sse import ServerSentEvent
from harness.client.wire import ChatWire, json_of, parse
from harness.domain.generation import Generation, Times
from harness.domain.model import InstanceId
from harness.errors import HarnessError, MalformedAnswer

Loading: TypeAlias = Literal["loading", "loaded"]
"""The state of a load that a chat caused."""

_LOADING: Mapping[str, Loading] = {"model_load.start": "loading", "model_load.end": "loaded"}
_DELTAS = frozenset({"message.delta", "reasoning.delta"})
_PHASES = {
    "chat": ("start", "end"),
    "model_load": ("start", "progress", "end"),
    "prompt_processing": ("start", "progress", "end"),
    "reasoning": ("start", "end"),
    "message": ("start", "end"),
    "tool_call": ("start", "name", "arguments", "success", "failure"),
}
_MOST_GAPS = 512
_KNOWN = _DELTAS | {"error"} | {f"{subject}.{phase}" for subject, phases in _PHASES.items() for phase in phases}


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEvent:
    """One event of a chat. `at` is when its bytes arrived, in seconds on the client's monotonic clock."""

    name: str
    data: Mapping[str, Any]
    at: float

    @property
    def is_delta(self) -> bool:
        """Whether it carries text."""
        return self.name in _DELTAS and bool(self.data.get("content"))

    @property
    def is_progress(self) -> bool:
        """Whether the server made progress: an empty delta or an unknown event may be a mere keep-alive."""
        return self.is_delta or (self.name in _KNOWN and self.name not in _DELTAS)


def stream_event(event: ServerSentEvent, *, at: float) -> StreamEvent | None:
    """Return the event, or None when it is unknown and its data is not JSON.

    Its name is the `event:` field; only where that is missing, the `type` in the data.

    Raises:
        MalformedAnswer: the data of a known event is not JSON.
    """
    try:
        data = json_of(event.data)
    except MalformedAnswer:
        if event.name in _KNOWN:
            raise
        return None
    if not isinstance(data, dict):
        data = {}
    name = str(data.get("type", event.name)) if event.name == "message" else event.name
    return StreamEvent(name=name, data=data, at=at)


class DeltaTimes:
    """The moments at which text arrived, in constant memory.

    The median gap is exact up to 512 gaps; of more, a random sample of 512 is kept (Vitter 1985, ACM TOMS 11:37,
    algorithm R). Keeping every second one would see only half of a pattern, such as two tokens at a time.
    """

    def __init__(self) -> None:
        self._first: float | None = None
        self._first_answer: float | None = None
        self._last: float | None = None
        self._max_gap_s = -1.0
        self._chunks = 0
        self._gaps = array("d")
        self._dice = 1

    def note(self, at: float, *, is_answer: bool) -> None:
        """Record a delta with text; `is_answer` unless it is reasoning."""
        if self._last is None:
            self._first = at
        else:
            gap_s = at - self._last
            if gap_s > self._max_gap_s:  # noqa: PLR1730  (max() takes 60 ns more a delta)
                self._max_gap_s = gap_s
            if self._chunks <= _MOST_GAPS:
                self._gaps.append(gap_s)
            else:
                self._replace(gap_s)
        if is_answer and self._first_answer is None:
            self._first_answer = at
        self._last = at
        self._chunks += 1

    def _replace(self, gap_s: float) -> None:
        # The generator of drand48: `random.Random` would take 2.5 KB a stream.
        self._dice = (self._dice * 0x5DEECE66D + 11) & 0xFFFFFFFFFFFF
        if (place := (self._dice >> 16) % self._chunks) < _MOST_GAPS:
            self._gaps[place] = gap_s

    def times(self, *, written_at: float, ended_at: float) -> Times:
        """Return the durations from `written_at`."""
        return Times(
            ttft_s=None if self._first is None else self._first - written_at,
            ttft_answer_s=None if self._first_answer is None else self._first_answer - written_at,
            e2e_s=(ended_at if self._last is None else self._last) - written_at,
            total_s=ended_at - written_at,
            chunks=self._chunks,
            median_gap_s=median(self._gaps) if self._gaps else None,
            max_gap_s=self._max_gap_s if self._gaps else None,
        )


def loading(event: StreamEvent) -> tuple[InstanceId, Loading] | None:
    """Return the instance that the server reports to be loading, or to have loaded, for this chat, else None."""
    phase = _LOADING.get(event.name)
    if phase is None:
        return None
    named = event.data.get("model_instance_id")
    return (InstanceId(named), phase) if isinstance(named, str) else None


Listener = Callable[[StreamEvent], None]
"""Called with each event as it arrives."""


class ChatAssembly:
    """Collects the events of one chat and passes each of them to `on_event`."""

    def __init__(self, *, route: str, on_event: Listener | None = None) -> None:
        self._route = route
        self._on_event = on_event
        self._times = DeltaTimes()
        self._result: ChatWire | None = None
        self._faults: list[HarnessError] = []
        self._loaded_model = False

    @property
    def is_complete(self) -> bool:
        """Whether `chat.end` has arrived."""
        return self._result is not None

    def add(self, event: ServerSentEvent, *, at: float) -> bool:
        """Take in one event and return whether the server made progress.

        Raises:
            MalformedAnswer: a known event is not JSON, or `chat.end` has no result.
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
            ApiError: the stream reported an error; the first one is raised.
            MalformedAnswer: the stream ended without `chat.end`.
        """
        if self._faults:
            first = self._faults[0]
            if len(self._faults) > 1:
                first.hint = f"{first.hint}\n({len(self._faults) - 1} more followed.)".lstrip()
            raise first
        if self._result is None:
            raise MalformedAnswer("the stream ended without chat.end, so the answer is incomplete")
        times = self._times.times(written_at=written_at, ended_at=ended_at)
        return self._result.to_domain(times, loaded_model=self._loaded_model)
