"""A lock that ends with the process that holds it, however that ends."""

import contextlib
import errno
import os
import stat
import sys
import time
from pathlib import Path

_POLL_S = 0.05
# O_NONBLOCK: opening a pipe could block for ever.
_FLAGS = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class FileLock:
    """An exclusive lock of the operating system on a file, which is made if it is missing and never removed.

    Each `FileLock` excludes all others, those of this process included. Not inherited by programs that this one starts.

    Args:
        path: in a folder that exists; not a link, which could lead to a file of other programs.
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
            OSError: the file cannot be opened, or is not a regular file.
        """
        if self._descriptor is not None:
            return True
        descriptor = _opened(self.path, create=create)
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

    def note(self, text: str) -> None:
        """Let the file say `text` about who holds the lock. A full disk loses it, but not the lock."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, 0)
                os.lseek(self._descriptor, 0, os.SEEK_SET)
                os.write(self._descriptor, text.encode())

    def release(self) -> None:
        """Let others have it; harmless when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _opened(path: Path, *, create: bool) -> int:
    try:
        descriptor = os.open(path, _FLAGS | (os.O_CREAT if create else 0), 0o600)
    except OSError as exc:
        if exc.errno == errno.ELOOP:  # What O_NOFOLLOW makes of a link.
            raise OSError(errno.ELOOP, "it is a symbolic link", str(path)) from exc
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    return descriptor


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
