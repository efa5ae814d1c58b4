"""One request, sent again for as long as the server fails before it has produced anything."""

from collections.abc import Callable

from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.client.retry import is_transient
from harness.client.stream import Listener, StreamEvent
from harness.domain.generation import Generation
from harness.domain.model import InstanceId
from harness.errors import HarnessError, InstanceLost
from harness.lifecycle.resident import resident_ids


class Attempts:
    """The attempts to get one request answered.

    Args:
        client: of the server.
        send: asks once; what it is given gets each event of a stream.
        exchange: cancels the attempt that is under way.
        instance_id: the instance that must answer.
        is_lost: tells whether the instance went away, so that another one has its id.

    Attributes:
        count: how many attempts were made.
    """

    def __init__(
        self,
        client: Client,
        send: Callable[[Listener], Generation],
        exchange: Exchange,
        *,
        instance_id: InstanceId,
        is_lost: Callable[[], bool],
    ) -> None:
        self._client = client
        self._send = send
        self._exchange = exchange
        self._instance_id = instance_id
        self._is_lost = is_lost
        self._has_delta = False
        self._last_error = ""
        self.count = 0

    def once(self, attempt: int) -> Generation:
        """Return the answer of this attempt."""
        self.count = attempt
        if attempt > 1:
            check_resident(self._client, self._instance_id, after=self._last_error, exchange=self._exchange)
        return self._send(self._listen)

    def may_repeat(self, error: HarnessError) -> bool:
        """Tell whether another attempt would ask the same sample as if for the first time."""
        self._last_error = error.message
        return is_transient(error) and not (self._has_delta or self._is_lost() or self._exchange.is_cancelled)

    def _listen(self, event: StreamEvent) -> None:
        self._has_delta |= event.is_delta


def check_resident(
    client: Client, instance_id: InstanceId, *, after: str = "", exchange: Exchange | None = None
) -> tuple[InstanceId, ...]:
    """Make sure that the instance is still loaded, and return the ids of all that are.

    A request by the id of an instance that is gone may make LM Studio load a model: an id can be a key as well.

    Args:
        client: of the server.
        instance_id: of the instance.
        after: what went wrong in the attempt before; empty where nothing did.
        exchange: cancels the listing.

    Raises:
        InstanceLost: the listing no longer shows it.
    """
    resident = resident_ids(client.models(exchange=exchange))
    if instance_id not in resident:
        before = f". The error before: {after}" if after else ""
        raise InstanceLost(f"{instance_id} is no longer loaded: it crashed or was unloaded{before}")
    return resident


def lost(instance_id: InstanceId) -> str:
    """Return the message for a leased instance that went away and was loaded again by a request."""
    return f"{instance_id} crashed or was unloaded while it was in use, and a request made the server load it again"
