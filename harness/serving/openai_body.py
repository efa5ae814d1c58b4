"""Request bodies of OpenAI's routes: unknown keys are ignored, as LM Studio does, but what is known must make sense.

Null means absent here: OpenAI's own clients send it. What a function returns holds known keys alone, so an engine can
be given it as it is. Where OpenAI documents a limit (2,048 texts, 20 alternatives), it is the limit here.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from harness.serving.json_body import json_type, parse_object
from harness.serving.refusal import Refusal, json_object_refused, shortened

MAX_TEXTS = 2048
_MAX_ALTERNATIVES = 20
_MAX_STOPS = 64
_MAX_BIASES = 1024
_MAX_INT = 2**31 - 1
_ROLES = ("system", "developer", "user", "assistant", "tool")

Body: TypeAlias = dict[str, Any]
_Check: TypeAlias = Callable[[str, Any], Any]


def completion_body(raw: bytes) -> Body:
    """Return the body of `POST /v1/chat/completions`; the contents of its messages are strings or None.

    Raises:
        Refusal: 400; names the parameter.
    """
    body = parse_object(raw)
    if not isinstance(body.get("messages"), list):
        raise _refused("messages", "'messages' field is required")
    return _checked(body, _COMPLETION)


def embeddings_body(raw: bytes) -> Body:
    """Return the body of `POST /v1/embeddings`; its `input` is a list of strings and lists of tokens.

    Raises:
        Refusal: 400; names the parameter.
    """
    body = parse_object(raw)
    if body.get("input") is None:
        raise _refused("input", "'input' field is required")
    return _checked(body, _EMBEDDINGS)


def _checked(body: Body, fields: Mapping[str, _Check]) -> Body:
    return {name: fields[name](name, value) for name, value in body.items() if value is not None and name in fields}


def _refused(param: str, message: str) -> Refusal:
    return Refusal(400, message, type="invalid_request_error", param=param)


def _expected(param: str, expected: str, value: object) -> Refusal:
    return _refused(param, f"Invalid value for '{param}': expected {expected}, received {json_type(value)}")


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _expected(name, "string", value)
    return value


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _expected(name, "boolean", value)
    return value


def _object(name: str, value: Any) -> Body:
    if not isinstance(value, dict):
        raise _expected(name, "object", value)
    return value


def _list(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _expected(name, "array", value)
    return value


def _number(least: float, most: float) -> _Check:
    def check(name: str, value: Any) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise _expected(name, "number", value)
        if not least <= value <= most:
            raise _refused(name, f"Invalid value for '{name}': expected a number from {least:g} to {most:g}")
        return value

    return check


def _integer(least: int, most: int = _MAX_INT) -> _Check:
    in_range = _number(least, most)

    def check(name: str, value: Any) -> int:
        number = in_range(name, value)
        if number != int(number):
            raise _refused(name, f"Invalid value for '{name}': expected an integer")
        return int(number)

    return check


def _stop(name: str, value: Any) -> list[str]:
    texts = [value] if isinstance(value, str) else _list(name, value)
    if len(texts) > _MAX_STOPS:
        raise _refused(name, f"'{name}' takes at most {_MAX_STOPS} strings, received {len(texts)}")
    return [_text(name, text) for text in texts]


def _logit_bias(name: str, value: Any) -> Body:
    biases = _object(name, value)
    if len(biases) > _MAX_BIASES:
        raise _refused(name, f"'{name}' takes at most {_MAX_BIASES} tokens, received {len(biases)}")
    return {token: _number(-100, 100)(name, bias) for token, bias in biases.items()}


def _stream_options(name: str, value: Any) -> Body:
    return {"include_usage": _flag(f"{name}.include_usage", _object(name, value).get("include_usage", False))}


def _response_format(name: str, value: Any) -> Body:
    form = value if isinstance(value, dict) else {}
    if form.get("type") not in ("json_schema", "text"):  # A list would not be hashable.
        raise json_object_refused()
    if form["type"] == "text":
        return {"type": "text"}
    _object(f"{name}.json_schema.schema", _object(f"{name}.json_schema", form.get("json_schema")).get("schema"))
    return form


def _tools(name: str, value: Any) -> list[Body]:
    for tool in _list(name, value):
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise _refused(name, "'tools' must be a list of functions with names")
        if not isinstance(function.get("parameters") or {}, dict):
            raise _expected(f"{name}.parameters", "object", function["parameters"])
    return list(value)


def _tool_choice(name: str, value: Any) -> str | Body:
    if isinstance(value, str) and value in {"none", "auto", "required"}:
        return value
    function = value.get("function") if isinstance(value, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise _refused(name, f"'{name}' must be 'none', 'auto', 'required' or name a function")
    return {"type": "function", "function": {"name": function["name"]}}


def _messages(name: str, value: Any) -> list[Body]:
    return [_message(f"{name}[{at}]", message) for at, message in enumerate(value)]


def _message(name: str, value: Any) -> Body:
    message = _object(name, value)
    role = _text(f"{name}.role", message.get("role"))
    if role not in _ROLES:
        raise _refused(f"{name}.role", f"Invalid role '{shortened(role)}'. Expected one of {', '.join(_ROLES)}")
    checked: Body = {"role": role, "content": _content(f"{name}.content", message.get("content"))}
    for text_field in ("name", "tool_call_id", "reasoning_content"):
        if message.get(text_field) is not None:
            checked[text_field] = _text(f"{name}.{text_field}", message[text_field])
    if message.get("tool_calls") is not None:
        where = f"{name}.tool_calls"
        checked["tool_calls"] = [_tool_call(where, call) for call in _list(where, message["tool_calls"])]
    return checked


def _content(name: str, value: Any) -> str | None:
    """Return the text of a message; its parts are joined by line ends."""
    if value is None or isinstance(value, str):
        return value
    texts = []
    for part in _list(name, value):
        kind = _object(name, part).get("type")
        if kind != "text":
            raise _refused(name, f"Invalid value for '{name}': this server supports parts of the type 'text' only")
        texts.append(_text(name, part.get("text")))
    return "\n".join(texts)


def _tool_call(name: str, value: Any) -> Body:
    function = value.get("function") if isinstance(value, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise _refused(name, f"'{name}' must be a list of calls of functions with names")
    arguments = function.get("arguments", "{}")
    if not isinstance(arguments, str | dict):
        raise _expected(f"{name}.arguments", "string", arguments)
    call: Body = {"type": "function", "function": {"name": function["name"], "arguments": arguments}}
    return call if value.get("id") is None else {"id": _text(f"{name}.id", value["id"]), **call}


def _input(name: str, value: Any) -> list[str | list[int]]:
    """Return texts and lists of tokens; a single one of either becomes a list."""
    texts: list[Any] = [value] if isinstance(value, str) else _list(name, value)
    if texts and all(isinstance(token, int) and not isinstance(token, bool) for token in texts):
        texts = [texts]
    if not texts:
        raise _refused(name, f"'{name}' must not be empty")
    if len(texts) > MAX_TEXTS:
        raise _refused(name, f"'{name}' takes at most {MAX_TEXTS} texts, received {len(texts)}")
    token = _integer(0)
    return [text if isinstance(text, str) else [token(name, each) for each in _list(name, text)] for text in texts]


def _encoding_format(name: str, value: Any) -> str:
    if value not in ("float", "base64"):
        raise _refused(name, f"'{name}' must be 'float' or 'base64'")
    return str(value)


_COMPLETION: Mapping[str, _Check] = {
    "model": _text,
    "messages": _messages,
    "stream": _flag,
    "stream_options": _stream_options,
    "temperature": _number(0, 100),
    "top_p": _number(0, 1),
    "top_k": _integer(-1),
    "min_p": _number(0, 1),
    "repeat_penalty": _number(0, 100),
    "presence_penalty": _number(-2, 2),
    "frequency_penalty": _number(-2, 2),
    "max_tokens": _integer(-1),
    "max_completion_tokens": _integer(-1),
    "seed": _integer(-(2**63), 2**63),
    "stop": _stop,
    "logit_bias": _logit_bias,
    "logprobs": _flag,
    "top_logprobs": _integer(0, _MAX_ALTERNATIVES),
    "response_format": _response_format,
    "tools": _tools,
    "tool_choice": _tool_choice,
    "parallel_tool_calls": _flag,
    "reasoning_effort": _text,
}
_EMBEDDINGS: Mapping[str, _Check] = {"model": _text, "input": _input, "encoding_format": _encoding_format}
