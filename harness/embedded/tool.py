"""Tools for models whose chat template has no place for them.

llama.cpp drops the tools of such a request without a word (its issue #27129). Here they are described in a system
message, and calls are read from the answer's text between two marks, as LM Studio's default tool use does. A call that
is required is made certain by a JSON schema.
"""

import json
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.serving.refusal import Refusal

_START, _END = "[TOOL_REQUEST]", "[END_TOOL_REQUEST]"
_CALL = re.compile(re.escape(_START) + r"(.*?)" + re.escape(_END), re.DOTALL)
_HOW = (
    f"You can call functions. To call one, answer with {_START}"
    '{"name": <its name>, "arguments": <an object>}'
    f"{_END} and nothing else. The functions:\n"
)
_HOW_FORCED = 'Call a function: answer with {"name": <its name>, "arguments": <an object>}. The functions:\n'

Body = dict[str, Any]


def wants_tools(body: Mapping[str, Any]) -> bool:
    """Tell whether a request offers tools, or has calls in its history."""
    has_calls = any(message.get("tool_calls") or message["role"] == "tool" for message in body["messages"])
    return bool(body.get("tools")) or has_calls


def in_words(body: Mapping[str, Any]) -> Body:
    """Return the request that asks for the same without tools.

    Args:
        body: as `harness.serving.openai_body` has checked it.

    Raises:
        Refusal: 400; `tool_choice` does not name one of the tools.
    """
    tools = [tool["function"] for tool in body.get("tools", ())]
    choice = body.get("tool_choice", "auto")
    left_out = {"tools", "tool_choice", "parallel_tool_calls", "stream", "stream_options"}
    plain = {name: value for name, value in body.items() if name not in left_out}
    messages = [_message_in_words(message) for message in body["messages"]]
    if tools and choice != "none":
        allowed = _allowed(tools, choice)
        described = "\n".join(json.dumps(function, ensure_ascii=False) for function in allowed)
        how = _HOW_FORCED if is_forced(body) else _HOW
        if messages and messages[0].get("role") == "system":
            first = messages.pop(0)
            how = f"{first.get('content')}\n\n{how}"
        messages.insert(0, {"role": "system", "content": how + described})
        if is_forced(body):
            plain["response_format"] = _call_schema(allowed)
    return {**plain, "messages": messages}


def is_forced(body: Mapping[str, Any]) -> bool:
    """Tell whether the answer must be a call."""
    choice = body.get("tool_choice")
    return bool(body.get("tools")) and (choice == "required" or isinstance(choice, dict))


def with_calls(answer: Body, *, forced: bool) -> Body:
    """Return the worker's answer with the calls in its text as `tool_calls`; what is not a valid call stays text."""
    for choice in answer.get("choices", ()):
        message = choice["message"]
        text = message.get("content") or ""
        found = [text] if forced else _CALL.findall(text)
        calls = [call for call in map(_call, found) if call is not None]
        if calls and len(calls) == len(found):
            message["tool_calls"] = calls
            message["content"] = None if forced else _CALL.sub("", text).strip() or None
            choice["finish_reason"] = "tool_calls"
    return answer


def as_chunks(answer: Body, *, with_usage: bool) -> Iterator[bytes]:
    """Yield a whole answer as the chunks of a stream."""
    head = {"id": answer.get("id"), "object": "chat.completion.chunk", "model": answer.get("model")}
    head["created"] = answer.get("created")
    for choice in answer["choices"]:
        delta = dict(choice["message"])
        if "tool_calls" in delta:
            delta["tool_calls"] = [{"index": at, **call} for at, call in enumerate(delta["tool_calls"])]
        yield _chunk({**head, "choices": [{"index": choice["index"], "delta": delta, "finish_reason": None}]})
        end = {"index": choice["index"], "delta": {}, "finish_reason": choice["finish_reason"]}
        yield _chunk({**head, "choices": [end]})
    if with_usage:
        yield _chunk({**head, "choices": [], "usage": answer.get("usage")})
    yield b"data: [DONE]\n\n"


def _chunk(value: Body) -> bytes:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n".encode()


def _allowed(functions: Sequence[Body], choice: object) -> list[Body]:
    if not isinstance(choice, dict):
        return list(functions)
    wanted = choice.get("function", {}).get("name") if isinstance(choice.get("function"), dict) else None
    allowed = [function for function in functions if function["name"] == wanted]
    if not allowed:
        message = f"'tool_choice' names {wanted!r}, which is not one of the tools"
        raise Refusal(400, message, type="invalid_request_error", param="tool_choice")
    return allowed


def _call_schema(functions: Sequence[Body]) -> Body:
    calls = [
        {
            "type": "object",
            "properties": {
                "name": {"const": function["name"]},
                "arguments": function.get("parameters") or {"type": "object"},
            },
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
        for function in functions
    ]
    schema = calls[0] if len(calls) == 1 else {"anyOf": calls}
    return {"type": "json_schema", "json_schema": {"name": "call", "strict": True, "schema": schema}}


def _call(text: str) -> Body | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        return None
    arguments = json.dumps(value.get("arguments") or {}, ensure_ascii=False)
    return {
        "id": f"call_{secrets.token_hex(12)}",
        "type": "function",
        "function": {"name": value["name"], "arguments": arguments},
    }


def _message_in_words(message: Body) -> Body:
    if message["role"] == "tool":
        return {"role": "user", "content": f"[TOOL_RESULT]{message.get('content')}[END_TOOL_RESULT]"}
    if calls := message.get("tool_calls"):
        return {"role": "assistant", "content": (message.get("content") or "") + "".join(map(_call_in_words, calls))}
    return message


def _call_in_words(call: Body) -> str:
    function = call["function"]
    arguments = function["arguments"]
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return f'{_START}{{"name": {json.dumps(function["name"])}, "arguments": {text or "{}"}}}{_END}'
