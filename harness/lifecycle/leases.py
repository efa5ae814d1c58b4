"""Leases: the right to use one instance, from the intent to the verified release (docs/design.md, Lifecycle).

LM Studio's REST load takes no identifier and never expires, so ownership rests on three facts: what was resident
before, what the journal announced, and which id the server returned. What is not certainly ours is never unloaded.
"""

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Self

from harness.client.exchange import Exchange
from harness.client.fault import is_about_memory
from harness.client.http import Client
from harness.client.stream import Loading
from harness.clock import Clock, SystemClock
from harness.domain.generation import ChatRequest, Generation
from harness.domain.model import Instance, InstanceId, LoadConfig, Model
from harness.errors import (
    HarnessError,
    InstanceNotLoaded,
    LeaseError,
    LoadFailed,
    ReleaseFailed,
)
from harness.lifecycle.custody import Custody
from harness.lifecycle.lease import Lease, Policy, Release
from harness.lifecycle.loader import Loader
from harness.lifecycle.release import Releaser
from harness.lifecycle.resident import SETTLE_S, other_ids, resident_ids, unload_verified
from harness.lifecycle.stray import Strays
from harness.reaper.journal import Journal, is_claimed_elsewhere
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
        self._settle_s = settle_s
        self._held: dict[InstanceId, Lease] = {}
        self._lost: set[InstanceId] = set()
        self._kept: list[Lease] = []
        self._loader = Loader(
            client,
            self._journal,
            self._link,
            clock=self._clock,
            load_deadline_s=load_deadline_s,
            settle_s=settle_s,
        )
        self._custody = Custody(self._journal)
        self._releaser = Releaser(client, self._journal, self._custody, clock=self._clock, settle_s=settle_s)
        self._strays = Strays(self._journal, self._custody, self._releaser)
        client.on_load = self._note_load
        client.on_listing = self._custody.listed
        client.on_error = self._custody.failed
        client.on_request = self._note_request

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.release_all()
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
        self._custody.clear()  # The client may be used further, but this journal is not written any more.
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
            return self._hold(self._loader.load(model.key, config, held=self._held, exchange=exchange))
        except LoadFailed as exc:
            if not is_about_memory(exc.message):
                raise
            if not self._make_room():
                raise with_memory_hint(exc, self._client.models(), model.key) from exc
        try:
            return self._hold(self._loader.load(model.key, config, held=self._held, exchange=exchange))
        except LoadFailed as exc:
            raise with_memory_hint(exc, self._client.models(), model.key) from exc

    def _make_room(self) -> bool:
        """Unload what this run has loaded and no longer uses; tell whether there was anything."""
        idle = [lease for lease in self._kept if not self._custody.absence(lease.instance.id)]
        for lease in self._kept:
            self._custody.forget(lease.instance.id)
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
        foreign = [resident_id for resident_id in resident_ids(before) if resident_id not in self._held]
        if model.is_loaded:
            raise LeaseError(f"{model.key} is loaded already, so a request would not load it")
        if foreign and not despite_others:
            raise LeaseError(f"a JIT load could evict what others have loaded: {', '.join(foreign)}")
        lease, answer = self._loader.load_by_chat(request, model.key, held=self._held, exchange=exchange)
        return self._hold(lease), answer

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
            ReleaseFailed: an instance that should be gone is still there, or what has the id of ours may belong to
                another client and was not touched; names the command to finish.
        """
        if self.is_abandoned:
            self._held.pop(lease.instance.id, None)
            return Release(instance_id=lease.instance.id, policy=self.policy, is_left_to_reaper=True)
        if self.policy == "keep":
            self._keep(lease)
            return Release(instance_id=lease.instance.id, policy=self.policy)
        is_stray = lease.instance.id in self._strays.ids
        if self.policy == "ours" and not lease.is_owned and not is_stray:
            self._held.pop(lease.instance.id, None)
            return Release(instance_id=lease.instance.id, policy=self.policy)
        started, why = self._clock.monotonic(), ""
        try:
            why = self._strays.unload(lease.instance.id)
            if lease.number is not None:
                why = self._releaser.unload(lease.instance.id, number=lease.number)
        except ReleaseFailed:
            if self.policy != "all":  # Under `all` it is unloaded below, whoever it belongs to.
                raise
        finally:
            if lease.number not in self._journal.open_leases:  # It has ended, or a person has to end it.
                self._held.pop(lease.instance.id, None)
        if self.policy == "all":
            for instance in find_model(self._client.models(), lease.model.key).loaded_instances:
                self._unload(instance.id)
        return Release(
            instance_id=lease.instance.id,
            policy=self.policy,
            is_verified=True,
            unload_wall_s=self._clock.monotonic() - started,
            why=why,
        )

    def hand_over(self, lease: Lease) -> None:
        """End the lease and leave the instance loaded on purpose."""
        self._strays.hand_over(lease.instance.id)
        self._held.pop(lease.instance.id, None)
        if lease.number is not None:
            self._journal.close_lease(lease.number, "handed_over")
            self._custody.forget(lease.instance.id)

    def is_lost(self, lease: Lease) -> bool:
        """Tell whether the leased instance went away in use, and a request of ours made the server load another.

        What has its id now was loaded with the server's default config, so its answers do not count for the lease.
        """
        return lease.instance.id in self._lost or (
            lease.is_owned and self._custody.has_answered_since_gone(lease.instance.id)
        )

    @property
    def strays(self) -> Mapping[InstanceId, str]:
        """What requests of ours loaded without any lease, with the key of its model."""
        return self._strays.keys

    def release_stray(self, instance_id: InstanceId) -> Release:
        """Unload what a request of ours loaded without any lease, unless the policy is `keep`.

        Raises:
            ReleaseFailed: as `release`.
        """
        if self.is_abandoned:
            return Release(instance_id=instance_id, policy=self.policy, is_left_to_reaper=True)
        if self.policy == "keep":
            self._strays.hand_over(instance_id)
            return Release(instance_id=instance_id, policy=self.policy)
        why = self._strays.unload(instance_id)
        return Release(instance_id=instance_id, policy=self.policy, is_verified=True, why=why)

    def release_strays(self) -> None:
        """Unload all that requests of ours loaded without any lease, unless the policy is `keep`.

        Raises:
            ReleaseFailed: of the first that failed; the others are released all the same.
        """
        self._release_each([partial(self.release_stray, instance_id) for instance_id in self.strays])

    def release_all(self) -> None:
        """Release every lease and every stray.

        Raises:
            ReleaseFailed: of the first that failed; the others are released all the same.
        """
        held = [partial(self.release, lease) for lease in self.held]
        self._release_each([*held, self.release_strays])

    @staticmethod
    def _release_each(releases: Sequence[Callable[[], object]]) -> None:
        failed: HarnessError | None = None
        for release in releases:
            try:
                release()
            except HarnessError as exc:
                failed = failed or exc
        if failed is not None:
            raise failed

    def _note_load(self, instance_id: InstanceId, phase: Loading) -> None:
        if self._loader.has_heard(instance_id):
            return
        lease = self._held.get(instance_id)
        if lease is not None:
            self._lost.add(instance_id)
        if lease is not None and lease.is_owned:
            self._custody.loading(instance_id, phase)
            return
        with contextlib.suppress(HarnessError):  # Without a reaper it is in the journal all the same: a sweep reads it.
            self._link.start()
        self._strays.note(instance_id, phase, model_key=lease.model.key if lease else instance_id)

    def _note_request(self, name: str, begins: bool) -> None:  # noqa: FBT001  (a callback)
        """Let the reaper know that a request asks one of ours: if we are killed meanwhile, it may load it again."""
        lease = self._held.get(InstanceId(name))
        if lease is not None and lease.number is not None:
            self._link.note_request(lease.number, begins=begins)

    def _reusable(self, model: Model, config: LoadConfig) -> Instance | None:
        here, mine = self._journal.path.parent, self._journal.path
        for instance in model.loaded_instances:
            if config.is_satisfied_by(instance.config) and not is_claimed_elsewhere(
                instance.id, model.key, here, url=self._client.url, but=mine
            ):
                return instance
        return None

    def _unload(self, instance_id: InstanceId) -> None:
        unload_verified(self._client, instance_id, clock=self._clock, settle_s=self._settle_s)

    def _keep(self, lease: Lease) -> None:
        """Leave the instance loaded; under the policy `keep` it may still be unloaded to make room."""
        self.hand_over(lease)
        if lease.is_owned:
            self._kept.append(lease)
            self._custody.watch(lease.instance.id, number=None, model_key=lease.model.key, config=lease.instance.config)

    def _hold(self, lease: Lease) -> Lease:
        self._lost.discard(lease.instance.id)
        self._held[lease.instance.id] = lease
        if lease.number is not None:
            self._custody.watch(
                lease.instance.id,
                number=lease.number,
                model_key=lease.model.key,
                config=lease.instance.config,
            )
        return lease
