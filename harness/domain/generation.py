"""One request to a model and what came back, with its times."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from harness.domain.model import InstanceId, ResponseId


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image as input, as a data URL (`data:image/png;base64,…`)."""

    data_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """A request to `POST /api/v1/chat`; what is None is not sent. `model` is an instance id wherever we hold a lease.

    Unlike LM Studio's default, `store` is False: an evaluation must not leave threads behind.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStats:
    """The server's own figures; each None where it was not sent. Source: `stats` of `POST /api/v1/chat`.

    Attributes:
        input_tokens: tokens of the prompt with template and history.
        total_output_tokens: tokens generated, reasoning included.
        load_time_s: `model_load_time_seconds`, only when this very request loaded the model.
        cached_tokens: prompt tokens that were not evaluated anew, where the server says so.
    """

    input_tokens: int | None = None
    total_output_tokens: int | None = None
    reasoning_output_tokens: int | None = None
    tokens_per_second: float | None = None
    ttft_s: float | None = None
    load_time_s: float | None = None
    cached_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Client-side durations from t0, the moment the request was written (MEASUREMENT.md, Times).

    Attributes:
        ttft_s: to the first non-empty delta of any kind; None for a plain (not streamed) answer.
        ttft_answer_s: to the first non-empty message delta.
        e2e_s: to the last delta; for a plain answer, to its last byte.
        total_s: to the end of the body.
        chunks: number of non-empty deltas (never used as a number of tokens).
        max_gap_s: the longest gap between two deltas.
    """

    ttft_s: float | None = None
    ttft_answer_s: float | None = None
    e2e_s: float
    total_s: float
    chunks: int = 0
    max_gap_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """What a model answered.

    Attributes:
        text: all message items joined; "" when there is none.
        reasoning: all reasoning items joined.
        model_instance_id: who answered; the caller compares it with whom it asked.
        tool_calls: items of type `tool_call` and `invalid_tool_call`, as they came.
        loaded_model: this request loaded the model (`model_load.start`, or `model_load_time_seconds`).
        stream_errors: messages of `error` events; the answer is partial when there are any.
        finish_reason: only OpenAI-compatible routes tell; the native one does not.
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
        """Whether the sample counts: the model's failures do, the server's and ours do not."""
        return self not in _UNSCORED


_UNSCORED = frozenset({Outcome.SERVER_ERROR, Outcome.CANCELLED})


def outcome_of(generation: Generation, *, max_output_tokens: int | None) -> Outcome:
    """Return how a complete answer ended.

    The native API has no finish reason: an answer is truncated when its output tokens, reasoning included, reach the
    limit. An answer whose whole budget went into reasoning is `reasoning_only`, as that is what to fix.
    """
    has_text = bool(generation.text.strip())
    if not has_text:
        return Outcome.REASONING_ONLY if generation.reasoning.strip() else Outcome.EMPTY
    produced = generation.stats.total_output_tokens
    hit_limit = max_output_tokens is not None and produced is not None and produced >= max_output_tokens
    if hit_limit or generation.finish_reason == "length":
        return Outcome.TRUNCATED
    return Outcome.OK
