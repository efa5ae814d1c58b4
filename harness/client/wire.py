"""The JSON of LM Studio's answers, on the wire and as values of the domain.

Reading is tolerant: unknown keys are kept, and whatever the API marks as optional may be absent or null. `to_json`
returns exactly what was read. Field meanings: LM Studio's REST documentation, native v1 API.
"""

import json
import math
import threading
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.domain.download import Download
from harness.domain.generation import Generation, ServerStats, Times
from harness.domain.model import (
    Capabilities,
    Instance,
    InstanceId,
    LoadConfig,
    LoadResult,
    Model,
    ModelKey,
    Quantization,
    ResponseId,
)
from harness.errors import MalformedAnswer

Number: TypeAlias = int | float
W = TypeVar("W", bound="Wire")
_SHOWN_CHARACTERS = 120
_MOST = 2**63
_MOST_DIGITS = 300
_BUILDING = threading.Lock()


class Wire(BaseModel):
    """An object as the server sent it. Types are strict: a number in quotes would not survive a round trip."""

    model_config = ConfigDict(
        extra="allow", frozen=True, strict=True, allow_inf_nan=False, protected_namespaces=(), defer_build=True
    )

    def to_json(self) -> dict[str, Any]:
        """Return exactly the object that was read."""
        return self.model_dump(exclude_unset=True)


class QuantizationWire(Wire):
    """`quantization` of a listed model."""

    name: str | None = None
    bits_per_weight: Number | None = None

    def to_domain(self) -> Quantization:
        """Return it as a `Quantization`."""
        return Quantization(name=self.name, bits_per_weight=self.bits_per_weight)


class ConfigWire(Wire):
    """`loaded_instances[].config`, and `load_config` of a load; embedding models have the context length only."""

    context_length: Number | None = None
    eval_batch_size: Number | None = None
    parallel: Number | None = None
    flash_attention: bool | None = None
    num_experts: Number | None = None
    offload_kv_cache_to_gpu: bool | None = None

    def to_domain(self) -> LoadConfig:
        """Return it as a `LoadConfig`."""
        return LoadConfig(
            context_length=whole(self.context_length),
            eval_batch_size=whole(self.eval_batch_size),
            parallel=whole(self.parallel),
            flash_attention=self.flash_attention,
            num_experts=whole(self.num_experts),
            offload_kv_cache_to_gpu=self.offload_kv_cache_to_gpu,
        )


class InstanceWire(Wire):
    """One of `loaded_instances`."""

    id: str
    config: ConfigWire | None = None

    def to_domain(self) -> Instance:
        """Return it as an `Instance`."""
        return Instance(id=InstanceId(self.id), config=self.config.to_domain() if self.config else LoadConfig())


class ReasoningWire(Wire):
    """`capabilities.reasoning`; its options are an open set (LM Studio lists an undocumented "xhigh")."""

    allowed_options: list[str] | None = None
    default: str | None = None


class CapabilitiesWire(Wire):
    """`capabilities` of a listed model."""

    vision: bool | None = None
    trained_for_tool_use: bool | None = None
    reasoning: ReasoningWire | None = None

    def to_domain(self) -> Capabilities:
        """Return it as `Capabilities`."""
        options = self.reasoning.allowed_options if self.reasoning else None
        return Capabilities(
            vision=bool(self.vision),
            trained_for_tool_use=bool(self.trained_for_tool_use),
            reasoning_options=None if options is None else tuple(options),
            reasoning_default=self.reasoning.default if self.reasoning else None,
        )


