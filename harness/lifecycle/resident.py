"""What is resident on a server, and making sure that something no longer is."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from harness.client.http import Client
from harness.clock import Clock
from harness.domain.model import Instance, InstanceId, LoadConfig, Model
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
    return tuple(instance.id for model in listing for instance in model.loaded_instances)


def other_ids(listing: Sequence[Model], instance_id: InstanceId) -> tuple[InstanceId, ...]:
    """Return the ids of all loaded instances but this one."""
    return tuple(other_id for other_id in resident_ids(listing) if other_id != instance_id)


def wait_for(
    look: Callable[[], _T | None], clock: Clock, *, within_s: float, despite_trouble: bool = False
) -> _T | None:
    """Call `look` until it returns something, at least once; None when `within_s` have passed without.

    Args:
        look: asks the server.
        clock: for waiting.
        within_s: how long.
        despite_trouble: ask again when the server does not answer or the answer cannot be read; what the last look
            raised is raised at the end.
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


def find_instance(listing: Sequence[Model], instance_id: str) -> Instance | None:
    """Return the loaded instance with this id; None when it is not listed."""
    return next(filter(None, (model.instance(instance_id) for model in listing)), None)


def unload_verified(
    client: Client,
    instance_id: InstanceId,
    *,
    clock: Clock,
    settle_s: float = SETTLE_S,
    config: LoadConfig | None = None,
) -> None:
    """Unload exactly this instance; when this returns, the listing no longer shows it.

    An unload is sent once more if the instance stays listed, unless what is listed then may be another client's that
    got the same id meanwhile: the server said that ours is not loaded, or its config has changed.

    Args:
        client: of the server.
        instance_id: of the instance.
        clock: for waiting.
        settle_s: how long the listing may lag behind an answer.
        config: as it was listed just before; None where it was not.

    Raises:
        ReleaseFailed: it is still listed, or the listing can no longer be read; names the command to finish.
    """
    trouble: HarnessError | None = None
    is_gone = False
    for _ in range(_ATTEMPTS):
        try:
            client.unload(instance_id)
        except InstanceNotLoaded:
            is_gone = True
        except HarnessError as exc:
            trouble = exc
        try:
            if _goes(client, instance_id, clock, within_s=settle_s if is_gone else settle_s / _ATTEMPTS):
                return
            listed = find_instance(client.models(), instance_id)
        except HarnessError as exc:
            trouble = exc
            continue
        if listed is None:
            return
        if is_gone or (config is not None and listed.config != config):
            raise ReleaseFailed(
                f"{instance_id} is loaded again: it was unloaded, and the instance that has its id now may belong to "
                "another client, so it was not touched",
                hint=unload_hint(instance_id),
            )
    because = f": {trouble.message}" if trouble else ", although the server said that it unloaded it"
    raise ReleaseFailed(
        f"{instance_id} is still loaded{because}", hint=f"Finish with: lms-harness unload --instance {instance_id!r}"
    )


def unload_hint(instance_id: str) -> str:
    """Return what a person can do about an instance that may be another client's."""
    return f"If no other client uses it: lms-harness unload --instance {instance_id!r}"


def _goes(client: Client, instance_id: InstanceId, clock: Clock, *, within_s: float) -> bool:
    def look() -> bool | None:
        return True if instance_id not in resident_ids(client.models()) else None

    return wait_for(look, clock, within_s=within_s, despite_trouble=True) is not None
