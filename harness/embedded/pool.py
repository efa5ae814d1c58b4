"""Which instances are resident: explicit loads, loads by request (JIT), eviction, expiry, unloads, crashes."""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from dataclasses import replace

from harness.domain.count import counted
from harness.domain.model import Instance, InstanceId, LoadConfig, Model
from harness.embedded.catalogue import ModelFile
from harness.embedded.instance import LoadedInstance, start_instance
from harness.serving.refusal import Refusal, load_failed, not_downloaded, not_loaded

DEFAULT_CONTEXT = 4096
DEFAULT_BATCH = 512
JIT_TTL_S = 3600.0
MOST_INSTANCES = 32
"""Each is a process: 247 MB for a default model with a context of 2,048 (2026-11)."""
_SWEEP_S = 30.0


class Pool:
    """All models of the server and their resident instances. One event loop; not thread-safe.

    Args:
        files: the downloaded models.
        parallel: slots of every instance.
        jit_ttl_s: how long an idle instance stays that a request loaded; explicit loads never expire.
        most: how many instances there may be, those that are being loaded included: whoever may send requests could
            otherwise use up the machine's memory.
    """

    def __init__(
        self, files: Sequence[ModelFile], *, parallel: int, jit_ttl_s: float = JIT_TTL_S, most: int = MOST_INSTANCES
    ) -> None:
        self._files = {file.model.key.lower(): file for file in files}
        self._parallel = parallel
        self._jit_ttl_s = jit_ttl_s
        self._most = most
        self._instances: dict[InstanceId, LoadedInstance] = {}
        self._loading: set[InstanceId] = set()
        self._jit_locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def models(self) -> tuple[Model, ...]:
        """The downloaded models (without their instances)."""
        return tuple(file.model for file in self._files.values())

    def listed_models(self) -> Iterator[Model]:
        """Yield the downloaded models with their resident instances."""
        for file in self._files.values():
            instances = tuple(
                Instance(id=instance.id, config=instance.config) for instance in self.instances_of(file.model)
            )
            yield replace(file.model, loaded_instances=instances)

    def instances_of(self, model: Model) -> tuple[LoadedInstance, ...]:
        """Return the resident instances of a model, oldest first."""
        return tuple(instance for instance in self._instances.values() if instance.file.model.key == model.key)

    @property
    def instances(self) -> tuple[LoadedInstance, ...]:
        """All resident instances, oldest first."""
        return tuple(self._instances.values())

    def file(self, key: str) -> ModelFile | None:
        """Return the model with this key, in any case as LM Studio takes it."""
        return self._files.get(key.lower())

    def resident(self, name: str) -> LoadedInstance | None:
        """Return the instance with exactly this id, else the first one of the model with this key."""
        if (exact := self._instances.get(InstanceId(name))) is not None:
            return exact
        file = self.file(name)
        return next(iter(self.instances_of(file.model)), None) if file else None

    @contextlib.contextmanager
    def reserved(self, file: ModelFile) -> Iterator[InstanceId]:
        """Yield the id of the next instance of this model, which no other load is given meanwhile.

        Raises:
            Refusal: there are as many instances as this server keeps.
        """
        if len(self._instances) + len(self._loading) >= self._most:
            reason = f"insufficient memory: this server keeps at most {counted(self._most, 'instance')} loaded"
            raise load_failed(file.model.key, reason)
        instance_id = self._free_id(file.model)
        self._loading.add(instance_id)
        try:
            yield instance_id
        finally:
            self._loading.discard(instance_id)

    async def load(
        self, key: str, wanted: LoadConfig, *, is_jit: bool = False, instance_id: InstanceId | None = None
    ) -> LoadedInstance:
        """Return a new instance; a resident model gets another full copy, `key:2`, or the reserved `instance_id`.

        Raises:
            Refusal: the model is not downloaded, or cannot be loaded.
        """
        file = self.file(key)
        if file is None:
            raise not_downloaded(key)
        config = self._effective(file.model, wanted)
        holding = self.reserved(file) if instance_id is None else contextlib.nullcontext(instance_id)
        with holding as own_id:
            instance = await start_instance(file, own_id, config, is_jit=is_jit)
            self._instances[own_id] = instance
        self._keep(self._watch(instance))
        return instance

    @contextlib.asynccontextmanager
    async def jit_lock(self, file: ModelFile) -> AsyncIterator[None]:
        """Let one request at a time load a model.

        LM Studio up to 0.4.16 loads a copy for each of several concurrent cold requests (its bug #1751); we do not.
        """
        async with self._jit_locks[file.model.key]:
            yield

    async def evict_jit(self) -> None:
        """Unload the idle instances that requests have loaded: at most one of them stays resident."""
        for instance in self.instances:
            if instance.is_jit and instance.busy == 0:
                await self.unload(instance.id)

    async def unload(self, instance_id: str) -> None:
        """End exactly this instance; its memory is back when this returns.

        Raises:
            Refusal: no instance has this id.
        """
        instance = self._instances.pop(InstanceId(instance_id), None)
        if instance is None:
            raise not_loaded(instance_id)
        await instance.stop()

    def start(self) -> None:
        """Begin to expire idle JIT instances."""
        self._keep(self._expire())

    async def close(self) -> None:
        """End all instances."""
        for task in self._tasks:
            task.cancel()
        for instance in self.instances:
            with contextlib.suppress(Refusal, TimeoutError):
                await self.unload(instance.id)

    def _effective(self, model: Model, wanted: LoadConfig) -> LoadConfig:
        longest = model.max_context_length
        context = min(wanted.context_length or DEFAULT_CONTEXT, longest)
        if model.is_embedding:
            return LoadConfig(context_length=context)
        return LoadConfig(
            context_length=context,
            eval_batch_size=wanted.eval_batch_size or DEFAULT_BATCH,
            parallel=self._parallel,
            flash_attention=True if wanted.flash_attention is None else wanted.flash_attention,
            offload_kv_cache_to_gpu=bool(wanted.offload_kv_cache_to_gpu),
        )

    def _free_id(self, model: Model) -> InstanceId:
        taken = self._loading | set(self._instances)
        number = 1
        while True:
            instance_id = InstanceId(model.key if number == 1 else f"{model.key}:{number}")
            if instance_id not in taken:
                return instance_id
            number += 1

    async def _watch(self, instance: LoadedInstance) -> None:
        """Forget an instance whose worker ended by itself."""
        await instance.process.wait()
        if self._instances.get(instance.id) is instance:
            del self._instances[instance.id]
            await instance.close()

    async def _expire(self) -> None:
        while True:
            await asyncio.sleep(min(_SWEEP_S, self._jit_ttl_s))
            limit = time.monotonic() - self._jit_ttl_s
            for instance in self.instances:
                if instance.is_jit and instance.busy == 0 and instance.last_used < limit:
                    with contextlib.suppress(Refusal):
                        await self.unload(instance.id)

    def _keep(self, coroutine: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(coroutine)
        # The loop itself holds tasks only weakly.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