class ModelWire(Wire):
    """One model of the listing."""

    type: str
    key: str
    publisher: str | None = None
    display_name: str | None = None
    architecture: str | None = None
    quantization: QuantizationWire | None = None
    size_bytes: Number | None = None
    params_string: str | None = None
    loaded_instances: list[InstanceWire] | None = None
    max_context_length: Number | None = None
    format: str | None = None
    capabilities: CapabilitiesWire | None = None
    description: str | None = None
    variants: list[str] | None = None
    selected_variant: str | None = None

    def to_domain(self) -> Model:
        """Return it as a `Model`."""
        return Model(
            key=ModelKey(self.key),
            type=self.type,
            publisher=self.publisher or "",
            display_name=self.display_name or "",
            architecture=self.architecture,
            quantization=self.quantization.to_domain() if self.quantization else None,
            size_bytes=whole(self.size_bytes) or 0,
            params_string=self.params_string,
            loaded_instances=tuple(instance.to_domain() for instance in self.loaded_instances or ()),
            max_context_length=whole(self.max_context_length) or 0,
            format=self.format,
            capabilities=self.capabilities.to_domain() if self.capabilities else None,
            description=self.description,
            variants=tuple(self.variants or ()),
            selected_variant=self.selected_variant,
        )


class ModelsWire(Wire):
    """Answer of `GET /api/v1/models`; `harness.client.listing` reads its entries, each by itself."""

    models: list[Any]


class LoadWire(Wire):
    """Answer of `POST /api/v1/models/load`."""

    instance_id: str
    type: str | None = None
    load_time_seconds: Number | None = None
    status: str | None = None
    load_config: ConfigWire | None = None

    def to_domain(self) -> LoadResult:
        """Return it as a `LoadResult`.

        Raises:
            MalformedAnswer: the status is not `loaded`, the only documented one.
        """
        if self.status not in {None, "loaded"}:
            raise MalformedAnswer(f"expected status 'loaded' of {self.instance_id}, got {self.status!r}")
        return LoadResult(
            type=self.type or "llm",
            instance_id=InstanceId(self.instance_id),
            load_time_s=_figure(self.load_time_seconds),
            load_config=self.load_config.to_domain() if self.load_config else None,
        )


class UnloadWire(Wire):
    """Answer of `POST /api/v1/models/unload`: the id, echoed."""

    instance_id: str


class DownloadWire(Wire):
    """Answer of `POST /api/v1/models/download` and of its status route; `already_downloaded` has no job."""

    status: str
    job_id: str | None = None
    total_size_bytes: Number | None = None
    downloaded_bytes: Number | None = None
    bytes_per_second: Number | None = None
    estimated_completion: str | None = None
    started_at: str | None = None
    completed_at: str | None = None

    def to_domain(self) -> Download:
        """Return it as a `Download`."""
        return Download(
            status=self.status,
            job_id=self.job_id,
            total_bytes=whole(self.total_size_bytes),
            downloaded_bytes=whole(self.downloaded_bytes),
            bytes_per_second=whole(self.bytes_per_second) or None,
            estimated_completion=self.estimated_completion,
            started_at=self.started_at,
            completed_at=self.completed_at,
        )


class StatsWire(Wire):
    """`stats` of a chat. `model_load_time_seconds` is present only when this request loaded the model."""

    input_tokens: Number | None = None
    total_output_tokens: Number | None = None
    reasoning_output_tokens: Number | None = None
    tokens_per_second: Number | None = None
    time_to_first_token_seconds: Number | None = None
    model_load_time_seconds: Number | None = None
    cached_tokens: Number | None = None

    def to_domain(self) -> ServerStats:
        """Return it as `ServerStats`."""
        return ServerStats(
            input_tokens=whole(self.input_tokens),
            total_output_tokens=whole(self.total_output_tokens),
            reasoning_output_tokens=whole(self.reasoning_output_tokens),
            tokens_per_second=_figure(self.tokens_per_second),
            ttft_s=_figure(self.time_to_first_token_seconds),
            load_time_s=_figure(self.model_load_time_seconds),
            cached_tokens=whole(self.cached_tokens),
        )


class OutputWire(Wire):
    """One item of `output`: message, reasoning, tool_call, invalid_tool_call, or a type of a later version."""

    type: str
    content: str | None = None


