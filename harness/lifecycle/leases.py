"""Leases: the right to use one instance, from the intent to the verified release (docs/design.md, Lifecycle).

LM Studio's REST load takes no identifier and never expires, so ownership rests on three facts: what was resident
before, what the journal announced, and which id the server returned. What is not certainly ours is never unloaded.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import TracebackType
from typing import Literal, Self

from harness.client.exchange import Exchange
from harness.client.fault import is_about_memory
from harness.client.http import Client
from harness.client.stream import Loading
from harness.clock import Clock, SystemClock
from harness.domain.generation import ChatRequest, Generation
from harness.domain.model import Instance, InstanceId, LoadConfig, Model, ModelKey
from harness.errors import (
    HarnessError,
    InstanceNotLoaded,
    LeaseError,
    LoadFailed,
    LoadUnverified,
)
from harness.lifecycle.attempt import Attempt
from harness.lifecycle.lease import Lease, Policy, Release
from harness.lifecycle.resident import SETTLE_S, other_ids, resident_ids, unload_verified, wait_for
from harness.lifecycle.stray import Strays
from harness.reaper.journal import Journal, Mode, is_claimed_elsewhere
from harness.reaper.link import ReaperLink
from harness.selection.memory import with_memory_hint
from harness.selection.selection import find_model


class Leases:
    """Acquires and releases the leases of one run on one server.

        with Client("http://127.0.0.1:1234") as client, Leases(client) as leases:
            lease = leases.acquire("qwen/qwen3-4b", LoadConfig(context_length=8192))
            client.chat(ChatRequest(model=lease.instance.id, input="Hello."))

    At the end of the block everything is released. The first load starts the reaper, a process that unloads what this
    one leaves when it is killed.

    Args:
        client: of the server.
        journal: of this run, written before every load; one with a name of its own if not given.
        link: to the reaper; tests give one whose reaper waits by a fake clock.
        say: prints a line for a person, such as that another run is loading the same model.
        policy: what `release` unloads: `ours`, `all` instances of the key, or nothing (`keep`).
        clock: for waiting.
        load_deadline_s: how long a load whose answer was lost may still show up.
        settle_s: how long the listing may lag behind an answer.

    Attributes:
        is_abandoned: everything is left to the reaper.
    """

    def __init__(
        self,
        client: Client,
        journal: Journal | None = None,
        *,
        link: ReaperLink | None = None,
        say: Callable[[str], None] = lambda _: None,
        policy: Policy = "ours",
        clock: Clock | None = None,
        load_deadline_s: float = 600.0,
        settle_s: float = SETTLE_S,
    ) -> None:
        self._client = client
        self._clock = clock or SystemClock()
        self._journal = journal or Journal(
            f"{self._clock.now():%Y%m%dT%H%M%SZ}-lib-{os.getpid()}", url=client.url, clock=self._clock
        )
        self._link = link or ReaperLink(self._journal, token=client.token, settle_s=settle_s, say=say)
        self.is_abandoned = False
        self.policy = policy
        self._load_deadline_s = load_deadline_s
        self._settle_s = settle_s
        self._held: dict[InstanceId, Lease] = {}
        self._lost: set[InstanceId] = set()
        self._kept: list[Lease] = []
        self._remade: set[InstanceId] = set()
        self._by_chat: Attempt | None = None
        self._strays = Strays(client, self._journal, clock=self._clock, settle_s=settle_s)
        client.on_load = self._note_load

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            for lease in self.held:
                self.release(lease)
            self.release_strays()
        finally:
            self.close()

    @property
    def held(self) -> tuple[Lease, ...]:
        """The leases that are not released yet."""
        return tuple(self._held.values())

    @property
    def left_to_reaper(self) -> tuple[str, ...]:
        """The keys of models whose instances the reaper unloads without us: their loads may still be going on."""
        held = {lease.number for lease in self.held}
        return tuple(key for number, key in self._journal.open_leases.items() if number not in held)

    def abandon(self) -> None:
        """Leave all that is loaded to the reaper, at once; what is released from now on is left to it too."""
        self.is_abandoned = True
        self._link.close(waits=False)

    def close(self) -> None:
        """End the reaper, or let it finish what is open; then close the journal. Harmless when repeated."""
        self._link.close(waits=not self._journal.open_leases)
        self._journal.finish()

    def acquire(
        self,
        key: str,
        config: LoadConfig = LoadConfig(),  # noqa: B008  (frozen)
        *,
        reuse: bool = True,
        exchange: Exchange | None = None,
    ) -> Lease:
        """Return a verified lease on a fitting resident instance, or on one loaded for it.

        Args:
            key: of a downloaded model.
            config: what the instance must offer; a larger context than asked for is fine.
            reuse: take a fitting resident instance, unless another run loaded it and will unload it; False always
                loads another copy.
            exchange: cancels the load. What the load still makes is found and released before `Cancelled` is raised.

        Raises:
            ModelNotFound: no such model.
            LoadFailed: the server could not load it; nothing of it stays. For want of memory it is tried once more,
                if this run can unload something that it loaded and does not use any more (policy `keep`).
            AmbiguousLoad: the answer was lost and several new instances could be ours; none is touched.
            LoadUnverified: the server named an instance that the listing never showed.
        """
        before = self._client.models()
        model = find_model(before, key)
        if reuse and (resident := self._reusable(model, config)) is not None:
            return self.borrow(resident.id)
        try:
            return self._load(model.key, config, exchange)
        except LoadFailed as exc:
            if not is_about_memory(exc.message):
                raise
            if not self._make_room():
                raise with_memory_hint(exc, self._client.models(), model.key) from exc
        try:
            return self._load(model.key, config, exchange)
        except LoadFailed as exc:
            raise with_memory_hint(exc, self._client.models(), model.key) from exc

    def _load(self, key: ModelKey, config: LoadConfig, exchange: Exchange | None) -> Lease:
        with self._attempt(key, config, mode="explicit") as attempt:
            started = self._clock.monotonic()
            load_time_s = attempt.load(exchange=exchange)
            load_wall_s = self._clock.monotonic() - started
            return self._verified(
                attempt, mode="explicit", requested=config, load_time_s=load_time_s, load_wall_s=load_wall_s
            )

    def _make_room(self) -> bool:
        """Unload what this run has loaded and does not use any more; tell whether there was anything."""
        idle = [lease for lease in self._kept if not self._is_another(lease)]
        self._kept.clear()
        for lease in idle:
            self._unload(lease.instance.id)
        strays = self._strays.ids
        for instance_id in strays:
            self._strays.unload(instance_id)
        return bool(idle or strays)

    def acquire_jit(
        self, key: str, request: ChatRequest, *, despite_others: bool = False, exchange: Exchange | None = None
    ) -> tuple[Lease, Generation]:
        """Let a chat by key load the model; returns the lease and the answer.

        A JIT load may evict another JIT-loaded model, so this refuses while any instance that is not ours is resident.

        Args:
            key: of a downloaded model.
            request: its `model` is replaced by the key.
            despite_others: load although others' instances are resident.
            exchange: cancels the chat.

        Raises:
            LeaseError: others' instances are resident, or this model is loaded already.
        """
        before = self._client.models()
        model = find_model(before, key)
        foreign = [one for one in resident_ids(before) if one not in self._held]
        if model.is_loaded:
            raise LeaseError(f"{model.key} is loaded already, so a request would not load it")
        if foreign and not despite_others:
            raise LeaseError(f"a JIT load could evict what others have loaded: {', '.join(foreign)}")
        asked = LoadConfig(context_length=request.context_length)
        with self._attempt(model.key, asked, mode="jit") as attempt:
            self._by_chat = attempt
            try:
                answer = self._client.chat(replace(request, model=model.key), stream=True, exchange=exchange)
            finally:
                self._by_chat = None
            attempt.answered(answer)
            lease = self._verified(
                attempt, mode="jit", requested=asked, load_time_s=answer.stats.load_time_s, load_wall_s=None
            )
            return lease, answer

    def borrow(self, instance_id: InstanceId) -> Lease:
        """Return a lease on a resident instance that others may own; it is never unloaded under the policy `ours`.

        Raises:
            InstanceNotLoaded: no resident instance has this id.
        """
        listing = self._client.models()
        for model in listing:
            if (instance := model.instance(instance_id)) is not None:
                lease = Lease(
                    model=model,
                    instance=instance,
                    mode="preloaded",
                    requested=LoadConfig(),
                    is_owned=False,
                    others=other_ids(listing, instance_id),
                )
                return self._hold(lease)
        raise InstanceNotLoaded(f"no loaded instance has the id {instance_id!r}")

    def release(self, lease: Lease) -> Release:
        """Give the lease back as the policy says, and verify it by listing.

        Raises:
            ReleaseFailed: an instance that should be gone is still there; names the command to finish.
        """
        if self.is_abandoned:
            self._held.pop(lease.instance.id, None)
            return Release(instance_id=lease.instance.id, policy=self.policy, is_left_to_reaper=True)
        if self.policy == "keep":
            self.hand_over(lease)
            if lease.is_owned:
                self._kept.append(lease)
            return Release(instance_id=lease.instance.id, policy=self.policy)
        is_stray = lease.instance.id in self._strays.ids
        if self.policy == "ours" and not lease.is_owned and not is_stray:
            self._end(lease, "kept")
            return Release(instance_id=lease.instance.id, policy=self.policy)
        started = self._clock.monotonic()
        self._strays.unload(lease.instance.id)
        if self.policy == "ours" and lease.is_owned:
            # With another config, and still ours where it was a request of ours that loaded it anew.
            if lease.instance.id not in self._remade and self._is_another(lease):
                self._end(lease, "gone")
                return Release(instance_id=lease.instance.id, policy=self.policy)
            self._unload(lease.instance.id)
        if self.policy == "all":
            for instance in find_model(self._client.models(), lease.model.key).loaded_instances:
                self._unload(instance.id)
        self._end(lease, "released")
        return Release(
            instance_id=lease.instance.id,
            policy=self.policy,
            is_verified=True,
            unload_wall_s=self._clock.monotonic() - started,
        )

    def hand_over(self, lease: Lease) -> None:
        """End the lease and leave the instance loaded on purpose."""
        self._strays.hand_over(lease.instance.id)
        self._end(lease, "handed_over")

    def is_lost(self, lease: Lease) -> bool:
        """Tell whether the leased instance went away in use, and a request of ours made the server load another.

        What has its id now was loaded with the server's default config, so its answers do not count for the lease.
        """
        return lease.instance.id in self._lost

    def release_strays(self) -> None:
        """Unload what requests of ours loaded without any lease, unless the policy is `keep`.

        Raises:
            ReleaseFailed: one is still there.
        """
        if self.is_abandoned:
            return
        for instance_id in self._strays.ids:
            if self.policy == "keep":
                self._strays.hand_over(instance_id)
            else:
                self._strays.unload(instance_id)

    def _note_load(self, instance_id: InstanceId, phase: Loading) -> None:
        if self._by_chat is not None:  # `acquire_jit` wants this one.
            self._by_chat.heard(instance_id, phase)
            return
        lease = self._held.get(instance_id)
        if lease is not None:
            self._lost.add(instance_id)
            if phase == "loaded":
                self._remade.add(instance_id)
                if lease.number is not None:  # Ours still, though loaded with the server's defaults.
                    config = self._strays.listed(instance_id)
                    self._journal.verified(lease.number, config.as_dict() if config else {})
        if lease is None or not lease.is_owned:
            with contextlib.suppress(HarnessError):  # It is written down all the same: a sweep reads it.
                self._link.start()
            self._strays.note(instance_id, phase, model_key=lease.model.key if lease else instance_id)

    def _reusable(self, model: Model, config: LoadConfig) -> Instance | None:
        here, mine = self._journal.path.parent, self._journal.path
        fitting = (one for one in model.loaded_instances if config.is_satisfied_by(one.config))
        return next(
            (
                one
                for one in fitting
                if not is_claimed_elsewhere(one.id, model.key, here, url=self._client.url, but=mine)
            ),
            None,
        )

    @contextlib.contextmanager
    def _attempt(self, key: ModelKey, config: LoadConfig, *, mode: Mode) -> Iterator[Attempt]:
        """Begin a load, alone among this machine's runs; only then the resident instances are listed."""
        with (
            self._link.loading(key, within_s=self._load_deadline_s),
            Attempt(
                self._client,
                self._journal,
                self._link,
                key,
                config,
                before=self._client.models(),
                held=self._held,
                mode=mode,
                load_deadline_s=self._load_deadline_s,
                settle_s=self._settle_s,
            ) as attempt,
        ):
            yield attempt

    def _is_another(self, lease: Lease) -> bool:
        """Tell whether somebody else's instance has the id of ours now: same id, another config."""
        listed = None
        with contextlib.suppress(HarnessError):  # Unloading tells what is wrong, and what to do about it.
            listed = find_model(self._client.models(), lease.model.key).instance(lease.instance.id)
        return listed is not None and listed.config != lease.instance.config

    def _verified(
        self,
        attempt: Attempt,
        *,
        mode: Literal["explicit", "jit"],
        requested: LoadConfig,
        load_time_s: float | None,
        load_wall_s: float | None,
    ) -> Lease:
        """Hold and return the lease once the listing shows the instance; its effective config comes from there."""
        instance_id = attempt.granted()

        def look() -> Lease | None:
            listing = self._client.models()
            model = find_model(listing, attempt.key)
            instance = model.instance(instance_id)
            if instance is None:
                return None
            return Lease(
                model=model,
                instance=instance,
                mode=mode,
                requested=requested,
                is_owned=True,
                load_time_s=load_time_s,
                load_wall_s=load_wall_s,
                others=other_ids(listing, instance_id),
                number=attempt.number,
            )

        lease = wait_for(look, self._clock, within_s=self._settle_s, despite_trouble=True)
        if lease is None:
            raise LoadUnverified(
                f"the server said that {instance_id} is loaded, but its listing did not show it in {self._settle_s:g} s"
            )
        self._journal.verified(attempt.number, lease.instance.config.as_dict())
        return self._hold(lease)

    def _unload(self, instance_id: InstanceId) -> None:
        unload_verified(self._client, instance_id, clock=self._clock, settle_s=self._settle_s)

    def _hold(self, lease: Lease) -> Lease:
        self._lost.discard(lease.instance.id)
        self._remade.discard(lease.instance.id)
        self._held[lease.instance.id] = lease
        return lease

    def _end(self, lease: Lease, how: str) -> None:
        self._held.pop(lease.instance.id, None)
        if lease.number is not None:
            self._journal.close_lease(lease.number, how)
