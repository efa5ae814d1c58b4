"""The write-ahead journal of leases: what a run is about to cause, before it causes it.

One file per run in the user's state directory (folder 0700, file 0600), one JSON object a line, each on the disk
(fsync) before the call it announces is sent. Two processes append: the run and its reaper (adr-0003). A journal whose
leases are all closed is removed at the end; one that stays names what a dead run may have left loaded.

    owner     who wrote it: pid and start, boot, server
    intent    a load of a model may be sent from now on; what was resident, what is asked for
    sent      it is being sent
    answered  the server answered with this HTTP status, which settled nothing yet
    grant     it made this instance; by a chat: it is about to
    verified  it is loaded, with this config as far as that is known; again when its config has changed
    absent    it was seen to be gone, so that whatever has its id from now on may be another client's
    loading   a request of ours by its id makes the server load it again; `verified` when it has
    doubt     it is uncertain what is ours: nothing is touched, a person decides
    released, denied (nothing was loaded), handed_over (left loaded on purpose), gone: the end
"""

import contextlib
import errno
import json
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.clock import Clock, timestamp
from harness.errors import StoreError
from harness.reaper import identity
from harness.reaper.entry import entries
from harness.reaper.lease import Mode, OpenLease

ENDS = frozenset({"released", "denied", "handed_over", "gone"})
"""How a lease can end."""
UNREADABLE = "its journal has an entry that cannot be read"


def state_dir() -> Path:
    """Return where journals and locks live; `LMS_HARNESS_STATE` overrides the platform's own place."""
    if override := os.environ.get("LMS_HARNESS_STATE"):
        return Path(override)
    import platformdirs

    return platformdirs.user_state_path("lmstudio-harness")


