"""Unloading what is ours, or saying why it may not be: never silent, never another client's."""

import contextlib

from harness.client.http import Client
from harness.clock import Clock
from harness.domain.model import Instance, InstanceId
from harness.errors import HarnessError, ReleaseFailed, StoreError
from harness.lifecycle.custody import Custody
from harness.lifecycle.resident import find_instance, unload_hint, unload_verified, wait_for
from harness.reaper.journal import Journal


class Releaser:
    """Ends leases on instances that this run has caused.

    Args:
        client: of the server.
        journal: of the run; gets the end of each lease.
        custody: knows whether what has an id of ours is still ours.
        clock: for waiting.
        settle_s: how long the listing may lag behind an answer.
    """

    def __init__(self, client: Client, journal: Journal, custody: Custody, *, clock: Clock, settle_s: float) -> None:
        self._client = client
        self._journal = journal
        self._custody = custody
        self._clock = clock
        self._settle_s = settle_s

    def unload(self, instance_id: InstanceId, *, number: int) -> str:
        """Unload an instance of ours and close its lease; when this returns, nothing of it is loaded.

        Returns:
            What else there is to know; empty when it was loaded until now.

        Args:
            instance_id: of the instance.
            number: of its lease in the journal.

        Raises:
            ReleaseFailed: it is still loaded, a request of ours may still be loading it, or what has its id may be
                another client's, which is then not touched. The lease stays in the journal.
        """
        is_known, listed = self._look(instance_id)
        was_loading = self._custody.may_be_loading(instance_id)
        if is_known and listed is None and was_loading:
            listed = self._awaited(instance_id)
            if listed is None:
                raise ReleaseFailed(
                    f"a request of ours may have made the server load {instance_id}, and that may still be going on",
                    hint="See what is loaded: lms-harness models --loaded\n"
                    f"Finish with: lms-harness unload --instance {instance_id!r}",
                )
        if is_known and listed is None:
            # Another client unloaded it, or it crashed. It was listed before, so this is not a listing that lags.
            absence = self._custody.absence(instance_id)
            self._close(instance_id, number, "gone")
            return f"{instance_id} was gone before it was released: {absence}"
        if absence := self._custody.absence(instance_id):
            if is_known:
                self._name(instance_id, number, absence)
            raise ReleaseFailed(  # The lease stays open: a listing may yet show that the server was only out of reach.
                f"{instance_id} may still be loaded, and may belong to another client: ours was gone ({absence}), and "
                "the models cannot be listed now. It was not touched",
                hint=unload_hint(instance_id),
            )
        config = listed.config if listed else None
        unload_verified(self._client, instance_id, clock=self._clock, settle_s=self._settle_s, config=config)
        self._close(instance_id, number, "released")
        return ""

    def _look(self, instance_id: InstanceId) -> tuple[bool, Instance | None]:
        """Return whether there is a listing, and the instance as it shows it; custody gets to see it, too."""
        with contextlib.suppress(HarnessError):  # The unload will tell what is wrong with the server.
            return True, find_instance(self._client.models(), instance_id)
        return False, None

    def _awaited(self, instance_id: InstanceId) -> Instance | None:
        """Return the instance once a load that may be going on has ended."""
        return wait_for(
            lambda: find_instance(self._client.models(), instance_id),
            self._clock,
            within_s=self._settle_s,
            despite_trouble=True,
        )

    def _name(self, instance_id: InstanceId, number: int, absence: str) -> None:
        with contextlib.suppress(StoreError):
            self._journal.doubt(number, absence, instance_id)
        self._custody.forget(instance_id)
        raise ReleaseFailed(
            f"{instance_id} is loaded, but may belong to another client: ours was gone ({absence}). It was not touched",
            hint=unload_hint(instance_id),
        )

    def _close(self, instance_id: InstanceId, number: int, how: str) -> None:
        self._journal.close_lease(number, how)
        self._custody.forget(instance_id)
