"""Which instance a request of ours made. REST gives a load no name: what is new, and what we heard, must tell it."""

from collections.abc import Callable, Collection, Sequence

from harness.client.http import Client
from harness.client.stream import StreamEvent, loading
from harness.clock import Clock
from harness.domain.generation import Generation
from harness.domain.model import InstanceId, Model, ModelKey
from harness.errors import AmbiguousLoad, LeaseError, TransportError
from harness.lifecycle.journal import Journal, granted_elsewhere
from harness.lifecycle.resident import resident_ids, wait_for
from harness.lifecycle.selection import find_model


def adopt(
    client: Client,
    journal: Journal,
    key: ModelKey,
    *,
    known: Collection[InstanceId],
    clock: Clock,
    patience_s: float,
    settle_s: float,
) -> InstanceId | None:
    """Return the one instance of `key` that is new and nobody else's, waiting for it up to `patience_s`.

    Raises:
        AmbiguousLoad: several are new.
        TransportError: the listing could not be read for `settle_s`, or at the end.
    """
    last_seen, trouble = clock.monotonic(), None

    def look() -> InstanceId | None:
        nonlocal last_seen, trouble
        try:
            model = find_model(client.models(), key)
        except TransportError as exc:
            if clock.monotonic() - last_seen >= settle_s:
                raise
            trouble = exc
            return None
        last_seen, trouble = clock.monotonic(), None
        held_by_others = granted_elsewhere(journal.path.parent, url=client.url, but=journal.path)
        new = [one.id for one in model.loaded_instances if one.id not in known and one.id not in held_by_others]
        if len(new) > 1:
            commands = "\n".join(f"  lms-harness unload --instance {one!r}" for one in new)
            raise AmbiguousLoad(
                f"the answer to loading {key} was lost, and {len(new)} instances are new since: {', '.join(new)}",
                hint=f"None was touched, as one may be somebody else's. Whichever is not in use:\n{commands}",
            )
        return new[0] if new else None

    found = wait_for(look, clock, within_s=patience_s)
    if trouble is not None:
        raise trouble
    return found


def noting_loads(made: list[InstanceId], before: Sequence[Model]) -> Callable[[StreamEvent], None]:
    """Return a listener that notes which instance our own stream says it is loading."""

    def listen(event: StreamEvent) -> None:
        named = loading(event)
        if named is not None and named not in resident_ids(before):
            made[:] = [named]

    return listen


def loaded_by(answer: Generation, before: Sequence[Model]) -> InstanceId:
    """Return who answered, if the answer itself shows that this request loaded it.

    Raises:
        LeaseError: somebody else may have loaded it.
    """
    is_new = answer.model_instance_id not in resident_ids(before)
    if is_new and (answer.loaded_model or answer.stats.load_time_s is not None):
        return answer.model_instance_id
    raise LeaseError(f"{answer.model_instance_id} answered, but nothing shows that this request loaded it")