class Journal:
    """The journal of one run. Nothing is created before it is opened, so a run that loads nothing leaves nothing.

    Args:
        run_id: names the file.
        url: of the server.
        clock: for timestamps.
        directory: of all journals; `<state directory>/journals` if not given.
        is_server_ours: the server ends with this run, so that nothing can stay loaded.

    Raises:
        StoreError: the state directory cannot be written; then nothing may be loaded either.
    """

    def __init__(
        self, run_id: str, *, url: str, clock: Clock, directory: Path | None = None, is_server_ours: bool = False
    ) -> None:
        self.run_id = run_id
        self.url = url
        self.is_server_ours = is_server_ours
        self._clock = clock
        self._directory = directory or state_dir() / "journals"
        self.path = self._directory / f"{run_id}.jsonl"
        self._file: int | None = None
        self._open: dict[int, str] = {}
        self._next = 1
        self._lock = threading.Lock()

    @property
    def open_leases(self) -> dict[int, str]:
        """Numbers of the leases that are not closed, with the keys of their models."""
        with self._lock:
            return dict(self._open)

    def open(self) -> None:
        """Create the file; harmless when repeated."""
        with self._lock, self._explained():
            if self._file is None:
                self._create()

    def intent(
        self,
        model_key: str,
        *,
        resident: tuple[str, ...],
        mode: Mode = "explicit",
        config: Mapping[str, Any] | None = None,
        deadline_s: float = 600.0,
    ) -> int:
        """Record that a load of `model_key` is about to be sent, and what is resident; return the lease's number."""
        with self._lock:
            number, self._next = self._next, self._next + 1
            self._append(
                "intent",
                number,
                model_key=model_key,
                resident=list(resident),
                mode=mode,
                config=dict(config or {}),
                deadline_s=deadline_s,
            )
            self._open[number] = model_key
            return number

    def sent(self, lease: int) -> None:
        """Record that the request is about to be written."""
        with self._lock:
            self._append("sent", lease)

    def grant(self, lease: int, instance_id: str) -> None:
        """Record which instance the load made."""
        with self._lock:
            self._append("grant", lease, instance_id=instance_id)

    def verified(self, lease: int, config: Mapping[str, Any]) -> None:
        """Record that it is loaded, and its effective config as listed."""
        with self._lock:
            self._append("verified", lease, config=dict(config))

    def absent(self, lease: int, why: str) -> None:
        """Record how the instance was seen to be gone."""
        with self._lock:
            self._append("absent", lease, why=why)

    def loading(self, lease: int) -> None:
        """Record that a request of ours makes the server load the instance again."""
        with self._lock:
            self._append("loading", lease)

    def doubt(self, lease: int, why: str, instance_id: str) -> None:
        """Record that the instance may be another client's: it stays named in the journal and is never touched."""
        with self._lock:
            self._append("doubt", lease, why=why, instances=[instance_id])
            self._open.pop(lease, None)

    def close_lease(self, lease: int, how: str) -> None:
        """Record the end of a lease: one of `ENDS`."""
        with self._lock:
            self._append(how, lease)
            self._open.pop(lease, None)

    def forget(self, lease: int) -> None:
        """Note that the reaper has closed the lease, or will."""
        with self._lock:
            self._open.pop(lease, None)

    def finish(self) -> None:
        """Remove the journal when every lease is closed; otherwise leave it, for it names what is left."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None
                remove_if_settled(self.path)

    def _append(self, kind: str, lease: int, **entry: Any) -> None:
        with self._explained():
            if self._file is None:
                self._create()
            if self._file is not None:
                append(self._file, {"kind": kind, "lease": lease, **entry, "at": timestamp(self._clock.now())})

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            raise StoreError(
                f"cannot write the journal {self.path}: {exc.strerror}",
                hint="Nothing is loaded without a journal, because its unload could not be guaranteed. "
                "Set LMS_HARNESS_STATE to a folder that you can write to.",
            ) from exc

    def _create(self) -> None:
        private_folder(self._directory)
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | _CLOEXEC, 0o600)
        entry = {
            "kind": "owner",
            "run_id": self.run_id,
            "url": self.url,
            "is_server_ours": self.is_server_ours,
            **identity.owner(),
            "at": timestamp(self._clock.now()),
        }
        append(self._file, entry)


_CLOEXEC = getattr(os, "O_CLOEXEC", 0)


def private_folder(path: Path) -> Path:
    """Return the folder, which exists now and which only this user can enter.

    Raises:
        OSError: it cannot be made, or belongs to another user, who could read and replace what is in it.
    """
    # The one above it, too: others could put another in its place. One that is there already is the user's own affair.
    for folder in (path.parent, path):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except FileExistsError as exc:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from exc
    if hasattr(os, "getuid") and path.stat().st_uid != os.getuid():
        raise PermissionError(errno.EPERM, "the folder belongs to another user", str(path))
    path.chmod(0o700)
    return path


def append(descriptor: int, entry: Mapping[str, Any]) -> None:
    """Write an entry; it is on the disk when this returns.

    It begins with a line end, so that an entry that was torn before it cannot take it along.
    """
    os.write(descriptor, f"\n{json.dumps(entry, ensure_ascii=True)}\n".encode())
    os.fsync(descriptor)


def append_to(path: Path, entry: Mapping[str, Any]) -> None:
    """Write an entry into the journal of another run, which no other process is writing."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | _CLOEXEC | getattr(os, "O_NOFOLLOW", 0))
    try:
        append(descriptor, entry)
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalState:
    """What a journal file says: who wrote it, which leases are still open, and why entries were passed over."""

    owner: Mapping[str, Any]
    open_leases: Mapping[int, OpenLease] = field(default_factory=dict)
    flaws: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Of the server."""
        return str(self.owner.get("url", ""))

    @property
    def is_settled(self) -> bool:
        """Whether nothing in it can be about a loaded instance."""
        return not self.open_leases and not self.flaws


def replay(path: Path) -> JournalState:
    """Return the state after all complete entries.

    Torn entries are passed over, and so are unknown and broken ones. Such an entry may have said that an instance is
    not ours any more, so the lease that it is about is in doubt, and every open one where it does not say which.

    Raises:
        OSError: it cannot be read, or is not a regular file of this user of a reasonable size.
    """
    owner: Mapping[str, Any] = {}
    leases: dict[int, OpenLease] = {}
    flaws: list[str] = []
    for entry in entries(path):
        kind, number = entry.kind, entry.lease
        is_again = kind == "intent" and number in leases
        if entry.flaw or is_again:
            flaws.append(entry.flaw or f"a second intent for lease {number}")
            if kind == "intent" and number is not None and not is_again and entry.fields.get("model_key"):
                leases[number] = _opened(number, entry.fields)
            if kind != "owner":
                _mark_unreadable(leases, number)
        elif kind == "owner":
            owner = owner or entry.fields
        elif number is None:  # `entries` lets only the owner be without one.
            continue
        elif kind == "intent":
            leases[number] = _opened(number, entry.fields)
        elif kind in ENDS:
            leases.pop(number, None)
        elif number in leases:
            leases[number] = _continued(leases[number], entry.fields)
    return JournalState(
        owner=owner, open_leases={number: _judged(lease) for number, lease in leases.items()}, flaws=tuple(flaws)
    )


def _mark_unreadable(leases: dict[int, OpenLease], number: int | None) -> None:
    for marked in tuple(leases) if number is None else leases.keys() & {number}:
        leases[marked] = replace(leases[marked], is_unreadable=True)


def _judged(lease: OpenLease) -> OpenLease:
    """Return the lease; in doubt where one of its entries cannot be read, whatever the others say."""
    if not lease.is_unreadable:
        return lease
    named = lease.doubtful_ids or tuple(filter(None, [lease.instance_id]))
    return replace(lease, doubt=lease.doubt or UNREADABLE, doubtful_ids=named)


def remove_if_settled(path: Path) -> None:
    """Remove a journal without open leases; harmless when it is already gone, or is none of ours any more."""
    # Windows does not remove what another process has open; that process removes it then.
    with contextlib.suppress(OSError):
        if replay(path).is_settled:
            path.unlink()


def journal_paths(directory: Path) -> list[Path]:
    """Return the journals in a folder, the oldest first; none if there is no such folder.

    Raises:
        StoreError: it cannot be read, which says nothing about what is left loaded.
    """
    try:
        return sorted(path for path in directory.iterdir() if path.suffix == ".jsonl")
    except FileNotFoundError:
        return []
    except OSError as exc:
        raise StoreError(
            f"cannot read the journals in {directory}: {exc.strerror}",
            hint="They record what runs have left loaded. Set LMS_HARNESS_STATE to a folder that you can read.",
        ) from exc


def open_leases_elsewhere(directory: Path, *, url: str, but: Path) -> list[OpenLease]:
    """Return the open leases of all other runs on the same server.

    Those of dead runs count: their reapers are about to unload what they made.
    """
    found: list[OpenLease] = []
    for path in journal_paths(directory):
        if path != but:
            with contextlib.suppress(OSError):
                state = replay(path)
                if state.url == url:
                    found.extend(state.open_leases.values())
    return found


def granted_elsewhere(directory: Path, *, url: str, but: Path) -> frozenset[str]:
    """Return the instance ids that other runs on the same server hold according to their journals.

    One in doubt is not held: any client may have its id by now, and leaving it out would make another candidate look
    certain.
    """
    leases = open_leases_elsewhere(directory, url=url, but=but)
    return frozenset(lease.instance_id for lease in leases if lease.instance_id is not None and not lease.doubt)


def is_claimed_elsewhere(instance_id: str, model_key: str, directory: Path, *, url: str, but: Path) -> bool:
    """Tell whether another run holds this instance, or may just have loaded it without having noted its id yet."""
    return any(lease.claims(instance_id, model_key) for lease in open_leases_elsewhere(directory, url=url, but=but))


def _opened(number: int, entry: Mapping[str, Any]) -> OpenLease:
    return OpenLease(
        number=number,
        model_key=entry["model_key"],
        resident=tuple(entry.get("resident", ())),
        mode=entry.get("mode", "explicit"),
        config=entry.get("config", {}),
        deadline_s=float(entry.get("deadline_s", 600.0)),
        intent_at=str(entry.get("at", "")),
    )


def _continued(lease: OpenLease, entry: Mapping[str, Any]) -> OpenLease:
    at, why = str(entry.get("at", "")), str(entry.get("why", ""))
    changes: dict[str, dict[str, Any]] = {
        "sent": {"is_sent": True},
        "answered": {"status": entry.get("status")},
        "grant": {"is_sent": True, "instance_id": entry.get("instance_id"), "doubt": "", "doubtful_ids": ()},
        "verified": {"effective": entry.get("config"), "loading_at": "", "absence": ""},
        "absent": {"absence": why},
        "loading": {"effective": None, "loading_at": at, "absence": ""},
        "doubt": {"doubt": why, "doubtful_ids": tuple(entry.get("instances", ()))},
    }
    return replace(lease, **changes.get(entry["kind"], {}))
