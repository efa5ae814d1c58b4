"""JSON values that are kept outside the memory of the process, for as long as it needs them."""

import json
import tempfile
import threading
import weakref
from array import array
from collections.abc import Iterator

from harness.domain.sample import Json
from harness.errors import StoreError

_IN_MEMORY_BYTES = 256 * 1024
_HINT = "The rows of own tasks are kept in a temporary file while a run lasts. Free some space, or set TMPDIR."
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class Spool:
    """A list of JSON values that can only grow: in a temporary file without a name once there is over 256 KB of them.

    Of each value the process keeps 8 bytes. Threads may read at the same time.
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115  (closed with the spool)
        self._ends: array[int] = array("q", [0])
        self._lock = threading.Lock()
        weakref.finalize(self, self._file.close)

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __iter__(self) -> Iterator[Json]:
        return map(self.value, range(len(self)))

    def append(self, value: Json) -> None:
        """Add a value.

        Raises:
            StoreError: the temporary file cannot be written.
            ValueError: the value is nested too deeply.
        """
        try:
            data = _encode(value).encode()
        except RecursionError:
            raise ValueError("expected JSON that is not nested so deeply") from None
        try:
            with self._lock:
                self._file.seek(self._ends[-1])
                self._file.write(data)
        except OSError as exc:
            raise _failed("write", exc) from exc
        self._ends.append(self._ends[-1] + len(data))

    def value(self, number: int) -> Json:
        """Return the value with this number, from 0.

        Raises:
            StoreError: the temporary file cannot be read.
        """
        begin, end = self._ends[number], self._ends[number + 1]
        try:
            with self._lock:
                self._file.seek(begin)
                data = self._file.read(end - begin)
        except OSError as exc:
            raise _failed("read", exc) from exc
        return json.loads(data)


def _failed(what: str, exc: OSError) -> StoreError:
    return StoreError(f"cannot {what} a temporary file: {exc.strerror or exc}", hint=_HINT)
