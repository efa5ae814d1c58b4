"""Writes one run file. A record survives SIGKILL of this process as soon as `write` has returned."""

import io
import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

from harness.domain.record import Record
from harness.domain.sample import Json
from harness.errors import StoreError
from harness.settings import setting

_BLOCK = 65_536


class RunWriter:
    """Appends records to a file of its own; safe to use from many threads.

    Args:
        path: must not exist yet: two runs never share a file. A missing folder is created.
        is_shared: let other users of this machine read it, as far as the umask does; else only this user can.
        is_hidden: name the file `.<name>.part` until `reveal`, so that others see all of it or nothing.

    Raises:
        StoreError: the folder or file cannot be created, or a line cannot be written (disk full). Earlier lines stay
            readable.
    """

    def __init__(self, path: Path, *, is_shared: bool = False, is_hidden: bool = False) -> None:
        self.path = path
        self._now = path.with_name(f".{path.name}.part") if is_hidden else path
        self._lock = threading.Lock()
        self._failed: StoreError | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
            descriptor = _made(self._now, is_shared=is_shared)
        except OSError as exc:
            if os.path.lexists(path):
                raise StoreError(f"{path} exists already: a run never writes into another run's file") from exc
            reason = (
                "one of its parent folders is a file"
                if isinstance(exc, FileExistsError | NotADirectoryError)
                else exc.strerror
            )
            raise StoreError(
                f"cannot write results to {path}: {reason}",
                hint=f"Name a folder that you can write to with {setting('results', 'DIR')}.",
            ) from exc
        # Not buffered, as Ctrl-C may come at any moment: what it left in a buffer would begin the next line.
        self._file = io.FileIO(descriptor, "w")

    def write(self, *records: Record) -> None:
        """Append records that belong together, all or none; when this returns, the operating system has them."""
        lines = _lines(records)
        with self._lock:
            if self._failed is not None:
                raise StoreError(
                    f"{self._failed.message}; nothing more is appended to a torn line", hint=self._failed.hint
                )
            try:
                written = 0
                while written < len(lines):  # A disk that is nearly full takes a part, and then refuses the rest.
                    written += self._file.write(lines[written:])
            except OSError as exc:
                self._failed = StoreError(
                    f"cannot append to {self.path}: {exc.strerror}",
                    hint="All earlier records are complete and readable. Free some disk space, then run again.",
                )
                raise self._failed from exc

    def reveal(self) -> None:
        """Give a hidden file its name.

        Raises:
            StoreError: it cannot be renamed.
        """
        try:
            self._now.rename(self.path)
        except OSError as exc:
            raise StoreError(f"cannot write results to {self.path}: {exc.strerror}") from exc

    def close(self) -> None:
        """Close the file; harmless when repeated."""
        with self._lock:
            self._file.close()


def _lines(records: Iterable[Record]) -> bytes:
    # pydantic refuses NaN and keeps `kind` and `schema` first.
    return "".join(f"{record.to_json()}\n" for record in records).encode()


def _made(path: Path, *, is_shared: bool) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644 if is_shared else 0o600)


def append_records(path: Path, records: Iterable[Record]) -> None:
    """Append records to a run file that no run is writing: all of them, or none.

    A torn last line, which readers drop anyway, is removed first.

    Raises:
        StoreError: the file cannot be written.
    """
    lines = _lines(records)
    try:
        with path.open("r+b", buffering=0) as file:
            whole = _whole_bytes(file)
            file.truncate(whole)
            file.seek(whole)
            try:
                if file.write(lines) != len(lines):
                    raise OSError(None, "no space for all of it")  # noqa: TRY301  (as for a full disk)
            except OSError:
                file.truncate(whole)
                raise
    except OSError as exc:
        raise StoreError(f"cannot append to {path}: {exc.strerror}", hint="The file is unchanged.") from exc


def write_new(path: Path, lines: Iterable[str], *, is_shared: bool = False) -> None:
    """Write lines to a file that does not exist yet, for this user alone or for others too, as `RunWriter` does.

    Raises:
        StoreError: it exists already, or cannot be written.
    """
    with _new(path, is_shared=is_shared) as file:
        file.writelines(f"{line}\n" for line in lines)


def write_json_lines(path: Path, values: Iterable[Record | Mapping[str, Json]], *, is_shared: bool = False) -> None:
    """Write records or objects to a file that does not exist yet, each as a line of JSON.

    Args:
        path: of the file.
        values: what is written.
        is_shared: let other users read it, as `RunWriter` does.

    Raises:
        StoreError: it exists already, or cannot be written.
    """
    import jsonlines

    with _new(path, is_shared=is_shared) as file, jsonlines.Writer(file, dumps=_json) as writer:
        writer.write_all(values)


def _json(value: Record | Mapping[str, Json]) -> str:
    return value.to_json() if isinstance(value, Record) else json.dumps(value, ensure_ascii=False, allow_nan=False)


@contextmanager
def _new(path: Path, *, is_shared: bool) -> Iterator[TextIO]:
    try:
        with os.fdopen(_made(path, is_shared=is_shared), "w", encoding="utf-8") as file:
            yield file
    except OSError as exc:
        raise StoreError(f"cannot write {path}: {exc.strerror}") from exc


def _whole_bytes(file: BinaryIO) -> int:
    """Return how many bytes from the start of a file are complete lines."""
    end = file.seek(0, os.SEEK_END)
    while end:
        start = max(0, end - _BLOCK)
        file.seek(start)
        at = file.read(end - start).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        end = start
    return 0
