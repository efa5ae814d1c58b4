"""The OpenAI-compatible routes of a scripted server: chat completions and embeddings."""

import hashlib
import json
import math
import re
import secrets
from collections.abc import Iterator
from typing import Any

from harness.domain.model import LoadConfig
from harness.serving import answer, refusal
from harness.serving.json_body import parse_object
from harness.testing.chat import TEMPLATE_TOKENS, Speech, World, slot
from harness.testing.library import Loaded
from harness.testing.message import Request, Response, event_stream, json_response

_DIMENSIONS = 256
_PREFIX = 5
_PIECE = 7
"""Characters of arguments that come at a time: an odd number, so that names and numbers are cut."""

_WORD = re.compile(r"\w+")


def openai_chat(world: World, request: Request) -> Response:
    """Answer `POST /v1/chat/completions`: unknown keys are ignored, and a single loaded model answers to any name."""
    body = parse_object(request.body)
    if body.get("response_format", {}).get("type") == "json_object":
        raise refusal.json_object_refused()
    loaded = _resolved_openai(world, str(body.get("model", "")), wants_chat=True)
    messages = body.get("messages") or []
    words = sum(len(str(message.get("content") or "").split()) for message in messages)
    tokens = words + TEMPLATE_TOKENS * len(messages)
    limit = body.get("max_tokens")
    speech = Speech(request=request, max_tokens=limit if limit != -1 else None, input_tokens=tokens)
    if tokens > (loaded.config.context_length or math.inf):
        # On this route the message is a bare string, with status 400.
        message = "The number of tokens to keep from the initial prompt is greater than the context length."
        return json_response({"error": message}, status=400)
    chunks = _openai_chunks(world, loaded, speech)
    if body.get("stream"):
        return event_stream(_framed(chunks, with_usage=bool((body.get("stream_options") or {}).get("include_usage"))))
    return Response(parts=_completion(loaded, speech, chunks))


def _resolved_openai(world: World, name: str, *, wants_chat: bool) -> Loaded:
    library = world.library
    with library.lock:
        able = [loaded for loaded in library.instances.values() if loaded.model.is_chat == wants_chat]
        model = library.find(name)
        named = [loaded for loaded in able if loaded.id == name or (model and loaded.model.key == model.key)]
        if named:
            return named[0]
        if model is not None and model.is_chat == wants_chat and world.jit:
            return library.load(model, LoadConfig(), is_jit=True)
        if wants_chat and len(able) == 1:
            return able[0]
    raise refusal.unknown_model(name, is_openai=True)


def _openai_chunks(world: World, loaded: Loaded, speech: Speech) -> Iterator[dict[str, Any] | None]:
    """Yield chunks, the last with the usage; None is a pause."""
    head = {"id": f"chatcmpl-{secrets.token_hex(10)}", "object": "chat.completion.chunk", "model": loaded.id}
    with slot(loaded) as waiting:
        for _ in waiting:
            yield None
        reasoning, words = speech.compose(world)
        for name, tokens, spoken in (
            ("reasoning_content", reasoning, speech.reasoning),
            ("content", words, speech.words),
        ):
            for token in tokens:
                world.pause(world.token_s)
                spoken.append(token)
                yield {**head, "choices": [{"index": 0, "delta": {name: token}, "finish_reason": None}]}
        for piece in _call_pieces(speech):
            world.pause(world.token_s)
            speech.call_tokens += 1
            yield {**head, "choices": [{"index": 0, "delta": {"tool_calls": [piece]}, "finish_reason": None}]}
    yield {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": _finish_reason(speech)}]}
    yield {**head, "choices": [], "usage": _usage(speech)}


def _call_pieces(speech: Speech) -> Iterator[dict[str, Any]]:
    """Yield the tool calls as a server streams them: each begins with its name, and its arguments come in pieces."""
    for index, call in enumerate(speech.tool_calls):
        function = call.get("function")
        if not isinstance(function, dict) or not isinstance(arguments := function.get("arguments"), str):
            yield {"index": index, **call}
            continue
        yield {"index": index, **call, "function": {**function, "arguments": ""}}
        for at in range(0, len(arguments), _PIECE):
            yield {"index": index, "function": {"arguments": arguments[at : at + _PIECE]}}


def _framed(chunks: Iterator[dict[str, Any] | None], *, with_usage: bool) -> Iterator[bytes]:
    for chunk in chunks:
        if chunk is None:
            yield b""
        elif with_usage or "usage" not in chunk:
            yield f"data: {json.dumps(chunk)}\n\n".encode()
    yield b"data: [DONE]\n\n"


def _completion(loaded: Loaded, speech: Speech, chunks: Iterator[dict[str, Any] | None]) -> Iterator[bytes]:
    for _ in chunks:
        yield b""
    message = {
        "role": "assistant",
        "content": "".join(speech.words),
        "reasoning_content": "".join(speech.reasoning),
        "tool_calls": list(speech.tool_calls),
    }
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish_reason(speech)}
    payload = {"object": "chat.completion", "model": loaded.id, "choices": [choice], "usage": _usage(speech)}
    yield answer.json_bytes(payload)


def _finish_reason(speech: Speech) -> str:
    if speech.is_cut:
        return "length"
    return "tool_calls" if speech.tool_calls else "stop"


def _usage(speech: Speech) -> dict[str, Any]:
    return {
        "prompt_tokens": speech.input_tokens,
        "completion_tokens": speech.output_tokens,
        "total_tokens": speech.input_tokens + speech.output_tokens,
        "completion_tokens_details": {"reasoning_tokens": len(speech.reasoning)},
    }


def embeddings(world: World, request: Request) -> Response:
    """Answer `POST /v1/embeddings` with unit vectors: equal for equal texts, and near for texts that share words."""
    body = parse_object(request.body)
    loaded = _resolved_openai(world, str(body.get("model", "")), wants_chat=False)
    asked = body.get("input", [])
    texts = [asked] if isinstance(asked, str) else asked
    data = [{"object": "embedding", "index": at, "embedding": _vector(text)} for at, text in enumerate(texts)]
    usage = {"prompt_tokens": 0, "total_tokens": 0}  # as LM Studio 0.4.25 reports
    return json_response({"object": "list", "data": data, "model": loaded.id, "usage": usage})


def _vector(text: str) -> list[float]:
    """Return the vector of a text: each word counts, and its beginning too, at a place that its hash names."""
    vector = [0.0] * _DIMENSIONS
    words = _WORD.findall(text.lower()) or [text]
    for feature in (part for word in words for part in (word, word[:_PREFIX] + "-")):
        digest = hashlib.sha256(feature.encode("utf-8", "surrogatepass")).digest()
        vector[digest[0]] += 1.0 if digest[1] % 2 else -1.0
    length = math.hypot(*vector)
    if not length:  # Its words cancel each other out.
        vector[0], length = 1.0, 1.0
    return [value / length for value in vector]
