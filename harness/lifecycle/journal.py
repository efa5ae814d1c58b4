"""The write-ahead journal of leases: what this run is about to cause, before it causes it.

One file per run in the user's state directory (folder 0700, file 0600), one JSON object a line, each on the disk
(fsync) before the call it announces is sent. A journal whose leases are all closed is removed at the end; one that
stays names what a dead run may have left loaded.
"""

import contextlib
import json
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.clock import Clock, timestamp
from harness.domain.model import InstanceId
from harness.errors import StoreError


def state_dir() -> Path:
    """Return where journals live; `LMS_HARNESS_STATE` overrides the platform's own place."""
    if override := os.environ.get("LMS_HARNESS_STATE"):
        return Path(override)
    import platformdirs

    return platformdirs.user_state_path("lmstudio-harness")


def boot_id() -> str | None:
    """Return an id of this boot of the machine (Linux), None where the system has none: pids repeat after a boot."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return None


def process_start(pid: int) -> str | None:
    """Return when a process started, in clock ticks since boot (Linux), or None: pid and start name one process."""
    with contextlib.suppress(OSError, IndexError):
        # The name in parentheses may hold spaces; the 20th field after it is `starttime` (proc(5)).
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    return None


class Journal:
    """The journal of one run. Nothing is created before the first intent, so a run that loads nothing leaves nothing.

    Raises:
        StoreError: the state directory cannot be written; then nothing may be loaded either.
    """

    def __init__(self, run_id: str, *, url: str, clock: Clock, directory: Path | None = None) -> None:
        self.run_id = run_id
        self._url = url
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

    def intent(self, model_key: str, *, resident: tuple[InstanceId, ...]) -> int:
        """Record that a load of `model_key` is about to be sent, and what is resident; return the lease's number."""
        with self._lock:
            number, self._next = self._next, self._next + 1
            self._append({"kind": "intent", "lease": number, "model_key": model_key, "resident": list(resident)})
            self._open[number] = model_key
            return number

    def grant(self, lease: int, instance_id: InstanceId) -> None:
        """Record which instance the load made."""
        with self._lock:
            self._append({"kind": "grant", "lease": lease, "instance_id": instance_id})

    def close_lease(self, lease: int, how: str) -> None:
        """Record the end of a lease: `released`, `denied` (nothing was loaded), `handed_over` or `gone`."""
        with self._lock:
            self._append({"kind": how, "lease": lease})
            self._open.pop(lease, None)

    def finish(self) -> None:
        """Remove the journal when every lease is closed; otherwise leave it, for it names what is left."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None
                if not self._open:
                    self.path.unlink(missing_ok=True)

    def _append(self, entry: dict[str, Any]) -> None:
        try:
            if self._file is None:
                self._file = self._create()
            self._write(entry)
        except OSError as exc:
            raise StoreError(
                f"cannot write the journal {self.path}: {exc.strerror}",
                hint="Without it nothing is loaded, as it could not be unloaded for sure. "
                "Set LMS_HARNESS_STATE to a folder that you can write to.",
            ) from exc

    def _create(self) -> int:
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._directory.chmod(0o700)
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        pid = os.getpid()
        self._write(
            {
                "kind": "owner",
                "run_id": self.run_id,
                "url": self._url,
                "pid": pid,
                "process_start": process_start(pid),
                "boot_id": boot_id(),
            }
        )
        return self._file

    def _write(self, entry: dict[str, Any]) -> None:
        line = json.dumps({**entry, "at": timestamp(self._clock.now())}, ensure_ascii=False) + "\n"
        if self._file is not None:
            os.write(self._file, line.encode())
            os.fsync(self._file)


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalState:
    """What a journal file says: who wrote it, and which leases are still open."""

    owner: dict[str, Any]
    open_leases: dict[int, dict[str, Any]] = field(default_factory=dict)


def replay(path: Path) -> JournalState:
    """Return the state after all complete lines; a torn last line is dropped."""
    owner: dict[str, Any] = {}
    leases: dict[int, dict[str, Any]] = {}
    for line in path.read_bytes().split(b"\n")[:-1]:
        entry = json.loads(line)
        if entry["kind"] == "owner":
            owner = entry
        elif entry["kind"] == "intent":
            leases[entry["lease"]] = entry
        elif entry["kind"] == "grant":
            leases[entry["lease"]] = {**leases[entry["lease"]], "instance_id": entry["instance_id"]}
        else:
            leases.pop(entry["lease"], None)
    return JournalState(owner=owner, open_leases=leases)


def is_alive(owner: dict[str, Any]) -> bool:
    """Tell whether the process that wrote this owner entry still runs: same boot, same pid, same start time."""
    pid = owner.get("pid")
    if not isinstance(pid, int) or owner.get("boot_id") != boot_id():
        return False
    if (started := owner.get("process_start")) is not None:
        return bool(process_start(pid) == started)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def granted_elsewhere(directory: Path, *, url: str, but: Path) -> frozenset[str]:
    """Return the instance ids that other live runs on the same server hold according to their journals."""
    leases = _open_elsewhere(directory, url=url, but=but)
    return frozenset(lease["instance_id"] for lease in leases if "instance_id" in lease)


def is_claimed_elsewhere(instance_id: str, model_key: str, directory: Path, *, url: str, but: Path) -> bool:
    """Tell whether another live run holds this instance, or may just have loaded it without having noted its id yet."""
    return any(
        lease["instance_id"] == instance_id
        if "instance_id" in lease
        else lease["model_key"] == model_key and instance_id not in lease["resident"]
        for lease in _open_elsewhere(directory, url=url, but=but)
    )


def _open_elsewhere(directory: Path, *, url: str, but: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for path in directory.glob("*.jsonl"):
        if path == but:
            continue
        with contextlib.suppress(OSError, ValueError, KeyError):
            state = replay(path)
            if state.owner.get("url") == url and is_alive(state.owner):
                found.extend(state.open_leases.values())
    return found
