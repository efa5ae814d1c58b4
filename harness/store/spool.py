"""JSON values that are kept outside the memory of the process, for as long as it needs them."""

import json
import tempfile
import threading
import weakref
from array import array
from collections.abc import Iterator
from typing import IO

from harness.domain.sample import Json
from harness.errors import StoreError

_BLOCK_BYTES = 256 * 1024
_HINT = "The rows of own tasks are kept in a temporary file while a run lasts. Free some space, or set TMPDIR."
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_decode = json.JSONDecoder().decode


class Spool:
    """A list of JSON values that can only grow: in a temporary file without a name, but for its last 256 KB.

    Of each value the process keeps 8 bytes. Threads may read at the same time.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._file_bytes = 0
        self._block = bytearray()  # What follows in the file: where all of it fits in here, there is no file.
        self._ends: array[int] = array("q", [0])
        self._lock = threading.Lock()

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
        with self._lock:
            self._block += data
            if len(self._block) > _BLOCK_BYTES:
                self._write_block()
        self._ends.append(self._ends[-1] + len(data))

    def value(self, number: int) -> Json:
        """Return the value with this number, from 0.

        Raises:
            StoreError: the temporary file cannot be read.
        """
        begin, end = self._ends[number], self._ends[number + 1]
        with self._lock:
            data = self._read(begin, end)
        return _decode(data.decode())

    def _read(self, begin: int, end: int) -> "bytes | bytearray":
        if begin >= self._file_bytes:
            return self._block[begin - self._file_bytes : end - self._file_bytes]
        assert self._file is not None  # noqa: S101  (it has that many bytes)
        try:
            self._file.seek(begin)
            return self._file.read(end - begin)
        except OSError as exc:
            raise _failed("read", exc) from exc

    def _write_block(self) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  (closed with the spool)
                weakref.finalize(self, self._file.close)
            self._file.seek(self._file_bytes)
            with memoryview(self._block) as block:
                written = 0
                while written < len(block):  # A disk that is nearly full takes a part, and then refuses the rest.
                    written += self._file.write(block[written:])
        except OSError as exc:
            raise _failed("write", exc) from exc
        self._file_bytes += len(self._block)
        self._block.clear()


def _failed(what: str, exc: OSError) -> StoreError:
    return StoreError(f"cannot {what} a temporary file: {exc.strerror or exc}", hint=_HINT)
