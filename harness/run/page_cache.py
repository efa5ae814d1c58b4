"""Whether files are in memory (the page cache), and how to get them out of it. Only Linux tells."""

import ctypes
import mmap
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

_LEFT_OVER = 0.001
"""Of the pages: so few may stay behind, and no load is quicker for them."""

_LOWEST_BIT = bytes(value & 1 for value in range(256))  # The other bits of mincore's answer are reserved.


def cached_share(paths: Iterable[Path]) -> float | None:
    """Return which share of the files' pages is in memory, by mincore(2); None where that is not known."""
    if sys.platform != "linux":
        return None
    try:
        counts = [_resident_pages(path) for path in paths]
    except (OSError, ValueError):
        return None
    pages = sum(all_pages for _, all_pages in counts)
    return sum(resident for resident, _ in counts) / pages if pages else None


def evict(paths: Sequence[Path]) -> str:
    """Drop the files from memory; return why they may still be there, or "", which was verified.

    What other processes have mapped stays. Caches below the kernel (of the disk, of a virtual machine's host) stay too.
    """
    if sys.platform != "linux":
        return "this system does not tell whether a file is in memory"
    try:
        for path in paths:
            with path.open("rb") as file:
                os.fsync(file.fileno())  # What is not yet on the disk cannot be dropped.
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    except OSError as exc:
        return f"its file cannot be dropped from memory: {exc.strerror}"
    share = cached_share(paths)
    if share is None:
        return "this system does not tell whether its file is in memory"
    if share > _LEFT_OVER:
        return f"{share:.0%} of its file stayed in memory, as another process uses it or the file system keeps it"
    return ""


def _resident_pages(path: Path) -> tuple[int, int]:
    """Return how many pages of a file are in memory, and how many it has."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            return 0, 0
        pages = -(-size // mmap.PAGESIZE)
        states = (ctypes.c_ubyte * pages)()
        # A private mapping that may be written: ctypes gives no address of one that may only be read.
        with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_COPY) as mapped:
            start = ctypes.c_char.from_buffer(mapped)
            libc = ctypes.CDLL(None, use_errno=True)
            failed = libc.mincore(ctypes.c_void_p(ctypes.addressof(start)), ctypes.c_size_t(size), states)
            del start  # The mapping cannot be closed while anything points into it.
    if failed:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return bytes(states).translate(_LOWEST_BIT).count(1), pages
