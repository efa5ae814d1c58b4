"""Files that are replaced as a whole, such as a routing file or a page."""

import contextlib
import os
from pathlib import Path

from harness.errors import StoreError


def write_whole(path: Path, text: str, *, is_shared: bool = False) -> None:
    """Write a file; a reader sees the old one or the new one, never a part.

    Args:
        path: of the file, which may exist.
        text: its content.
        is_shared: let other users of this machine read it, as far as the umask does; else only this user can.

    Raises:
        StoreError: it cannot be written; the old one stays.
    """
    if path.exists() and not path.is_file():
        raise StoreError(f"cannot write {path}: it is not a regular file", hint="Name a file.")
    target = path.resolve()  # A link stays a link.
    made = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        file = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644 if is_shared else 0o600)
        with os.fdopen(file, "w", encoding="utf-8", errors="backslashreplace") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        made.replace(target)
    except OSError as exc:
        with contextlib.suppress(OSError):
            made.unlink(missing_ok=True)
        raise StoreError(f"cannot write {path}: {exc.strerror}") from exc
