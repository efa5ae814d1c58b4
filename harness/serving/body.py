"""Request bodies of LM Studio's native API, checked as strictly as it does.

An unknown key, a missing field, null, a wrong type or a value out of range is a 400 (LM Studio 0.4.21 to 0.4.25). The
first thing wrong is the answer: nothing is collected, so a body of a million mistakes costs as much as one.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from harness.serving.json_body import json_type, parse_object
from harness.serving.refusal import Refusal, shortened

_MAX_INT = 2**31 - 1
"""What llama.cpp's own integers hold."""

_SHOWN_KEYS = 3

Check: TypeAlias = Callable[[str, Any], Any]
"""Takes a field's name and value, returns the value to use, or raises a `Refusal`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBody:
    """`POST /api/v1/models/load`."""

    model: str
    context_length: int | None = None
    eval_batch_size: int | None = None
    flash_attention: bool | None = None
    num_experts: int | None = None
    offload_kv_cache_to_gpu: bool | None = None
    echo_load_config: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UnloadBody:
    """`POST /api/v1/models/unload`."""

    instance_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadBody:
    """`POST /api/v1/models/download`."""

    model: str
    quantization: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextItem:
    """A piece of text in `input`."""

    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageItem:
    """An image in `input`."""

    data_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatBody:
    """`POST /api/v1/chat`. An `input` that came as a string is one `TextItem`."""

    model: str
    input: tuple[TextItem | ImageItem, ...]
    system_prompt: str | None = None
    integrations: tuple[Any, ...] = ()
    stream: bool = False
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    max_output_tokens: int | None = None
    reasoning: str | None = None
    context_length: int | None = None
    store: bool = True
    previous_response_id: str | None = None

    @property
    def text(self) -> str:
        """The text of the input; items are joined by line ends."""
        return "\n".join(item.content for item in self.input if isinstance(item, TextItem))

    @property
    def images(self) -> tuple[ImageItem, ...]:
        """The images of the input."""
        return tuple(item for item in self.input if isinstance(item, ImageItem))


def load_body(raw: bytes) -> LoadBody:
    """Return a load's body, or raise the `Refusal` that LM Studio would answer."""
    return LoadBody(**_checked(raw, _LOAD, required=("model",)))


def unload_body(raw: bytes) -> UnloadBody:
    """Return an unload's body, or raise the `Refusal` that LM Studio would answer."""
    return UnloadBody(**_checked(raw, _UNLOAD, required=("instance_id",)))


def download_body(raw: bytes) -> DownloadBody:
    """Return a download's body, or raise the `Refusal` that LM Studio would answer."""
    return DownloadBody(**_checked(raw, _DOWNLOAD, required=("model",)))


def chat_body(raw: bytes) -> ChatBody:
    """Return a chat's body, or raise the `Refusal` that LM Studio would answer."""
    return ChatBody(**_checked(raw, _CHAT, required=("model", "input")))


def _checked(raw: bytes, fields: Mapping[str, Check], *, required: tuple[str, ...]) -> dict[str, Any]:
    body = parse_object(raw)
    # A missing field comes before an unknown one: an unload by `model` lacks `instance_id` (LM Studio 0.4.25).
    for name in required:
        if name not in body:
            message = f"Missing required field '{name}'"
            raise Refusal(400, message, code="missing_required_parameter", param=name)
    unknown = [name for name in body if name not in fields]
    if unknown:
        names = ", ".join(f"'{shortened(name)}'" for name in unknown[:_SHOWN_KEYS])
        more = f" and {len(unknown) - _SHOWN_KEYS} more" if len(unknown) > _SHOWN_KEYS else ""
        raise Refusal(400, f"Unrecognized key(s) in object: {names}{more}", code="unrecognized_keys")
    return {name: fields[name](name, value) for name, value in body.items()}


def _wrong_type(name: str, expected: str, value: object) -> Refusal:
    message = f"Invalid value for '{name}': expected {expected}, received {json_type(value)}"
    return Refusal(400, message, code="invalid_type", param=name)


def _out_of_range(name: str, expected: str, value: object) -> Refusal:
    message = f"Invalid value for '{name}': expected {expected}, received {shortened(json.dumps(value))}"
    return Refusal(400, message, code="invalid_value", param=name)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong_type(name, "string", value)
    return value


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong_type(name, "boolean", value)
    return value


def _number(name: str, value: Any) -> int | float:
    # To Python a bool is an int; to JSON it is not.
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _wrong_type(name, "number", value)
    return value


def _integer(least: int) -> Check:
    def check(name: str, value: Any) -> int:
        number = _number(name, value)
        # 512.0 is an integer to JavaScript, in which LM Studio is written.
        if number != int(number) or not least <= number <= _MAX_INT:
            raise _out_of_range(name, f"an integer from {least} to {_MAX_INT}", value)
        return int(number)

    return check


def _share(name: str, value: Any) -> float:
    if not 0 <= (number := _number(name, value)) <= 1:
        raise _out_of_range(name, "a number from 0 to 1", value)
    return number


def _positive(name: str, value: Any) -> float:
    if not 0 < (number := _number(name, value)) <= _MAX_INT:
        raise _out_of_range(name, "a number above 0", value)
    return number


def _integrations(name: str, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _wrong_type(name, "array", value)
    return tuple(value)


def _input(name: str, value: Any) -> tuple[TextItem | ImageItem, ...]:
    if isinstance(value, str):
        return (TextItem(content=value),)
    if not isinstance(value, list):
        raise _bad_input()
    return tuple(_item(name, item) for item in value)


def _item(name: str, item: Any) -> TextItem | ImageItem:
    kind = item.get("type") if isinstance(item, dict) else None
    content = _ITEM_CONTENT.get(kind) if isinstance(kind, str) else None
    if content is None or set(item) != {"type", content}:
        raise _bad_input()
    text = _text(f"{name}.{content}", item[content])
    return TextItem(content=text) if content == "content" else ImageItem(data_url=text)


def _bad_input() -> Refusal:
    # LM Studio's documentation names the type "message", which its server does not accept.
    return Refusal(400, "Invalid discriminator value. Expected 'text' | 'image'", code="invalid_union", param="input")


_ITEM_CONTENT = {"text": "content", "image": "data_url"}
_COUNT = _integer(1)
_LOAD: Mapping[str, Check] = {
    "model": _text,
    "context_length": _COUNT,
    "eval_batch_size": _COUNT,
    "flash_attention": _flag,
    "num_experts": _COUNT,
    "offload_kv_cache_to_gpu": _flag,
    "echo_load_config": _flag,
}
_UNLOAD: Mapping[str, Check] = {"instance_id": _text}
_DOWNLOAD: Mapping[str, Check] = {"model": _text, "quantization": _text}
_CHAT: Mapping[str, Check] = {
    "model": _text,
    "input": _input,
    "system_prompt": _text,
    "integrations": _integrations,
    "stream": _flag,
    "temperature": _share,
    "top_p": _share,
    "top_k": _integer(0),
    "min_p": _share,
    "repeat_penalty": _positive,
    "max_output_tokens": _COUNT,
    "reasoning": _text,
    "context_length": _COUNT,
    "store": _flag,
    "previous_response_id": _text,
}
