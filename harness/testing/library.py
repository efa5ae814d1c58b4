"""What a scripted server knows: downloaded models, loaded instances, stored answers. Thread-safe."""

import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from harness.domain.model import Capabilities, InstanceId, LoadConfig, Model, ModelKey, Quantization
from harness.testing.message import Refusal

DEFAULT_CONTEXT = 8192

DEFAULT_MODELS: tuple[Model, ...] = (
    Model(
        key=ModelKey("acme/tiny-1b"),
        type="llm",
        publisher="acme",
        display_name="Tiny 1B",
        architecture="llama",
        quantization=Quantization(name="Q4_K_M", bits_per_weight=4),
        size_bytes=700_000_000,
        params_string="1B",
        max_context_length=16384,
        format="gguf",
        capabilities=Capabilities(),
    ),
    Model(
        key=ModelKey("acme/small-4b"),
        type="llm",
        publisher="acme",
        display_name="Small 4B",
        architecture="llama",
        quantization=Quantization(name="Q4_K_M", bits_per_weight=4),
        size_bytes=2_500_000_000,
        params_string="4B",
        max_context_length=32768,
        format="gguf",
        capabilities=Capabilities(
            trained_for_tool_use=True, reasoning_options=("off", "on", "xhigh"), reasoning_default="off"
        ),
    ),
    Model(
        key=ModelKey("text-embedding-acme"),
        type="embedding",
        publisher="acme",
        display_name="Acme Embedding",
        quantization=Quantization(name="F16", bits_per_weight=16),
        size_bytes=80_000_000,
        max_context_length=2048,
        format="gguf",
    ),
)
"""Two chat models and one for embeddings; the larger one reasons."""


@dataclass(slots=True, kw_only=True)
class Loaded:
    """One instance. `in_flight` and `peak` count requests that it is answering."""

    id: InstanceId
    model: Model
    config: LoadConfig
    is_jit: bool
    slots: threading.Semaphore
    in_flight: int = 0
    peak: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A stored answer: what continuing it costs in tokens."""

    tokens: int


@dataclass(slots=True)
class Library:
    """The state of one server."""

    models: tuple[Model, ...]
    parallel: int
    instances: dict[InstanceId, Loaded] = field(default_factory=dict)
    turns: dict[str, Turn] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    before_change: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, models: Sequence[Model], *, parallel: int) -> "Library":
        """Return the state in which these models are downloaded, and loaded where they say so."""
        library = cls(models=tuple(replace(one, loaded_instances=()) for one in models), parallel=parallel)
        for model in models:
            for instance in model.loaded_instances:
                library.instances[instance.id] = library.made(instance.id, model, instance.config, is_jit=False)
        library.before_change = library.listing()
        return library

    def made(self, instance_id: InstanceId, model: Model, config: LoadConfig, *, is_jit: bool) -> Loaded:
        """Return an instance that is not loaded yet."""
        slots = threading.Semaphore(config.parallel or self.parallel)
        return Loaded(id=instance_id, model=model, config=config, is_jit=is_jit, slots=slots)

    def copy(self) -> "Library":
        """Return an equal state of its own."""
        with self.lock:
            return Library(
                models=self.models,
                parallel=self.parallel,
                instances=dict(self.instances),
                turns=dict(self.turns),
                before_change=self.before_change,
            )

    def find(self, key: str) -> Model | None:
        """Return the model with this key; keys match in any case, as in LM Studio 0.4.25."""
        return next((one for one in self.models if one.key.lower() == key.lower()), None)

    def instances_of(self, model: Model) -> list[Loaded]:
        """Return the loaded copies of a model, the oldest first."""
        with self.lock:
            return [one for one in self.instances.values() if one.model.key == model.key]

    def load(self, model: Model, wanted: LoadConfig, *, is_jit: bool = False) -> Loaded:
        """Load one more copy of a model: `key`, then `key:2`, … A JIT load evicts other models that came by JIT."""
        with self.lock:
            self.before_change = self.listing()
            if is_jit:
                others = [one.id for one in self.instances.values() if one.is_jit and one.model.key != model.key]
                for instance_id in others:
                    del self.instances[instance_id]
            number, instance_id = 1, InstanceId(model.key)
            while instance_id in self.instances:
                number += 1
                instance_id = InstanceId(f"{model.key}:{number}")
            loaded = self.made(instance_id, model, self._effective(model, wanted), is_jit=is_jit)
            self.instances[instance_id] = loaded
            return loaded

    def unload(self, instance_id: str) -> None:
        """Unload exactly this instance.

        Raises:
            Refusal: there is none.
        """
        with self.lock:
            if instance_id not in self.instances:
                said = f"Model with instance identifier '{instance_id}' is not loaded."
                raise Refusal(404, said, type="model_not_found")
            self.before_change = self.listing()
            del self.instances[InstanceId(instance_id)]

    def store(self, turn: Turn) -> str:
        """Keep an answer and return its id."""
        response_id = f"resp_{secrets.token_hex(24)}"
        self.turns[response_id] = turn
        return response_id

    def listing(self) -> list[dict[str, Any]]:
        """Return `models` of `GET /api/v1/models`."""
        with self.lock:
            return [_listed(model, self.instances_of(model)) for model in self.models]

    def _effective(self, model: Model, wanted: LoadConfig) -> LoadConfig:
        context = min(wanted.context_length or DEFAULT_CONTEXT, model.max_context_length or DEFAULT_CONTEXT)
        if model.is_embedding:
            return LoadConfig(context_length=context)
        return replace(
            wanted,
            context_length=context,
            eval_batch_size=wanted.eval_batch_size or 512,
            flash_attention=True if wanted.flash_attention is None else wanted.flash_attention,
            offload_kv_cache_to_gpu=True if wanted.offload_kv_cache_to_gpu is None else wanted.offload_kv_cache_to_gpu,
            parallel=self.parallel,
        )


def _listed(model: Model, instances: Sequence[Loaded]) -> dict[str, Any]:
    quantization = model.quantization
    entry: dict[str, Any] = {
        "type": model.type,
        "publisher": model.publisher,
        "key": model.key,
        "display_name": model.display_name,
        "quantization": quantization and {"name": quantization.name, "bits_per_weight": quantization.bits_per_weight},
        "size_bytes": model.size_bytes,
        "params_string": model.params_string,
        "loaded_instances": [{"id": one.id, "config": one.config.as_dict()} for one in instances],
        "max_context_length": model.max_context_length,
        "format": model.format,
    }
    if model.is_chat:
        entry |= {"architecture": model.architecture, "description": model.description}
    if model.capabilities is not None:
        entry["capabilities"] = _capabilities(model.capabilities)
    if model.variants:
        entry |= {"variants": list(model.variants), "selected_variant": model.selected_variant}
    return entry


def _capabilities(known: Capabilities) -> dict[str, Any]:
    entry: dict[str, Any] = {"vision": known.vision, "trained_for_tool_use": known.trained_for_tool_use}
    if known.reasoning_options is not None:
        entry["reasoning"] = {"allowed_options": list(known.reasoning_options), "default": known.reasoning_default}
    return entry
