"""What becomes of an open lease: finds what its load made, unloads exactly that, or says why not.

This is the only place that decides what a load made whose answer was lost, whether its run is alive (`locate`) or dead
(`finish`). Foreign wins: an instance that might belong to another client is never unloaded. A leak that is named is a
defect that we accept; touching what others use is not (docs/adr/0003).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, TypeAlias

from harness.clock import Clock
from harness.reaper.answer import Listed, ServerTrouble
from harness.reaper.lease import OpenLease

SETTLE_S = 15.0
"""How long a listing may lag behind an answer, and how long a single candidate must stay the only one."""

JIT_S = 60.0
"""How long a load by a chat whose client is gone may still show up. LM Studio expires such instances by itself."""

UNREACHABLE_S = 60.0
"""How long a server that does not answer is asked again: it may be restarting."""

_POLL_S = 0.25
_UNLOADS = 3
_CLIENT_ERRORS = range(400, 500)

How: TypeAlias = Literal["found", "released", "denied", "gone", "pending", "doubtful", "unreachable"]


class Server(Protocol):
    """What is needed of a server."""

    def listing(self) -> list[Listed]:
        """Return all loaded instances; raises `ServerTrouble`."""
        ...

    def unload(self, instance_id: str) -> None:
        """Ask to unload exactly this instance; raises `ServerTrouble`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What became of a lease.

    Attributes:
        how: found (its load made this instance, which is still loaded), released (unloaded, verified), denied (nothing
            was loaded), gone (it went away by itself), pending (the server may still be loading it), doubtful (it
            is uncertain what is ours), unreachable (the server does not answer, or does not unload it).
        why: in words, for a person.
        instances: the ones that were found, unloaded, or are in question.
    """

    how: How
    why: str = ""
    instances: tuple[str, ...] = ()

    @property
    def is_final(self) -> bool:
        """Whether nothing is left to do."""
        return self.how in {"released", "denied", "gone"}


def finish(
    lease: OpenLease,
    server: Server,
    clock: Clock,
    *,
    claimed: Callable[[], frozenset[str]],
    age_s: float = 0.0,
    settle_s: float = SETTLE_S,
    patience_s: float = float("inf"),
) -> Ending:
    """Do what can be done about the lease and return what became of it; never raises because of the server.

    Args:
        lease: no run or reaper is working on it any more.
        server: where its instance is, or is not.
        clock: for waiting.
        claimed: ids that other runs' journals name at this moment.
        age_s: seconds since the intent.
        settle_s: see `SETTLE_S`.
        patience_s: waits no longer than this for a load to show up; it is then pending.
    """
    try:
        if lease.doubt:
            return _in_doubt(lease, server, clock)
        located = locate(lease, server, clock, claimed=claimed, age_s=age_s, settle_s=settle_s, patience_s=patience_s)
        if located.how != "found":
            return located
        return _end(lease, located.instances[0], server, clock, age_s=age_s, settle_s=settle_s, patience_s=patience_s)
    except ServerTrouble as exc:
        return _unreachable(lease, exc)


def locate(
    lease: OpenLease,
    server: Server,
    clock: Clock,
    *,
    claimed: Callable[[], frozenset[str]],
    age_s: float = 0.0,
    settle_s: float = SETTLE_S,
    patience_s: float = float("inf"),
) -> Ending:
    """Return which instance the load of this lease made (`found`), or why none can be named; touches nothing.

    The arguments are those of `finish`.
    """
    if lease.instance_id is not None:
        return Ending(how="found", instances=(lease.instance_id,))
    if not lease.is_sent:
        return Ending(how="denied", why="its load was never sent")
    if lease.status in _CLIENT_ERRORS:
        return Ending(how="denied", why=f"the server refused the load (HTTP {lease.status})")
    may_take_s = _may_take_s(lease, age_s, settle_s)
    try:
        found = _search(
            lease,
            server,
            clock,
            claimed,
            patience_s=min(may_take_s, patience_s),
            settle_s=settle_s,
            is_late=age_s > lease.deadline_s + settle_s,
        )
    except ServerTrouble as exc:
        return _unreachable(lease, exc)
    return replace(found, how="pending") if found.how == "denied" and patience_s < may_take_s else found


def candidates(
    lease: OpenLease, listed: list[Listed], claimed: frozenset[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the ids of the instances that this lease's load may have made, and those that only the config rules out.

    The config rules out less than it seems: LM Studio may load with a smaller context than it was asked for.
    """
    new = [
        instance for instance in listed if lease.claims(instance.id, instance.model_key) and instance.id not in claimed
    ]
    fitting = tuple(instance.id for instance in new if agrees(lease.config, instance.config))
    return fitting, tuple(instance.id for instance in new if instance.id not in fitting)


