"""Chats that a null server answers without detours: the ordinary ones, byte for byte as the scripted server does."""

import json
import re
from dataclasses import dataclass

from harness.domain.model import InstanceId
from harness.serving import answer
from harness.serving.body import ChatBody, TextItem, chat_body
from harness.serving.json_body import parse_object
from harness.serving.refusal import Refusal
from harness.testing.chat import TEMPLATE_TOKENS
from harness.testing.library import Library, Loaded

_TOKEN = re.compile(r"\s*\S+|\s+$")
_OPENAI_KEYS = frozenset({"response_format", "tools", "functions"})
_PROMPT = "".join(
    answer.event(f"prompt_processing.{name}", more).decode()
    for name, more in (("start", {}), ("progress", {"progress": 1.0}), ("end", {}))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An answer as it will go: `early` when the slot is there, `body` when its time is over."""

    is_stream: bool
    early: bytes
    body: bytes


def native(data: bytes, library: Library, *, reply: str | None) -> Prepared | None:
    """Return the answer to `POST /api/v1/chat`; None if it is not an ordinary chat with a loaded instance."""
    try:
        asked = chat_body(data)
    except Refusal:
        return None
    loaded = library.instances.get(InstanceId(asked.model))
    prompt = None if loaded is None else _ordinary_prompt(asked, loaded)
    if loaded is None or prompt is None:
        return None
    text = prompt if reply is None else reply
    tokens = _TOKEN.findall(text)
    tokens_in = TEMPLATE_TOKENS + len(prompt.split()) + len((asked.system_prompt or "").split())
    if len(tokens) > (asked.max_output_tokens or len(tokens)) or tokens_in > (loaded.config.context_length or 0):
        return None
    result = (
        f'{{"model_instance_id": {json.dumps(loaded.id)}, "output": '
        f'[{{"type": "message", "content": {json.dumps(text)}}}], "stats": {{"input_tokens": {tokens_in}, '
        f'"total_output_tokens": {len(tokens)}, "reasoning_output_tokens": 0, "tokens_per_second": 100.0, '
        f'"time_to_first_token_seconds": 0.01}}}}'
    )
    if not asked.stream:
        return Prepared(is_stream=False, early=b"", body=result.encode())
    start = f'event: chat.start\ndata: {{"type": "chat.start", "model_instance_id": {json.dumps(loaded.id)}}}\n\n'
    deltas = "".join(
        f'event: message.delta\ndata: {{"type": "message.delta", "content": {json.dumps(token)}}}\n\n'
        for token in tokens
    )
    message = (
        f'event: message.start\ndata: {{"type": "message.start"}}\n\n{deltas}'
        f'event: message.end\ndata: {{"type": "message.end"}}\n\n'
        f'event: chat.end\ndata: {{"type": "chat.end", "result": {result}}}\n\n'
    )
    return Prepared(is_stream=True, early=(start + _PROMPT).encode(), body=message.encode())


def _ordinary_prompt(asked: ChatBody, loaded: Loaded) -> str | None:
    """Return the prompt of a chat that does not need the scripted server: one text, nothing stored, no reasoning."""
    can = loaded.model.capabilities
    is_plain = not asked.store and asked.previous_response_id is None and not asked.integrations
    if not is_plain or asked.reasoning is not None or (can and can.reasoning_options) or len(asked.input) != 1:
        return None
    item = asked.input[0]
    return item.content if isinstance(item, TextItem) and item.content.strip() else None


def openai(data: bytes, library: Library, *, reply: str | None) -> Prepared | None:
    """Return the answer to `POST /v1/chat/completions`; None if it is not an ordinary one with a loaded instance."""
    try:
        asked = parse_object(data)
    except Refusal:
        return None
    messages = asked.get("messages")
    loaded = library.instances.get(InstanceId(str(asked.get("model"))))
    if loaded is None or not loaded.model.is_chat or not messages or asked.get("stream") or _OPENAI_KEYS & set(asked):
        return None
    prompt = messages[-1].get("content")
    if not isinstance(prompt, str) or not all(isinstance(message.get("content"), str) for message in messages):
        return None
    text = prompt if reply is None else reply
    tokens = len(_TOKEN.findall(text))
    tokens_in = TEMPLATE_TOKENS * len(messages) + sum(len(message["content"].split()) for message in messages)
    limit = asked.get("max_tokens")
    if (limit not in {None, -1} and tokens > limit) or tokens_in > (loaded.config.context_length or 0):
        return None
    body = (
        f'{{"id": "chatcmpl-null", "object": "chat.completion", "created": 0, "model": {json.dumps(loaded.id)}, '
        f'"choices": [{{"index": 0, "message": {{"role": "assistant", "content": {json.dumps(text)}}}, '
        f'"logprobs": null, "finish_reason": "stop"}}], "usage": {{"prompt_tokens": {tokens_in}, '
        f'"completion_tokens": {tokens}, "total_tokens": {tokens_in + tokens}}}}}'
    )
    return Prepared(is_stream=False, early=b"", body=body.encode())
