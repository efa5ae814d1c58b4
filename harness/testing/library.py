"""What a scripted server knows: downloaded models, loaded instances, stored answers. Threads may share it."""

import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from harness.domain.model import Capabilities, Instance, InstanceId, LoadConfig, Model, ModelKey, Quantization
from harness.serving import answer, refusal

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
    """One instance. `in_flight` and `peak` count the requests that it answers at a time."""

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
    """The state of one server.

    Attributes:
        before_change: the listing before the last load or unload that no listing has shown yet: one that lags shows it.
        odd_entries: raw entries of the listing that follow those of the models, however odd they are.
    """

    models: tuple[Model, ...]
    parallel: int
    odd_entries: tuple[Any, ...] = ()
    instances: dict[InstanceId, Loaded] = field(default_factory=dict)
    turns: dict[str, Turn] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    before_change: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, models: Sequence[Model], *, parallel: int, odd_entries: Sequence[Any] = ()) -> "Library":
        """Return the state in which these models are downloaded, and loaded where they have instances."""
        downloaded = tuple(replace(model, loaded_instances=()) for model in models)
        library = cls(models=downloaded, parallel=parallel, odd_entries=tuple(odd_entries))
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
                odd_entries=self.odd_entries,
                instances=dict(self.instances),
                turns=dict(self.turns),
                before_change=self.before_change,
            )

    def find(self, key: str) -> Model | None:
        """Return the model with this key; keys match in any case, as in LM Studio 0.4.25."""
        return next((model for model in self.models if model.key.lower() == key.lower()), None)

    def instances_of(self, model: Model) -> list[Loaded]:
        """Return the loaded copies of a model, the oldest first."""
        with self.lock:
            return [loaded for loaded in self.instances.values() if loaded.model.key == model.key]

    def load(self, model: Model, wanted: LoadConfig, *, is_jit: bool = False) -> Loaded:
        """Load one more copy of a model: `key`, then `key:2`, … A JIT load evicts other models that came by JIT."""
        with self.lock:
            self.before_change = self.listing()
            if is_jit:
                evicted = [
                    loaded.id for loaded in self.instances.values() if loaded.is_jit and loaded.model.key != model.key
                ]
                for instance_id in evicted:
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
            Refusal: it is not loaded.
        """
        with self.lock:
            if instance_id not in self.instances:
                raise refusal.not_loaded(instance_id)
            self.before_change = self.listing()
            del self.instances[InstanceId(instance_id)]

    def shown(self) -> dict[str, Any]:
        """Return the listing for a client; from now on none lags behind it."""
        with self.lock:
            self.before_change = self.listing()
            return self.before_change

    def store(self, turn: Turn) -> str:
        """Keep an answer and return its id."""
        response_id = f"resp_{secrets.token_hex(24)}"
        self.turns[response_id] = turn
        return response_id

    def listing(self) -> dict[str, Any]:
        """Return the answer of `GET /api/v1/models`."""
        with self.lock:
            listed = answer.listing(self._with_instances(model) for model in self.models)
        listed["models"].extend(self.odd_entries)
        return listed

    def _with_instances(self, model: Model) -> Model:
        instances = tuple(Instance(id=loaded.id, config=loaded.config) for loaded in self.instances_of(model))
        return replace(model, loaded_instances=instances)

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
