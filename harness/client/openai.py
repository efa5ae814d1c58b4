"""The OpenAI-compatible chat, for what the native one lacks: message lists, JSON schemas, tools, seeds, stop strings.

Source: LM Studio's documentation of `POST /v1/chat/completions`. The route knows no instance ids.
The caller compares `model_instance_id`, which is the answer's `model`: while one model is loaded, LM Studio answers
to any model name with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from harness.client.fault import fault_in
from harness.client.sse import ServerSentEvent
from harness.client.stream import DeltaTimes, Listener, StreamEvent
from harness.client.wire import Number, Wire, parse, read_json, whole
from harness.domain.generation import Embeddings, Generation, ServerStats, Times
from harness.domain.model import InstanceId
from harness.domain.sample import Json
from harness.errors import MalformedAnswer

ROUTE = "POST /v1/chat/completions"
_DONE = "[DONE]"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAIChatRequest:
    """A request to `POST /v1/chat/completions`; what is None is not sent.

    Attributes:
        messages: such as `{"role": "user", "content": "…"}`.
        response_format: see `json_schema_format`; `json_object` is refused by LM Studio.
        reasoning_effort: "none" is off (LM Studio 0.4.8 and later).
        seed: MLX accepts and ignores it.
    """

    model: str
    messages: Sequence[Mapping[str, Any]]
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: str | Sequence[str] | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_format: Mapping[str, Any] | None = None
    tools: Sequence[Mapping[str, Any]] | None = None
    tool_choice: str | Mapping[str, Any] | None = None
    reasoning_effort: str | None = None


def json_schema_format(schema: Mapping[str, Json], *, name: str = "answer") -> dict[str, Any]:
    """Return the `response_format` that makes the answer follow a JSON schema."""
    return {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": dict(schema)}}


def openai_chat_body(request: OpenAIChatRequest, *, stream: bool) -> dict[str, Any]:
    """Return the body; a stream must be asked for its usage, which it leaves out otherwise."""
    body = {field.name: getattr(request, field.name) for field in fields(request)}
    body = {name: value for name, value in body.items() if value is not None}
    return body | ({"stream": True, "stream_options": {"include_usage": True}} if stream else {})


def embeddings_body(model: str, texts: Sequence[str]) -> dict[str, Any]:
    """Return the body of `POST /v1/embeddings`."""
    return {"model": model, "input": list(texts)}


class TokenDetailsWire(Wire):
    """`completion_tokens_details` and `prompt_tokens_details`."""

    reasoning_tokens: Number | None = None
    cached_tokens: Number | None = None


class UsageWire(Wire):
    """`usage` of an answer."""

    prompt_tokens: Number | None = None
    completion_tokens: Number | None = None
    total_tokens: Number | None = None
    prompt_tokens_details: TokenDetailsWire | None = None
    completion_tokens_details: TokenDetailsWire | None = None

    def to_domain(self) -> ServerStats:
        """Return it as `ServerStats`; this route reports no speeds."""
        completion, prompt = self.completion_tokens_details, self.prompt_tokens_details
        return ServerStats(
            input_tokens=whole(self.prompt_tokens),
            total_output_tokens=whole(self.completion_tokens),
            reasoning_output_tokens=whole(completion.reasoning_tokens) if completion else None,
            cached_tokens=whole(prompt.cached_tokens) if prompt else None,
        )


class MessageWire(Wire):
    """`message` of a choice, and the `delta` of a streamed one."""

    role: str | None = None
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[dict[str, Any]] | None = None


class ChoiceWire(Wire):
    """One of `choices`."""

    message: MessageWire | None = None
    delta: MessageWire | None = None
    finish_reason: str | None = None


class CompletionWire(Wire):
    """Answer of `POST /v1/chat/completions`, and one chunk of its stream."""

    model: str | None = None
    choices: list[ChoiceWire]
    usage: UsageWire | None = None

    def to_domain(self, times: Times) -> Generation:
        """Return it as a `Generation`.

        Raises:
            MalformedAnswer: there is no choice with a message, or no model.
        """
        choice = self.choices[0] if self.choices else None
        if choice is None or choice.message is None or self.model is None:
            raise MalformedAnswer("expected a model and a choice with a message, but the answer lacks one of them")
        return Generation(
            model_instance_id=InstanceId(self.model),
            text=choice.message.content or "",
            reasoning=choice.message.reasoning_content or "",
            stats=self.usage.to_domain() if self.usage else ServerStats(),
            times=times,
            tool_calls=tuple(choice.message.tool_calls or ()),
            finish_reason=choice.finish_reason,
        )


class CallAssembly:
    """Puts the tool calls of a stream together: each has an index, and its arguments arrive in pieces.

    Some servers leave the index out, and send each call whole: then an `id` begins the next call.
    """

    def __init__(self) -> None:
        self._calls: dict[int, dict[str, Any]] = {}
        self._last = -1

    @property
    def calls(self) -> tuple[dict[str, Any], ...]:
        """The calls so far, by index."""
        return tuple(_joined(self._calls[index]) for index in sorted(self._calls))

    def add(self, piece: Mapping[str, Any]) -> None:
        """Take in one piece of a call.

        Raises:
            MalformedAnswer: it does not belong to this API.
        """
        index = piece.get("index")
        if index is None:
            index = max(0, self._last + bool(piece.get("id")))
        if not isinstance(index, int):
            raise MalformedAnswer(f"expected a number as the index of a tool call, got {type(index).__name__}")
        self._last = index
        _merge(self._calls.setdefault(index, {}), piece)


class _Pieces(list[str]):
    """The pieces of a text, joined at the end: a text that grows by each of them is copied as often."""


def _merge(call: dict[str, Any], piece: Mapping[str, Any], *, whole: str = "function") -> None:
    """Add a piece of a tool call: its arguments arrive in pieces, everything else once; `whole` has parts."""
    for name, value in piece.items():
        before = call.get(name)
        if value is None or name == "index":
            continue
        if before is not None and isinstance(value, dict) != isinstance(before, dict):
            raise MalformedAnswer(f"expected one type for the {name} of a tool call, got two")
        if isinstance(value, dict):
            inner = call.setdefault(name, {})
            if name == whole:
                _merge(inner, value, whole="")
            else:
                inner.update(value)
        elif name == "arguments" and isinstance(value, str) and isinstance(before, _Pieces | None):
            call.setdefault(name, _Pieces()).append(value)
        else:
            call[name] = value


def _joined(call: Mapping[str, Any], *, whole: str = "function") -> dict[str, Any]:
    """Return what `_merge` put together, with texts in place of pieces."""
    found = {name: "".join(value) if isinstance(value, _Pieces) else value for name, value in call.items()}
    inner = call.get(whole)
    return found | ({whole: _joined(inner, whole="")} if isinstance(inner, dict) else {})


def _written(piece: Mapping[str, Any]) -> str:
    """Return what the model wrote of a call in this piece; a call that merely begins counts as its name."""
    function = piece.get("function")
    parts = [function.get("name"), function.get("arguments")] if isinstance(function, dict) else [piece.get("id")]
    return "".join(str(part) for part in parts if part)


class OpenAIAssembly:
    """Collects the chunks of one streamed answer.

    Each piece is passed to `on_event` as a delta of the native chat; that of a tool call as one of the message, as it
    is what the model answers.
    """

    def __init__(self, on_event: Listener | None = None) -> None:
        self._on_event = on_event
        self._times = DeltaTimes()
        self._model: str | None = None
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._tool_calls = CallAssembly()
        self._finish_reason: str | None = None
        self._usage: UsageWire | None = None
        self.is_complete = False

    def add(self, event: ServerSentEvent, *, at: float) -> bool:
        """Take in one event and return whether the server made progress.

        Raises:
            ApiError: the event is an error.
            MalformedAnswer: the event does not belong to this API.
        """
        if event.data == _DONE:
            self.is_complete = True
            return True
        payload = read_json(event.data.encode())
        fault = fault_in(payload, status=200, route=ROUTE)
        if fault is not None:
            raise fault
        chunk = parse(CompletionWire, payload)
        self._model = chunk.model or self._model
        self._usage = chunk.usage or self._usage
        return bool(chunk.choices) and self._add_choice(chunk.choices[0], at)

    def _add_choice(self, choice: ChoiceWire, at: float) -> bool:
        self._finish_reason = choice.finish_reason or self._finish_reason
        delta = choice.delta or MessageWire()
        self._text.append(delta.content or "")
        self._reasoning.append(delta.reasoning_content or "")
        for call in delta.tool_calls or ():
            self._tool_calls.add(call)
        has_answer = bool(delta.content or delta.tool_calls)
        has_grown = has_answer or bool(delta.reasoning_content)
        if has_grown:
            self._times.note(at, is_answer=has_answer)
            self._report(delta, at)
        return has_grown or choice.finish_reason is not None

    def _report(self, delta: MessageWire, at: float) -> None:
        if self._on_event is None:
            return
        calls = "".join(map(_written, delta.tool_calls or ()))
        for name, text in (("reasoning", delta.reasoning_content or ""), ("message", (delta.content or "") + calls)):
            if text:
                self._on_event(StreamEvent(name=f"{name}.delta", data={"content": text}, at=at))

    def generation(self, *, written_at: float, ended_at: float) -> Generation:
        """Return the answer.

        Raises:
            MalformedAnswer: the stream ended before the answer did.
        """
        if self._model is None or (self._finish_reason is None and not self.is_complete):
            raise MalformedAnswer("the stream ended without a finish reason or [DONE], so the answer is incomplete")
        return Generation(
            model_instance_id=InstanceId(self._model),
            text="".join(self._text),
            reasoning="".join(self._reasoning),
            stats=self._usage.to_domain() if self._usage else ServerStats(),
            times=self._times.times(written_at=written_at, ended_at=ended_at),
            tool_calls=self._tool_calls.calls,
            finish_reason=self._finish_reason,
        )


class EmbeddingWire(Wire):
    """One of `data`."""

    embedding: list[Number]
    index: int | None = None


class EmbeddingsWire(Wire):
    """Answer of `POST /v1/embeddings`."""

    data: list[EmbeddingWire]
    model: str | None = None
    usage: UsageWire | None = None

    def to_domain(self, times: Times, *, count: int) -> Embeddings:
        """Return it as `Embeddings`, with the vectors in the order of the texts.

        Raises:
            MalformedAnswer: they are not one for each text.
        """
        if len(self.data) != count:
            raise MalformedAnswer(f"expected {count} embeddings, got {len(self.data)}")
        by_place = {place if wire.index is None else wire.index: wire for place, wire in enumerate(self.data)}
        if by_place.keys() != set(range(count)):
            raise MalformedAnswer(f"expected one embedding for each index from 0 to {count - 1}, got other indexes")
        ordered = [by_place[place] for place in range(count)]
        if not all(wire.embedding for wire in ordered):
            raise MalformedAnswer("expected a number or more in each embedding, got an empty one")
        # LM Studio 0.4.25 reports 0 tokens for every text, which is not a count.
        tokens = whole(self.usage.prompt_tokens) if self.usage else None
        return Embeddings(
            vectors=tuple(tuple(float(number) for number in wire.embedding) for wire in ordered),
            model=self.model,
            input_tokens=tokens or None,
            times=times,
        )
