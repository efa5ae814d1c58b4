"""What dead runs have left: finding their journals, and finishing what their reapers could not."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from harness.client.address import is_loopback
from harness.clock import Clock, timestamp
from harness.reaper import identity
from harness.reaper.filelock import FileLock
from harness.reaper.journal import (
    JournalState,
    append_to,
    granted_elsewhere,
    journal_paths,
    remove_if_settled,
    replay,
)
from harness.reaper.lease import OpenLease
from harness.reaper.reconcile import SETTLE_S, Ending, Server, finish

Keeper: TypeAlias = Literal["run", "reaper", "nobody"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A journal with open leases, or with entries that cannot be read.

    Attributes:
        path: of the journal.
        state: what it says.
        keeper: who takes care of it: its run, which is alive; its reaper, which is finishing; or nobody.
    """

    path: Path
    state: JournalState
    keeper: Keeper

    @property
    def run_id(self) -> str:
        """Of the run that wrote it."""
        return self.path.stem

    @property
    def complaint(self) -> str:
        """What cannot be read in it, in one sentence; empty where all can be."""
        if not (flaws := self.state.flaws):
            return ""
        more = f", and {len(flaws) - 1} more" if len(flaws) > 1 else ""
        return f"The journal {self.path} was passed over where it cannot be read: {flaws[0]}{more}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What became of one lease of a dead run."""

    run_id: str
    lease: OpenLease
    ending: Ending

    def __str__(self) -> str:
        named = ", ".join(self.ending.instances) or self.lease.model_key
        done = {
            "released": f"unloaded {named}",
            "denied": f"{named}: nothing was loaded",
            "gone": f"{named} is already gone",
            "pending": f"{named} may still be loading",
            "doubtful": f"{named} may belong to another client, so it was not touched: {self.ending.why}",
            "unreachable": f"{named} could not be unloaded: {self.ending.why}",
        }[self.ending.how]
        return f"Left by the run {self.run_id}, which died: {done}"


def left_journals(directory: Path) -> Iterator[Left]:
    """Yield the journals with open leases or flaws, the oldest first; settled ones of dead runs are removed.

    Raises:
        StoreError: the folder cannot be read.
    """
    for path in journal_paths(directory):
        try:
            state = replay(path)
            keeper = _keeper(path, state)
        except FileNotFoundError:
            continue  # Its run has ended meanwhile.
        except OSError as exc:
            state, keeper = JournalState(owner={}, flaws=(exc.strerror or str(exc),)), "nobody"
        if not state.is_settled:
            yield Left(path=path, state=state, keeper=keeper)
        elif keeper == "nobody" and state.owner:  # Without an owner it is being created at this moment.
            remove_if_settled(path)


def sweep(
    directory: Path,
    *,
    url: str,
    token: str,
    clock: Clock,
    settle_s: float = SETTLE_S,
    patience_s: float = 2 * SETTLE_S,
    on_begin: Callable[[OpenLease], None] = lambda _: None,
    on_complaint: Callable[[str], None] = lambda _: None,
) -> Iterator[Swept]:
    """Finish the leases that dead runs have left on one server, and yield what became of each.

    Live runs, and dead ones whose reaper is at work, are left alone. What may belong to another client is not touched.

    Args:
        directory: of the journals.
        url: of the server, normalised.
        token: for it.
        clock: for waiting.
        settle_s: how long the listing may lag.
        patience_s: waits no longer for a load that may still be going on.
        on_begin: called before each lease, as it may take a while.
        on_complaint: called once for each journal of a dead run that cannot be read in full.
    """
    for left in left_journals(directory):
        if left.complaint and left.keeper == "nobody":
            on_complaint(f"{left.complaint}. See lms-harness doctor.")
        if left.keeper != "nobody" or left.state.url != url:
            continue
        lock = FileLock(left.path)
        try:
            if not lock.try_acquire(create=False):
                continue
            # Read again: its reaper or another sweep may have closed leases meanwhile, and their ids may be reused.
            leases = replay(left.path).open_leases
        except OSError:  # It has been removed.
            lock.release()
            continue
        try:
            from harness.reaper.server import PlainServer  # It imports ssl: 13 ms, where most runs find nothing.

            server = PlainServer(url, token)
            for lease in leases.values():
                on_begin(lease)
                ending = _finished(left, lease, server, clock, settle_s=settle_s, patience_s=patience_s)
                _note(left.path, lease, ending, clock)
                yield Swept(run_id=left.run_id, lease=lease, ending=ending)
            remove_if_settled(left.path)
        finally:
            lock.release()


def forget(left: Left, clock: Clock) -> None:
    """Close all leases of a journal that has neither run nor reaper, without touching any instance, and remove it."""
    for lease in left.state.open_leases.values():
        _note(left.path, lease, Ending(how="gone"), clock)
    with contextlib.suppress(
        OSError
    ):  # A folder, or what another process has open on Windows, stays and is named again.
        left.path.unlink()


def _finished(
    left: Left, lease: OpenLease, server: Server, clock: Clock, *, settle_s: float, patience_s: float
) -> Ending:
    if left.state.owner.get("is_server_ours"):
        return Ending(how="gone", why="its server ended with its run")
    if left.state.owner.get("boot_id") != identity.boot_id():
        named = tuple(filter(None, [lease.instance_id]))
        if is_loopback(left.state.url):
            return Ending(how="gone", why="this machine has been restarted since", instances=named)
        why = "this machine has been restarted since, and its id may belong to another instance"
        return Ending(how="doubtful", why=why, instances=named)
    here = left.path.parent
    return finish(
        lease,
        server,
        clock,
        age_s=lease.age_s(clock.now()),
        settle_s=settle_s,
        patience_s=patience_s,
        claimed=lambda: granted_elsewhere(here, url=left.state.url, but=left.path),
    )


def _note(path: Path, lease: OpenLease, ending: Ending, clock: Clock) -> None:
    head = {"lease": lease.number, "by": "sweep", "at": timestamp(clock.now())}
    if ending.is_final:
        append_to(path, {"kind": ending.how, **head})
    elif ending.how == "doubtful":
        append_to(path, {"kind": "doubt", "why": ending.why, "instances": list(ending.instances), **head})


def _keeper(path: Path, state: JournalState) -> Keeper:
    if identity.is_alive(state.owner):
        return "run"
    lock = FileLock(path)
    try:
        return "nobody" if lock.try_acquire(create=False) else "reaper"
    finally:
        lock.release()