class ChatWire(Wire):
    """Answer of `POST /api/v1/chat`, and `result` of the stream's `chat.end`."""

    model_instance_id: str
    output: list[OutputWire]
    stats: StatsWire | None = None
    response_id: str | None = None

    def to_domain(self, times: Times, *, loaded_model: bool = False) -> Generation:
        """Return it as a `Generation`; an answer without a message item has the text ""."""
        stats = self.stats.to_domain() if self.stats else ServerStats()
        has_loaded = self.stats is not None and self.stats.model_load_time_seconds is not None  # However odd it is.
        return Generation(
            model_instance_id=InstanceId(self.model_instance_id),
            text=self._joined("message"),
            reasoning=self._joined("reasoning"),
            stats=stats,
            times=times,
            response_id=ResponseId(self.response_id) if self.response_id else None,
            tool_calls=tuple(item.to_json() for item in self.output if item.type in {"tool_call", "invalid_tool_call"}),
            loaded_model=loaded_model or has_loaded,
        )

    def _joined(self, kind: str) -> str:
        return "".join(item.content or "" for item in self.output if item.type == kind)


def read_json(data: bytes) -> Any:
    """Return the JSON value in `data`.

    NaN, infinity and numbers beyond a float's range become None: the server could not give a figure.
    Halves of a surrogate pair, which JavaScript can send but UTF-8 cannot encode, become U+FFFD.

    Raises:
        MalformedAnswer: it is not JSON, or is nested too deeply.
    """
    return json_of(data.decode("utf-8", "replace"))


def json_of(text: str) -> Any:
    """Return the JSON value in `text`, as `read_json` does."""
    text = text.removeprefix("\ufeff")
    try:
        value = _value(text)
    except (ValueError, RecursionError):
        shown = " ".join(text[:_SHOWN_CHARACTERS].split())
        raise MalformedAnswer(f"expected JSON, got {shown!r}" if shown else "expected JSON, got nothing") from None
    return _mended(value) if "\\" in text and "\\ud" in text.lower() else value


def _value(text: str) -> Any:
    # `decode` looks for blanks around the value as well, of which an event has none.
    try:
        value, end = _DECODER.raw_decode(text)
    except ValueError:
        return _DECODER.decode(text)
    return value if end == len(text) else _DECODER.decode(text)


def parse(kind: type[W], payload: Any) -> W:
    """Return `payload` as this kind of object.

    Raises:
        MalformedAnswer: it is not what the API promises; the message says where, without the server's values.
    """
    if not kind.__pydantic_complete__:
        with _BUILDING:  # Several slots may meet the first answer of a kind at once.
            kind.model_rebuild()
    try:
        return kind.model_validate(payload)
    except ValidationError as exc:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']) or 'answer'}: {fault['msg']}"
            for fault in exc.errors(include_input=False, include_url=False, include_context=False)[:3]
        )
        raise MalformedAnswer(f"the answer is not what the API promises: {faults}") from None
    except RecursionError:
        raise MalformedAnswer("the answer is nested too deeply") from None


def whole(number: Number | None) -> int | None:
    """Return a count; None for what nothing can count to, such as -5 or 400 digits."""
    return int(number) if number is not None and 0 <= number < _MOST else None


def _figure(number: Number | None) -> Number | None:
    return number if number is not None and 0 <= number < _MOST else None


def _bounded(digits: str) -> int | None:
    # The length is looked at first: reading 10,000 digits is refused by Python, and an 1 with 400 zeros fits no float.
    return int(digits) if len(digits) <= _MOST_DIGITS else None


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_mended(element) for element in value]
    if isinstance(value, dict):
        return {_mended(key): _mended(element) for key, element in value.items()}
    return value


# One for all, as making one takes longer than reading an event.
_DECODER = json.JSONDecoder(parse_constant=lambda _: None, parse_float=_finite, parse_int=_bounded)
