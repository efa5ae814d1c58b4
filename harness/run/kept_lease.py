"""The lease that is kept between two reasoning levels of a model, so that one load serves them all."""

from collections.abc import Callable

from harness.client.http import Client
from harness.domain.model import Model
from harness.lifecycle.lease import Lease
from harness.lifecycle.resident import resident_ids


class KeptLease:
    """At most one lease, between the tests of one level and those of the next.

    Args:
        client: of the server.
        release: releases a lease.
    """

    def __init__(self, client: Client, release: Callable[[Lease], object]) -> None:
        self._client = client
        self._release = release
        self._lease: Lease | None = None

    def keep(self, lease: Lease) -> None:
        """Keep a lease until it is taken, or let go."""
        self._lease = lease

    def take(self, model: Model) -> Lease | None:
        """Return the lease if it is on this model and its instance is still there; else it is let go.

        Raises:
            ReleaseFailed: of what is let go.
        """
        lease = self._lease
        if (
            lease is None
            or lease.model.key != model.key
            or lease.instance.id not in resident_ids(self._client.models())
        ):
            self.let_go()
            return None
        self._lease = None
        return lease

    def let_go(self, *, unless: Model | None = None) -> None:
        """Release the lease, if there is one, unless it is on this model.

        Raises:
            ReleaseFailed: it is recorded as well.
        """
        lease = self._lease
        if lease is not None and (unless is None or lease.model.key != unless.key):
            self._lease = None
            self._release(lease)