def agrees(wanted: Mapping[str, Any], actual: Mapping[str, Any]) -> bool:
    """Tell whether a load with these settings may have made an instance with `actual`: what both state is equal."""
    return all(actual[name] == value for name, value in wanted.items() if actual.get(name) is not None)


def _may_take_s(lease: OpenLease, age_s: float, settle_s: float) -> float:
    """Return how long the server may still be loading."""
    if lease.mode == "jit":
        return max(settle_s, min(JIT_S, lease.deadline_s) - age_s)
    # There was an answer, though one of failure: the load has ended.
    return settle_s if lease.status is not None else max(settle_s, lease.deadline_s - age_s)


def _search(
    lease: OpenLease,
    server: Server,
    clock: Clock,
    claimed: Callable[[], frozenset[str]],
    *,
    patience_s: float,
    settle_s: float,
    is_late: bool,
) -> Ending:
    """Look for the one instance that can be ours; it counts once it was the only one for `settle_s`.

    What another client loads may be listed before ours is, so a single candidate proves nothing at first sight. When
    the load is long over (`is_late`), any client may have loaded the model since, so none is taken for ours.
    """
    listed = _patiently(server, clock)
    end = clock.monotonic() + patience_s  # Counted from the first listing: until then the server may have been away.
    alone: str | None = None
    since = 0.0
    while True:
        ids, others = candidates(lease, listed, claimed())
        now = clock.monotonic()
        if len(ids) > 1:
            return Ending(how="doubtful", why="several instances could come from this load", instances=ids)
        if ids and is_late:
            return Ending(how="doubtful", why="it may have been loaded long after our load ended", instances=ids)
        if ids and lease.mode == "jit":
            return Ending(how="doubtful", why="nothing shows that our request loaded it", instances=ids)
        if ids and ids[0] == alone and now - since >= settle_s:
            return Ending(how="found", instances=ids)
        if not ids and now >= end:
            if others:
                return Ending(
                    how="doubtful", why="it was not loaded with the config that we requested", instances=others
                )
            return Ending(how="denied", why="its load has not produced an instance")
        if ids and ids[0] != alone:
            since = now
        alone = ids[0] if ids else None
        clock.sleep(_POLL_S)
        listed = _patiently(server, clock)


def _in_doubt(lease: OpenLease, server: Server, clock: Clock) -> Ending:
    """Leave a doubt to a person: ids are reused, so a single candidate that is left proves nothing."""
    listed = _patiently(server, clock)
    if lease.is_unreadable and not lease.doubtful_ids:  # The entry that names what it made may be the broken one.
        left = tuple(instance.id for instance in listed if lease.claims(instance.id, instance.model_key))
    else:
        left = tuple(instance.id for instance in listed if instance.id in lease.doubtful_ids)
    if left:
        return Ending(how="doubtful", why=lease.doubt, instances=left)
    return Ending(how="gone", why="nothing that was in doubt is still loaded", instances=lease.doubtful_ids)


