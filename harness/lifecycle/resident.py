"""What is resident on a server, and making sure that something no longer is."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from harness.client.http import Client
from harness.clock import Clock
from harness.domain.model import InstanceId, Model
from harness.errors import (
    Cancelled,
    HarnessError,
    InstanceNotLoaded,
    ProtocolError,
    ReleaseFailed,
    ServerFault,
    TransportError,
)

SETTLE_S = 15.0
"""How long a listing may lag behind an answer."""

_POLL_S = 0.25
_ATTEMPTS = 2
_T = TypeVar("_T")


def resident_ids(listing: Sequence[Model]) -> tuple[InstanceId, ...]:
    """Return the ids of all loaded instances."""
    return tuple(one.id for model in listing for one in model.loaded_instances)


def other_ids(listing: Sequence[Model], instance_id: InstanceId) -> tuple[InstanceId, ...]:
    """Return the ids of all loaded instances but this one."""
    return tuple(one for one in resident_ids(listing) if one != instance_id)


def wait_for(
    look: Callable[[], _T | None], clock: Clock, *, within_s: float, despite_trouble: bool = False
) -> _T | None:
    """Call `look` until it returns something, at least once; None when `within_s` have passed without.

    Args:
        look: asks the server.
        clock: for waiting.
        within_s: how long.
        despite_trouble: a server that does not answer, or nothing that can be read, is asked again; what the last
            look raised is raised in the end.
    """
    end = clock.monotonic() + within_s
    while True:
        trouble: HarnessError | None = None
        found: _T | None = None
        try:
            found = look()
        except (TransportError, ProtocolError, ServerFault) as exc:
            if not despite_trouble or isinstance(exc, Cancelled):
                raise
            trouble = exc
        if found is not None:
            return found
        if clock.monotonic() >= end:
            if trouble is not None:
                raise trouble
            return None
        clock.sleep(_POLL_S)


def unload_verified(client: Client, instance_id: InstanceId, *, clock: Clock, settle_s: float = SETTLE_S) -> None:
    """Unload exactly this instance; when this returns, the listing no longer shows it.

    Unloads once more what lingers. "Not loaded" is success once the listing agrees.

    Raises:
        ReleaseFailed: it is still listed, or the listing cannot be read any more; names the command to finish.
    """
    trouble: HarnessError | None = None
    for _ in range(_ATTEMPTS):
        try:
            client.unload(instance_id)
        except InstanceNotLoaded:
            pass
        except HarnessError as exc:
            trouble = exc
        try:
            if _goes(client, instance_id, clock, within_s=settle_s / _ATTEMPTS):
                return
        except HarnessError as exc:
            trouble = exc
    because = f": {trouble.message}" if trouble else ", though the server said that it unloaded it"
    raise ReleaseFailed(
        f"{instance_id} is still loaded{because}",
        hint=f"Finish with: lms-harness unload --instance {instance_id!r}",
    )


def _goes(client: Client, instance_id: InstanceId, clock: Clock, *, within_s: float) -> bool:
    def look() -> bool | None:
        return True if instance_id not in resident_ids(client.models()) else None

    return wait_for(look, clock, within_s=within_s, despite_trouble=True) is not None
