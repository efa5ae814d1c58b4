"""Models, their loaded instances, and how to load one. Field meanings: LM Studio's `GET /api/v1/models`."""

from dataclasses import dataclass, fields
from typing import NewType

from harness.domain.candidate import Candidate

ModelKey = NewType("ModelKey", str)
"""What the listing calls `key`: a downloaded model."""

InstanceId = NewType("InstanceId", str)
"""Exactly `loaded_instances[].id`: `key`, `key:2`, or an alias."""

ResponseId = NewType("ResponseId", str)
"""A stored turn (`resp_…`), usable as `previous_response_id`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantization:
    """How the weights are stored, such as Q4_K_M at 4 bits per weight."""

    name: str | None = None
    bits_per_weight: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadConfig:
    """The settings of a load. None means not requested (in a request) or not reported (in a listing).

    `parallel` (request slots) is only read: LM Studio's REST load does not accept it.
    """

    context_length: int | None = None
    eval_batch_size: int | None = None
    flash_attention: bool | None = None
    num_experts: int | None = None
    offload_kv_cache_to_gpu: bool | None = None
    parallel: int | None = None

    def as_dict(self) -> dict[str, int | bool]:
        """Return the settings that are not None, by field name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    def agrees_with(self, actual: "LoadConfig") -> bool:
        """Return whether a load with these settings may have made an instance with `actual`: no setting differs."""
        return all(getattr(actual, name) in {None, wanted} for name, wanted in self.as_dict().items())

    def is_satisfied_by(self, actual: "LoadConfig") -> bool:
        """Return whether an instance loaded with `actual` serves this request.

        A larger context than requested is fine; a setting that the server does not report is assumed to fit.
        """
        for name, wanted in self.as_dict().items():
            found = getattr(actual, name)
            if found is None:
                continue
            if name == "context_length":
                if found < wanted:
                    return False
            elif found != wanted:
                return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One loaded copy of a model."""

    id: InstanceId
    config: LoadConfig

    @property
    def slots(self) -> int:
        """How many requests it serves at a time; 1 where the server does not report it."""
        return self.config.parallel or 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the model can do. `reasoning_options` is None where the model has no reasoning setting."""

    vision: bool = False
    trained_for_tool_use: bool = False
    reasoning_options: tuple[str, ...] | None = None
    reasoning_default: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A downloaded model, loaded or not.

    Attributes:
        type: "llm" or "embedding"; a vision model is "llm" with `capabilities.vision`. LM Studio lists others too, such
            as "decision": the set is open.
        size_bytes: size on disk.
        params_string: such as "4B" or "26B-A4B" (total and active), where known.
        max_context_length: in tokens, as trained; an instance may be loaded with less.
        capabilities: None where the listing has none (embedding models, some LLMs), which means unknown.
        reasoning_level: the level that a run asks it with, where the run asks several; the listing knows nothing of it.
    """

    key: ModelKey
    type: str
    publisher: str = ""
    display_name: str = ""
    architecture: str | None = None
    quantization: Quantization | None = None
    size_bytes: int = 0
    params_string: str | None = None
    loaded_instances: tuple[Instance, ...] = ()
    max_context_length: int = 0
    format: str | None = None
    capabilities: Capabilities | None = None
    description: str | None = None
    variants: tuple[str, ...] = ()
    selected_variant: str | None = None
    reasoning_level: str | None = None

    @property
    def name(self) -> Candidate:
        """What it is called among those that are compared: its key, or `key@level`."""
        return Candidate(self.key, self.reasoning_level)

    @property
    def is_loaded(self) -> bool:
        """Whether at least one instance is resident."""
        return bool(self.loaded_instances)

    @property
    def is_chat(self) -> bool:
        """Whether it can answer a chat: other types than "llm" cannot, even those that LM Studio adds later."""
        return self.type == "llm"

    @property
    def is_embedding(self) -> bool:
        """Whether it computes embeddings."""
        return self.type == "embedding"

    @property
    def is_left_alone(self) -> bool:
        """Whether it is of a type that is never asked: neither chat nor embedding, such as LM Studio's "decision"."""
        return not (self.is_chat or self.is_embedding)

    def instance(self, instance_id: str) -> Instance | None:
        """Return the loaded instance with exactly this id (ids are case-sensitive), or None."""
        return next((instance for instance in self.loaded_instances if instance.id == instance_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """The server's answer to a load.

    Attributes:
        load_time_s: `load_time_seconds`, the server's own figure.
        load_config: only where the request had `echo_load_config` and the server honoured it.
    """

    type: str
    instance_id: InstanceId
    load_time_s: float | None = None
    load_config: LoadConfig | None = None