def _end(
    lease: OpenLease,
    instance_id: str,
    server: Server,
    clock: Clock,
    *,
    age_s: float,
    settle_s: float,
    patience_s: float,
) -> Ending:
    """Unload an instance that is ours, unless what has its id may be another client's, and verify that it is gone."""
    # Never unloaded unseen: an id that is not listed may be given to another client's instance at this moment.
    first = _named_within(server, clock, instance_id, 0.0, wants=True)
    may_take_s = _may_come_s(lease, age_s, settle_s)
    wait_s = min(may_take_s, max(patience_s, settle_s))
    listed = first or _named_within(server, clock, instance_id, wait_s, wants=True)
    if listed is None:
        return Ending(how="pending" if patience_s < may_take_s else "gone", instances=(instance_id,))
    if why := _why_not_ours(lease, listed, was_there=first is not None):
        return Ending(how="doubtful", why=why, instances=(instance_id,))
    return _unloaded(lease, listed, server, clock, settle_s=settle_s)


def _is_awaited(lease: OpenLease) -> bool:
    return lease.is_loading or (lease.mode == "jit" and lease.effective is None)


def _may_come_s(lease: OpenLease, age_s: float, settle_s: float) -> float:
    """Return how long a granted instance that is not listed may still turn up: late, as a request is loading it."""
    if _is_awaited(lease):
        return max(settle_s, min(JIT_S, lease.deadline_s) - age_s)
    return max(settle_s, min(JIT_S, lease.deadline_s)) if lease.is_asked else settle_s


def _why_not_ours(lease: OpenLease, listed: Listed, *, was_there: bool) -> str:
    """Return why what has the id may be another client's, in words; empty where nothing speaks for that."""
    if lease.mode == "explicit" and listed.model_key.lower() != lease.model_key.lower():
        return f"its id belongs to {listed.model_key} now"
    if lease.absence:
        return f"its id may belong to another client's instance since it was gone: {lease.absence}"
    if _is_awaited(lease):
        # Its client is gone, so the server may have broken it off, and given the id to the next who loaded the model.
        return "a request of ours was about to load it, and nothing shows that it did"
    if lease.effective and not was_there:  # It was listed before, so this is not a listing that lags.
        return "it was gone when the run had died, and its id may belong to another client's instance now"
    return ""


def _unloaded(lease: OpenLease, listed: Listed, server: Server, clock: Clock, *, settle_s: float) -> Ending:
    instance_id, trouble = listed.id, ""
    for _ in range(_UNLOADS):
        if lease.effective is not None and not agrees(lease.effective, listed.config):
            why = "an instance with another config has its id now"
            return Ending(how="doubtful", why=why, instances=(instance_id,))
        try:
            server.unload(instance_id)
        except ServerTrouble as exc:
            trouble = str(exc)
        still = _named_within(server, clock, instance_id, settle_s / _UNLOADS, wants=False)
        if still is None:
            return Ending(how="released", instances=(instance_id,))
        listed = still
    why = trouble or "the server reports that it is unloaded, but still lists it"
    return Ending(how="unreachable", why=why, instances=(instance_id,))


def _unreachable(lease: OpenLease, trouble: ServerTrouble) -> Ending:
    return Ending(how="unreachable", why=str(trouble), instances=tuple(filter(None, [lease.instance_id])))


def _named_within(server: Server, clock: Clock, instance_id: str, seconds: float, *, wants: bool) -> Listed | None:
    """Return the instance as listed, None where it is not: as soon as that is as wanted, else after so many seconds."""
    end = clock.monotonic() + seconds
    while True:
        listed = next((instance for instance in _patiently(server, clock) if instance.id == instance_id), None)
        if (listed is not None) == wants or clock.monotonic() >= end:
            return listed
        clock.sleep(_POLL_S)


def _patiently(server: Server, clock: Clock) -> list[Listed]:
    """Return the listing of a server that may be restarting."""
    end = clock.monotonic() + UNREACHABLE_S
    while True:
        try:
            return server.listing()
        except ServerTrouble:
            if clock.monotonic() >= end:
                raise
        clock.sleep(_POLL_S * 4)
