"""Strict request bodies: an unknown key is refused, as LM Studio does (400 unrecognized_keys)."""

import json
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.embedded.fault import Fault

_MOST = 2**31 - 1
"""What llama.cpp's own numbers hold."""

Count: TypeAlias = Annotated[int, Field(ge=1, le=_MOST)]


class _Body(BaseModel):
    # Strict: "5" is no number; `model_config` itself is pydantic's name.
    model_config = ConfigDict(extra="forbid", strict=True, protected_namespaces=())


class LoadBody(_Body):
    """`POST /api/v1/models/load`."""

    model: str
    context_length: Count | None = None
    eval_batch_size: Count | None = None
    flash_attention: bool | None = None
    num_experts: Count | None = None
    offload_kv_cache_to_gpu: bool | None = None
    echo_load_config: bool = False


class UnloadBody(_Body):
    """`POST /api/v1/models/unload`."""

    instance_id: str


class DownloadBody(_Body):
    """`POST /api/v1/models/download`."""

    model: str
    quantization: str | None = None


class TextItem(_Body):
    """A piece of text in `input`."""

    type: Literal["text"]
    content: str


class ImageItem(_Body):
    """An image in `input`."""

    type: Literal["image"]
    data_url: str


class ChatBody(_Body):
    """`POST /api/v1/chat`."""

    model: str
    input: str | list[Annotated[TextItem | ImageItem, Field(discriminator="type")]]
    system_prompt: str | None = None
    integrations: list[Any] | None = None
    stream: bool = False
    temperature: Annotated[float, Field(ge=0, le=1)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0, le=_MOST)] | None = None
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    repeat_penalty: Annotated[float, Field(gt=0)] | None = None
    max_output_tokens: Count | None = None
    reasoning: str | None = None
    context_length: Count | None = None
    store: bool = True
    previous_response_id: str | None = None

    def text(self) -> str:
        """Return the text of the input; items are joined by line ends."""
        if isinstance(self.input, str):
            return self.input
        return "\n".join(item.content for item in self.input if isinstance(item, TextItem))

    def has_images(self) -> bool:
        """Tell whether an image is among the input."""
        return not isinstance(self.input, str) and any(isinstance(item, ImageItem) for item in self.input)


Body = TypeVar("Body", bound=_Body)


def parse(kind: type[Body], raw: bytes) -> Body:
    """Return the body as `kind`.

    Raises:
        Fault: 400 in the native wording: invalid JSON, unknown keys, a missing field, a wrong value, null.
    """
    value = parse_json(raw)
    if not isinstance(value, dict):
        raise Fault(400, "Expected object, received something else", code="invalid_type")
    for name, one in value.items():
        if one is None:
            raise Fault(
                400, f"Invalid value for '{name}': expected a value, received null", code="invalid_type", param=name
            )
    try:
        return kind.model_validate(value)
    except ValidationError as exc:
        raise _native(exc) from exc


def parse_json(raw: bytes) -> Any:
    """Return the JSON value of a body; it is UTF-8, its numbers are numbers, its keys come once, its text is text.

    Raises:
        Fault: 400 invalid_json.
    """
    try:
        value = json.loads(raw.decode(), object_pairs_hook=_once, parse_constant=_no_number)
        if b"\\u" in raw:
            json.dumps(value, ensure_ascii=False).encode()  # Half of a surrogate pair cannot be passed on.
    except (ValueError, RecursionError) as exc:
        raise Fault(400, "Request body is not valid JSON", code="invalid_json") from exc
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key comes twice")
    return value


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _native(exc: ValidationError) -> Fault:
    errors = exc.errors()
    # A missing field is told first: an unload by `model` lacks `instance_id` (LM Studio 0.4.25).
    missing = [str(error["loc"][0]) for error in errors if error["type"] == "missing" and len(error["loc"]) == 1]
    if missing:
        said = f"Missing required field '{missing[0]}'"
        return Fault(400, said, code="missing_required_parameter", param=missing[0])
    unknown = [
        str(error["loc"][-1]) for error in errors if error["type"] == "extra_forbidden" and len(error["loc"]) == 1
    ]
    if unknown:
        names = ", ".join(f"'{name}'" for name in unknown)
        return Fault(400, f"Unrecognized key(s) in object: {names}", code="unrecognized_keys")
    first = errors[0]
    name = str(first["loc"][0])
    if name == "input":
        return Fault(400, "Invalid discriminator value. Expected 'text' | 'image'", code="invalid_union", param="input")
    return Fault(400, f"Invalid value for '{name}': {first['msg']}", code="invalid_value", param=name)
