"""Conversations that continue from one call to the next: which stored answer the next turn continues.

One small file per server and model in the user's state directory (folder 0700, files 0600). Its name is a hash, so a
model key is never a path. A turn holds an OS lock, which is released when its process ends, however it ends.
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from harness.clock import Clock, timestamp
from harness.domain.model import ModelKey, ResponseId
from harness.errors import LeaseError, StoreError
from harness.reaper.filelock import FileLock
from harness.reaper.journal import private_folder, state_dir

TURN_S = 300.0
"""How long a turn waits for the one before it."""

_POLL_S = 0.2
_MAX_BYTES = 65_536


class Thread:
    """The conversation with one model on one server. Made only by `turn`, which holds the lock."""

    def __init__(self, path: Path, *, url: str, key: ModelKey, clock: Clock) -> None:
        self.path = path
        self._url = url
        self._key = key
        self._clock = clock

    def last(self) -> ResponseId | None:
        """Return the id of the last answer; None when there is none yet.

        Raises:
            ValueError: the file is not one of ours, or was damaged; `keep` and `drop` replace it all the same.
            OSError: it cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                entry = json.loads(file.read(_MAX_BYTES))
        except FileNotFoundError:
            return None
        except RecursionError:
            raise ValueError("nested too deeply") from None
        if not isinstance(entry, dict) or (entry.get("url"), entry.get("model_key")) != (self._url, self._key):
            raise ValueError("it belongs to another server or model")
        last = entry.get("response_id")
        if not isinstance(last, str) or not last.isprintable() or not last:
            raise ValueError("it contains no response id")
        return ResponseId(last)

    def keep(self, last: ResponseId) -> None:
        """Make the next turn continue this answer: the file holds the old id or the new one, never half of either.

        Raises:
            StoreError: it cannot be written; the old one stays.
        """
        entry = {"url": self._url, "model_key": self._key, "response_id": last, "at": timestamp(self._clock.now())}
        # The lock makes this name ours, but a killed process may have left such a file behind.
        made = self.path.with_suffix(".new")
        try:
            made.unlink(missing_ok=True)
            file = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(file, "w", encoding="utf-8") as text:
                text.write(json.dumps(entry) + "\n")
                text.flush()
                os.fsync(text.fileno())
            made.replace(self.path)
        except OSError as exc:
            with contextlib.suppress(OSError):
                made.unlink(missing_ok=True)
            raise _unwritable(self.path, exc) from exc

    def drop(self) -> None:
        """Let the next turn begin a new conversation.

        Raises:
            StoreError: the file cannot be removed.
        """
        try:
            self.path.unlink(missing_ok=True)
        except OSError as exc:
            raise _unwritable(self.path, exc) from exc


@contextmanager
def turn(
    url: str,
    key: ModelKey,
    *,
    clock: Clock,
    say: Callable[[str], None],
    within_s: float = TURN_S,
    directory: Path | None = None,
) -> Iterator[Thread]:
    """Hold the thread of a model on a server: no other process takes a turn in it until the block ends.

    Args:
        url: of the server, normalised.
        key: of the model, as it is listed.
        clock: for waiting.
        say: takes a message, once, when another process's turn must be waited for.
        within_s: how long to wait for it.
        directory: of the threads; by default in the user's state directory.

    Raises:
        LeaseError: the other turn has not ended by then.
        StoreError: the directory cannot be written.
    """
    folder = directory or state_dir() / "threads"
    path = folder / f"{sha256(json.dumps([url, key]).encode()).hexdigest()[:32]}.json"
    lock = FileLock(path.with_suffix(".lock"))
    try:
        private_folder(folder)
        _wait_for(lock, key, clock=clock, say=say, within_s=within_s)
    except OSError as exc:
        raise _unwritable(path, exc) from exc
    try:
        yield Thread(path, url=url, key=key, clock=clock)
    finally:
        lock.release()


def _wait_for(lock: FileLock, key: ModelKey, *, clock: Clock, say: Callable[[str], None], within_s: float) -> None:
    end = clock.monotonic() + within_s
    has_said = False
    while not lock.try_acquire():
        if clock.monotonic() >= end:
            raise LeaseError(
                f"another turn in the thread of {key} has not ended within {within_s:g} s",
                hint="Wait for the other `lms-harness chat --stateful`, stop it, or leave out --stateful.",
            )
        if not has_said:
            say(f"Another turn in the thread of {key} is in progress; waiting up to {within_s:g} s for it ...")
            has_said = True
        clock.sleep(_POLL_S)


def _unwritable(path: Path, exc: OSError) -> StoreError:
    return StoreError(
        f"cannot store the thread in {path.parent}: {exc.strerror}",
        hint="Set LMS_HARNESS_STATE to a writable folder, or leave out --stateful.",
    )
