"""Loads that end in a verified lease: explicitly, or by a chat that names a model which is not loaded."""

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Literal

from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.clock import Clock
from harness.domain.generation import ChatRequest, Generation
from harness.domain.model import InstanceId, LoadConfig, ModelKey
from harness.errors import LoadUnverified
from harness.lifecycle.attempt import Attempt
from harness.lifecycle.lease import Lease
from harness.lifecycle.resident import other_ids, wait_for
from harness.reaper.journal import Journal
from harness.reaper.lease import Mode
from harness.reaper.link import ReaperLink
from harness.selection.selection import find_model


class Loader:
    """Makes instances, one load of a model at a time among all runs of this machine.

    Args:
        client: of the server.
        journal: of the run.
        link: to the reaper.
        clock: for waiting.
        load_deadline_s: how long a load may take.
        settle_s: how long the listing may lag behind an answer.
    """

    def __init__(
        self,
        client: Client,
        journal: Journal,
        link: ReaperLink,
        *,
        clock: Clock,
        load_deadline_s: float,
        settle_s: float,
    ) -> None:
        self._client = client
        self._journal = journal
        self._link = link
        self._clock = clock
        self._load_deadline_s = load_deadline_s
        self._settle_s = settle_s
        self._by_chat: Attempt | None = None

    def load(
        self, key: ModelKey, config: LoadConfig, *, held: Collection[InstanceId], exchange: Exchange | None
    ) -> Lease:
        """Load one more instance and return its lease once the listing shows it.

        Args:
            key: of the model.
            config: what is asked for.
            held: ids that this run has leases on.
            exchange: cancels the load.

        Raises:
            HarnessError: as `Leases.acquire`; nothing of the load stays.
        """
        with self._attempt(key, config, held, mode="explicit") as attempt:
            started = self._clock.monotonic()
            load_time_s = attempt.load(exchange=exchange)
            load_wall_s = self._clock.monotonic() - started
            return self._verified(
                attempt, mode="explicit", requested=config, load_time_s=load_time_s, load_wall_s=load_wall_s
            )

    def load_by_chat(
        self, request: ChatRequest, key: ModelKey, *, held: Collection[InstanceId], exchange: Exchange | None
    ) -> tuple[Lease, Generation]:
        """Let a chat that names the key load the model, and return the lease and the answer.

        Raises:
            HarnessError: as `Leases.acquire_jit`.
        """
        asked = LoadConfig(context_length=request.context_length)
        with self._attempt(key, asked, held, mode="jit") as attempt:
            self._by_chat = attempt
            try:
                answer = self._client.chat(
                    replace(request, model=key),
                    stream=True,
                    exchange=exchange,
                    carrier=self._link.carrier(attempt.number, self._clock),
                )
            finally:
                self._by_chat = None
            attempt.answered(answer)
            lease = self._verified(
                attempt, mode="jit", requested=asked, load_time_s=answer.stats.load_time_s, load_wall_s=None
            )
            return lease, answer

    def has_heard(self, instance_id: InstanceId) -> bool:
        """Tell whether it was `load_by_chat` that made the server load this."""
        if self._by_chat is None:
            return False
        self._by_chat.heard(instance_id)
        return True

    @contextlib.contextmanager
    def _attempt(
        self, key: ModelKey, config: LoadConfig, held: Collection[InstanceId], *, mode: Mode
    ) -> Iterator[Attempt]:
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
                held=held,
                mode=mode,
                load_deadline_s=self._load_deadline_s,
                settle_s=self._settle_s,
            ) as attempt,
        ):
            yield attempt

    def _verified(
        self,
        attempt: Attempt,
        *,
        mode: Literal["explicit", "jit"],
        requested: LoadConfig,
        load_time_s: float | None,
        load_wall_s: float | None,
    ) -> Lease:
        """Return the lease once the listing shows the instance; its effective config comes from there."""
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
        return lease
