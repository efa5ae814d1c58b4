"""A lock that ends with the process that holds it, however that ends."""

import os
import sys
import time
from pathlib import Path

_POLL_S = 0.05


class FileLock:
    """An exclusive lock of the operating system on a file, which is made if it is missing and never removed.

    Each `FileLock` excludes all others, those of this process included. Not inherited by programs that this one starts.

    Args:
        path: in a folder that exists.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def try_acquire(self, *, create: bool = True) -> bool:
        """Take the lock if it is free, and tell whether it is held now.

        Raises:
            OSError: the file cannot be opened.
        """
        if self._descriptor is not None:
            return True
        flags = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | (os.O_CREAT if create else 0)
        descriptor = os.open(self.path, flags, 0o600)
        if not _try_lock(descriptor):
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def acquire(self, *, within_s: float) -> bool:
        """Take the lock, waiting for it; tell whether it is held now."""
        end = time.monotonic() + within_s
        while not self.try_acquire():
            if time.monotonic() >= end:
                return False
            time.sleep(_POLL_S)
        return True

    def release(self) -> None:
        """Let others have it; harmless when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            # Far behind all that is ever written: on Windows, others cannot read a locked byte.
            os.lseek(descriptor, 1 << 30, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
