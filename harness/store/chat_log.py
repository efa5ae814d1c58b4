"""The log of chats: what was sent and what came back, one JSON object a line (NDJSON), without secrets."""

import errno
import json
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harness.client.redaction import Redaction
from harness.clock import Clock, timestamp
from harness.errors import StoreError


class ChatLog:
    """Appends entries to a file, which has mode 0600 from then on; many processes of one user may share it.

    A log that can no longer be written (a full disk) is reported once and closed: it must not cost the user an answer.

    Args:
        path: its folder must exist; not a link, which could lead to a file that others read.
        token: masked wherever it appears, as is every prefix of it.
        clock: for the time of each entry.
        say: takes the message that the log was closed.

    Raises:
        StoreError: nothing can be written there, or the file belongs to another user.
    """

    def __init__(self, path: Path, *, token: str, clock: Clock, say: Callable[[str], None]) -> None:
        self.path = path
        self._redaction = Redaction(token)
        self._clock = clock
        self._say = say
        try:
            self._file: int | None = _opened(path)
        except (OSError, ValueError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else str(exc)
            if isinstance(exc, OSError) and exc.errno == errno.ELOOP:  # What O_NOFOLLOW makes of a link.
                reason = "it is a symbolic link"
            raise StoreError(
                f"cannot write the log {path}: {reason}", hint="Name a file in an existing folder with --log FILE."
            ) from exc

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; harmless when repeated."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def write(self, kind: str, entry: Mapping[str, Any]) -> None:
        """Append an entry: its kind, the time, and these fields; image data is replaced by its size."""
        if self._file is None:
            return
        line = json.dumps({"kind": kind, "at": timestamp(self._clock.now()), **self._shown(dict(entry))}) + "\n"
        try:
            # In one piece, so that lines of several processes do not mix.
            written = os.write(self._file, line.encode("ascii"))
            trouble = None if written == len(line) else "only part of an entry could be written"
        except OSError as exc:
            trouble = exc.strerror
        if trouble is not None:
            self._say(f"Cannot write the log {self.path}: {trouble}. Logging stops here; answers are not affected.")
            self.close()

    def _shown(self, value: Any) -> Any:
        if isinstance(value, str):
            head, is_data, data = value.partition(";base64,")
            if is_data and head.startswith("data:image/"):
                return f"{head};base64,[{len(data)} bytes]"
            return self._redaction.apply(value)
        if isinstance(value, Mapping):
            return {str(key): self._shown(entry) for key, entry in value.items()}
        if isinstance(value, list | tuple):
            return [self._shown(entry) for entry in value]
        return value


def _opened(path: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
    # Without O_NONBLOCK, opening a pipe without a reader would block for ever.
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o600)
    try:
        status = os.fstat(descriptor)
        if hasattr(os, "getuid") and stat.S_ISREG(status.st_mode):
            if status.st_uid != os.getuid():
                raise PermissionError(errno.EPERM, "it belongs to another user")
            os.fchmod(descriptor, 0o600)  # It may have been there before.
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
