"""The OpenAI-compatible routes: chat, what an unknown name gets, and embeddings."""

import json
import math
from collections.abc import Mapping
from typing import Any

from harness.client.openai import OpenAIChatRequest
from harness.contract.bench import Bench
from harness.contract.check import Check, Unchecked, expect
from harness.contract.listing import NOBODY
from harness.domain.model import LoadConfig, Model

_CHAT = "/v1/chat/completions"
_MESSAGES = [{"role": "user", "content": "Name some animals of the sea."}]
_WEATHER = {
    "name": "get_weather",
    "description": "the weather in a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
_CALL_TOKENS = 64
_TEXTS = ("The ship left the harbour at dawn.", "Interest rates rose by a quarter of a point.")


def openai_chat(bench: Bench) -> str:
    """`POST /v1/chat/completions` answers an instance id, with it as `model`; cut at max_tokens, it says "length"."""
    instance_id = bench.lease().instance.id
    request = OpenAIChatRequest(
        model=instance_id,
        messages=_MESSAGES,
        max_tokens=4,
        temperature=0.0,
        reasoning_effort="none" if bench.reasoning else None,
    )
    for stream in (False, True):
        answer = bench.client.openai_chat(request, stream=stream)
        expect(answer.model_instance_id == instance_id, f"answered by {answer.model_instance_id}")
        seen = f"{answer.stats.total_output_tokens} tokens, finish_reason {answer.finish_reason}"
        expect(answer.finish_reason == "length" and answer.stats.total_output_tokens == 4, seen)  # noqa: PLR2004
    return seen


def only_model_answers_to_any_name(bench: Bench) -> str:
    """On this route a single loaded model answers to a name that no model has, with 200 (0.4.25, bug 619)."""
    instance_id = bench.lease().instance.id
    if len(loaded := _loaded_chat_instances(bench)) > 1:
        raise Unchecked(f"several chat models are loaded: {', '.join(loaded)}")
    reply = bench.raw("POST", _CHAT, {"model": NOBODY, "messages": _MESSAGES, "max_tokens": 1})
    named = reply.payload.get("model") if isinstance(reply.payload, dict) else None
    expect(reply.status == 200 and named == instance_id, f"{reply}, answered by {named}")  # noqa: PLR2004
    return f"{reply}, answered by {named}"


def several_models_refuse_an_unknown_name(bench: Bench) -> str:
    """With several chat instances loaded, a name that no model has is 400 with the code model_not_found."""
    bench.lease()
    body = {"model": NOBODY, "messages": _MESSAGES, "max_tokens": 1}
    if len(_loaded_chat_instances(bench)) > 1:
        reply = bench.raw("POST", _CHAT, body)
    else:
        with bench.another():
            reply = bench.raw("POST", _CHAT, body)
    expect(reply.status == 400 and reply.error.get("code") == "model_not_found", str(reply))  # noqa: PLR2004
    return str(reply)


def json_object_refused(bench: Bench) -> str:
    """The response_format json_object is refused with 400 (0.4.15 and later); json_schema is the one to use."""
    form = {"type": "json_object"}
    instance_id = bench.lease().instance.id
    body = {"model": instance_id, "messages": _MESSAGES, "max_tokens": 1, "response_format": form}
    reply = bench.raw("POST", _CHAT, body)
    expect(reply.status == 400 and reply.error, str(reply))  # noqa: PLR2004
    return str(reply)


def tools_streamed(bench: Bench) -> str:
    """A stream with `tools` ends with text, or with calls of these functions whose arguments are JSON."""
    instance_id = bench.lease().instance.id
    request = OpenAIChatRequest(
        model=instance_id,
        messages=[{"role": "user", "content": "What is the weather in Oslo? Use the function."}],
        max_tokens=_CALL_TOKENS,
        temperature=0.0,
        tools=[{"type": "function", "function": _WEATHER}],
        reasoning_effort="none" if bench.reasoning else None,
    )
    answer = bench.client.openai_chat(request, stream=True)
    functions = [call.get("function") or {} for call in answer.tool_calls]
    names = [function.get("name") for function in functions]
    seen = f"calls of {', '.join(map(str, names)) or 'nothing'}, finish_reason {answer.finish_reason}"
    expect(answer.model_instance_id == instance_id, f"answered by {answer.model_instance_id}")
    expect(answer.tool_calls or answer.text or answer.reasoning, seen)
    expect(set(names) <= {_WEATHER["name"]}, seen)
    if answer.finish_reason != "length":
        expect(all(map(_is_json, functions)), f"{seen}; arguments that are not JSON")
    return seen


def embeddings(bench: Bench) -> str:
    """`POST /v1/embeddings` answers one vector for each text, all of one length; equal texts have equal vectors."""
    listed = [model for model in bench.client.models() if model.is_embedding]
    if not listed:
        raise Unchecked("no embedding model is downloaded")
    model = min(listed, key=_embedding_order)
    lease = bench.leases.acquire(model.key, LoadConfig())
    try:
        first, second = bench.client.embed(lease.instance.id, _TEXTS)
        (again,) = bench.client.embed(lease.instance.id, _TEXTS[:1])
    finally:
        bench.leases.release(lease)
    expect(len(first) == len(second) > 0, f"{len(first)} and {len(second)} dimensions")
    norm, moved, apart = math.hypot(*first), math.dist(first, again), math.dist(first, second)
    seen = f"{len(first)} dimensions, norm {norm:.4g}, same text {moved:.2g} apart, other text {apart:.2g}"
    expect(math.isfinite(norm) and norm > 0, seen)
    expect(moved < norm / 100 < apart, seen)
    return seen


def _is_json(function: Mapping[str, Any]) -> bool:
    try:
        return isinstance(json.loads(function.get("arguments") or "{}"), dict)
    except (TypeError, ValueError):
        return False


def _embedding_order(model: Model) -> tuple[bool, int, str]:
    """Return a sort key: loaded models first, because they cost nothing; then the smallest."""
    return not model.is_loaded, model.size_bytes, model.key


def _loaded_chat_instances(bench: Bench) -> list[str]:
    chat_models = (model for model in bench.client.models() if model.is_chat)
    return [instance.id for model in chat_models for instance in model.loaded_instances]


CHECKS: tuple[Check, ...] = (
    openai_chat,
    only_model_answers_to_any_name,
    several_models_refuse_an_unknown_name,
    json_object_refused,
    tools_streamed,
    embeddings,
)
