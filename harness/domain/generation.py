"""One request to a model and its answer, with the times."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from harness.domain.markup import is_only_thoughts
from harness.domain.model import InstanceId, ResponseId


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image as input, as a data URL (`data:image/png;base64,…`)."""

    data_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """A request to `POST /api/v1/chat`; what is None is not sent. `model` is an instance id wherever we hold a lease.

    `store` is False, unlike LM Studio's default: an evaluation must not leave conversations behind.
    """

    model: str
    input: str | tuple[str | Image, ...]
    system_prompt: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    max_output_tokens: int | None = None
    reasoning: str | None = None
    context_length: int | None = None
    store: bool = False
    previous_response_id: ResponseId | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return its fields without those that are None."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name)) is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStats:
    """The server's own figures; None where it did not send one. Source: `stats` of `POST /api/v1/chat`.

    Attributes:
        input_tokens: tokens of the prompt, including template and history.
        total_output_tokens: tokens generated, including reasoning.
        load_time_s: `model_load_time_seconds`, only when this very request loaded the model.
        cached_tokens: prompt tokens taken from the cache, where the server reports them.
    """

    input_tokens: int | None = None
    total_output_tokens: int | None = None
    reasoning_output_tokens: int | None = None
    tokens_per_second: float | None = None
    ttft_s: float | None = None
    load_time_s: float | None = None
    cached_tokens: int | None = None

    def as_dict(self) -> dict[str, float | int | None]:
        """Return its fields."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Durations measured by the client, from the moment the request was written.

    Attributes:
        ttft_s: to the first delta with text, of any kind; None for a plain (not streamed) answer.
        ttft_answer_s: to the first message delta with text.
        e2e_s: to the last delta; for a plain answer, to its last byte.
        total_s: to the end of the body.
        chunks: number of deltas with text; never used as a number of tokens.
        median_gap_s: of the gaps between two deltas; of a random sample of them, where there are more than 512.
        max_gap_s: the longest gap between two deltas.
    """

    ttft_s: float | None = None
    ttft_answer_s: float | None = None
    e2e_s: float
    total_s: float
    chunks: int = 0
    median_gap_s: float | None = None
    max_gap_s: float | None = None

    def as_dict(self) -> dict[str, float | int | None]:
        """Return its fields, to the microsecond: more digits would only record how busy the client was."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: value if value is None else round(value, 6) for name, value in values.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """The answer of a model.

    Attributes:
        text: all message items joined; "" when there are none.
        reasoning: all reasoning items joined.
        model_instance_id: the instance that answered; the caller compares it with the one it asked.
        tool_calls: items of type `tool_call` and `invalid_tool_call`, unchanged.
        loaded_model: this request loaded the model (`model_load.start` or `model_load_time_seconds` says so).
        stream_errors: messages of `error` events; the answer is partial if there are any.
        finish_reason: None on the native route, which does not report one.
    """

    model_instance_id: InstanceId
    text: str
    reasoning: str = ""
    stats: ServerStats
    times: Times
    response_id: ResponseId | None = None
    tool_calls: tuple[dict[str, Any], ...] = ()
    loaded_model: bool = False
    stream_errors: tuple[str, ...] = ()
    finish_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Embeddings:
    """The vectors of one request, and what it took.

    Attributes:
        vectors: one for each text, in their order.
        model: what the answer names as its model; LM Studio does not document whether that is an instance's id.
        input_tokens: of all texts; None where the server does not count them.
        times: of the request.
    """

    vectors: tuple[tuple[float, ...], ...]
    model: str | None
    input_tokens: int | None
    times: Times


class Outcome(StrEnum):
    """How a sample ended (docs/run-files.md, Outcomes)."""

    OK = "ok"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    REASONING_ONLY = "reasoning_only"
    SCHEMA_INVALID = "schema_invalid"
    TIMEOUT = "timeout"
    SERVER_ERROR = "server_error"
    CANCELLED = "cancelled"

    @property
    def is_scored(self) -> bool:
        """Whether the sample counts: failures of the model do, failures of the server and of the run do not."""
        return self not in _UNSCORED


_UNSCORED = frozenset({Outcome.SERVER_ERROR, Outcome.CANCELLED})


def outcome_of(generation: Generation, *, max_output_tokens: int | None) -> Outcome:
    """Return how a complete answer ended.

    The native API has no finish reason: an answer is truncated when its output tokens, reasoning included, reach the
    limit. An answer that spent its whole budget on reasoning is `reasoning_only`, which names what to fix, also where
    the server left the reasoning in the text.
    """
    if is_only_thoughts(generation.text):
        return Outcome.REASONING_ONLY
    if not generation.text.strip():
        return Outcome.REASONING_ONLY if generation.reasoning.strip() else Outcome.EMPTY
    produced = generation.stats.total_output_tokens
    hit_limit = max_output_tokens is not None and produced is not None and produced >= max_output_tokens
    if hit_limit or generation.finish_reason == "length":
        return Outcome.TRUNCATED
    return Outcome.OK
