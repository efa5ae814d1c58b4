"""`POST /api/v1/chat`: from a request to the events of its answer, loading the model first where needed."""

import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.domain.model import LoadConfig, Model
from harness.embedded.instance import LoadedInstance
from harness.embedded.length import refuse_if_too_long
from harness.embedded.pool import Pool
from harness.embedded.thread import Message, StoredTurns
from harness.serving.answer import chat_result
from harness.serving.body import ChatBody
from harness.serving.refusal import Refusal, context_exceeded, reasoning_refused, unknown_model

Event = tuple[str, dict[str, Any]]
_SAMPLING = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "min_p": "min_p",
    "repeat_penalty": "repeat_penalty",
    "max_output_tokens": "max_tokens",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A validated chat: everything that can be refused has been looked at before the first event."""

    body: ChatBody
    key: str
    messages: tuple[Message, ...]


def validate(body: ChatBody, pool: Pool, turns: StoredTurns) -> Chat:
    """Return the chat that `body` asks for.

    Raises:
        Refusal: 404 unknown model; 400 unknown thread, refused reasoning, images; 501 integrations.
    """
    instance = pool.resident(body.model)
    file = instance.file if instance else pool.file(body.model)
    if file is None or file.model.is_embedding:
        raise unknown_model(body.model)
    if body.integrations:
        raise Refusal(
            501, "Integrations are not implemented by this server", type="not_implemented", param="integrations"
        )
    if body.images:
        raise Refusal(400, f"Model '{file.model.key}' does not support images.", code="invalid_value", param="input")
    _check_reasoning(body.reasoning, file.model)
    history = list(turns.history(body.previous_response_id))
    if body.system_prompt is not None:
        # A second system message breaks some chat templates, so a new one takes the old one's place.
        history = [{"role": "system", "content": body.system_prompt}, *(m for m in history if m["role"] != "system")]
    messages = (*history, {"role": "user", "content": body.text})
    return Chat(body=body, key=file.model.key, messages=messages)


def _check_reasoning(wanted: str | None, model: Model) -> None:
    if wanted is None:
        return
    options = model.capabilities.reasoning_options if model.capabilities else None
    if not options or wanted not in options:
        raise reasoning_refused(model.key, wanted, options)


async def events(chat: Chat, pool: Pool, turns: StoredTurns) -> AsyncIterator[Event]:
    """Yield the events of the answer, from chat.start to chat.end; an error is an event before chat.end."""
    file = pool.file(chat.key)
    instance = pool.resident(chat.body.model)
    answer = _Answer(instance_id=instance.id if instance else chat.key)
    yield "chat.start", {"model_instance_id": answer.instance_id}
    try:
        if instance is None and file is not None:
            async with pool.jit_lock(file):
                instance = pool.resident(chat.body.model)
                if instance is None:
                    with pool.reserved(file) as instance_id:
                        yield "model_load.start", {"model_instance_id": instance_id}
                        yield "model_load.progress", {"model_instance_id": instance_id, "progress": 0.0}
                        await pool.evict_jit()
                        wanted = LoadConfig(context_length=chat.body.context_length)
                        instance = await pool.load(chat.key, wanted, is_jit=True, instance_id=instance_id)
                    answer.load_time_s = instance.load_time_s
                    yield "model_load.progress", {"model_instance_id": instance.id, "progress": 1.0}
                    yield "model_load.end", {"model_instance_id": instance.id, "load_time_seconds": answer.load_time_s}
        if instance is None:
            raise unknown_model(chat.body.model)
        answer.instance_id = instance.id
        async for event in _generate(chat, instance, answer):
            yield event
    except (Refusal, ValueError, LookupError, TypeError) as exc:
        # A stream always ends in chat.end, also when the worker sends what nobody expects.
        answer.refusal = exc if isinstance(exc, Refusal) else _unexpected(exc)
        yield "error", answer.refusal.body
    yield "chat.end", {"result": answer.result(chat, turns)}


@dataclass(slots=True, kw_only=True)
class _Answer:
    """What has come so far."""

    instance_id: str
    text: str = ""
    reasoning: str = ""
    reasoning_chunks: int = 0
    started: float = field(default_factory=time.monotonic)
    ttft_s: float | None = None
    load_time_s: float | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)
    timings: Mapping[str, Any] = field(default_factory=dict)
    refusal: Refusal | None = None

    def result(self, chat: Chat, turns: StoredTurns) -> dict[str, Any]:
        """Return the body of a plain answer, which `chat.end` carries too."""
        response_id = None
        if chat.body.store and self.refusal is None:
            response_id = turns.store([*chat.messages, {"role": "assistant", "content": self.text}])
        return chat_result(
            self.instance_id,
            reasoning=self.reasoning,
            message=self.text,
            stats=self._stats(),
            response_id=response_id,
        )

    def _stats(self) -> dict[str, float | int]:
        stats: dict[str, float | int] = {
            "input_tokens": self.usage.get("prompt_tokens", 0),
            "total_output_tokens": self.usage.get("completion_tokens", 0),
            # llama.cpp does not count them; each chunk of reasoning holds one token.
            "reasoning_output_tokens": self.reasoning_chunks,
            "tokens_per_second": self.timings.get("predicted_per_second", 0.0),
            "time_to_first_token_seconds": round(self.ttft_s or 0.0, 4),
        }
        # LM Studio tells nothing of its cache; the latency suite proves with this that it was not met.
        if isinstance(cached := self.timings.get("cache_n"), int):
            stats["cached_tokens"] = cached
        if self.load_time_s is not None:
            stats["model_load_time_seconds"] = self.load_time_s
        return stats


async def _generate(chat: Chat, instance: LoadedInstance, answer: _Answer) -> AsyncIterator[Event]:
    answer.started = time.monotonic()  # The time to the first token does not include loading.
    await refuse_if_too_long(instance, [message["content"] for message in chat.messages])
    async with instance.post("/v1/chat/completions", _worker_body(chat)) as response:
        if response.status_code >= 400:  # noqa: PLR2004  (HTTP errors)
            raise _worker_refusal(await response.aread())
        yield "prompt_processing.start", {}
        open_part: str | None = None
        async for chunk in read_chunks(response.aiter_bytes()):
            progress = chunk.get("prompt_progress")
            if progress and open_part is None:
                done = progress["processed"] / max(1, progress["total"])
                yield "prompt_processing.progress", {"progress": done}
            answer.usage = chunk.get("usage") or answer.usage
            answer.timings = chunk.get("timings") or answer.timings
            for part, text in _deltas(chunk):
                if open_part != part:
                    yield (f"{open_part}.end", {}) if open_part else ("prompt_processing.end", {})
                    yield f"{part}.start", {}
                    open_part = part
                _take(answer, part, text)
                yield f"{part}.delta", {"content": text}
        yield (f"{open_part}.end", {}) if open_part else ("prompt_processing.end", {})


def _take(answer: _Answer, part: str, text: str) -> None:
    if answer.ttft_s is None:
        answer.ttft_s = time.monotonic() - answer.started
    if part == "message":
        answer.text += text
    else:
        answer.reasoning += text
        answer.reasoning_chunks += 1


def _deltas(chunk: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    choices = chunk.get("choices") or [{}]
    delta = choices[0].get("delta") or {}
    named = (("reasoning", delta.get("reasoning_content")), ("message", delta.get("content")))
    return [(part, text) for part, text in named if text]


async def read_chunks(stream: AsyncIterator[bytes]) -> AsyncIterator[dict[str, Any]]:
    """Yield the chunks of a worker's stream.

    Raises:
        Refusal: an error is among them.
        ValueError: something that is not JSON is.
    """
    async for line in _lines(stream):
        if line.startswith(b"error: "):
            raise _worker_refusal(line.removeprefix(b"error: "))
        if not line.startswith(b"data: ") or line == b"data: [DONE]":
            continue
        data = line.removeprefix(b"data: ")
        chunk = json.loads(data)
        if "error" in chunk:
            raise _worker_refusal(data)
        yield chunk


async def _lines(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the lines of a stream: httpx's own would also be cut at U+2028 and its like, which stand in answers."""
    rest = b""
    async for piece in stream:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line.removesuffix(b"\r")
    yield rest


def _worker_body(chat: Chat) -> dict[str, Any]:
    given = {name: getattr(chat.body, field_name) for field_name, name in _SAMPLING.items()}
    body: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    body |= {
        "messages": list(chat.messages),
        "stream": True,
        "stream_options": {"include_usage": True},
        "return_progress": True,
    }
    if chat.body.reasoning is not None:
        body["chat_template_kwargs"] = {"enable_thinking": chat.body.reasoning == "on"}
    return body


def _unexpected(exc: Exception) -> Refusal:
    message = f"The model's process sent an answer that makes no sense ({type(exc).__name__}: {exc})."
    return Refusal(500, message, type="internal_error", code="unknown")


def _worker_refusal(raw: bytes) -> Refusal:
    try:
        error = json.loads(raw)["error"]
        kind, message = error.get("type"), str(error.get("message", ""))
    except (ValueError, KeyError, AttributeError):
        return Refusal(500, raw.decode("utf-8", "replace")[:500], type="internal_error", code="unknown")
    if kind == "exceed_context_size_error" or "context size" in message.lower():
        return context_exceeded()
    return Refusal(500, message, type="internal_error", code="unknown")
