"""A file that a user names: a path or standard input, plain or packed with gzip."""

import gzip
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from harness.domain.encoding import CONVERT_HINT, not_utf8
from harness.errors import StoreError

_GZIP = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_STANDARD_INPUT = Path("-")
_IN_MEMORY_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An open file.

    Attributes:
        path: as the user named it; `-` is standard input.
        file: its bytes, unpacked; it can be rewound.
        is_appendable: whether lines can be appended to it: it is neither packed nor a pipe.
    """

    path: Path
    file: IO[bytes]
    is_appendable: bool

    @property
    def name(self) -> str:
        """What messages call it."""
        return _name(self.path)

    def beginning(self, size: int) -> bytes:
        """Return its first bytes, and rewind it."""
        found = self.file.read(size)
        self.file.seek(0)
        return found

    def lines(self) -> Iterator[str]:
        r"""Yield its lines, which end with \n and nothing else; a byte order mark at its beginning is left out.

        Raises:
            StoreError: a line is not UTF-8; the message has its number and the byte.
        """
        for number, line in enumerate(self.file, 1):
            content = line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line
            try:
                yield content.decode()
            except UnicodeDecodeError as exc:
                where = not_utf8(content, exc, line=number)
                raise StoreError(f"cannot read {self.name}: {where}", hint=CONVERT_HINT) from exc


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Yield a file, unpacked where its content is gzip, whatever its name; `-` is read to its end first.

    Raises:
        StoreError: it cannot be opened, read or unpacked; also while the caller reads.
    """
    try:
        with _opened(path) as (file, is_file):
            is_packed = file.read(len(_GZIP)) == _GZIP
            file.seek(0)
            if is_packed:
                with gzip.open(file) as unpacked:
                    yield Source(path=path, file=unpacked, is_appendable=False)  # type: ignore[arg-type]
            else:
                yield Source(path=path, file=file, is_appendable=is_file)
    except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
        raise StoreError(f"cannot unpack {_name(path)}: {exc}", hint="Is the gzip file complete?") from exc
    except OSError as exc:
        if isinstance(exc, StoreError):
            raise
        raise StoreError(f"cannot read {_name(path)}: {exc.strerror or exc}") from exc


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], bool]]:
    """Yield a file that can be rewound, and whether it is that at the path rather than a copy."""
    if path == _STANDARD_INPUT:
        if sys.stdin is None:
            raise StoreError("cannot read standard input: it is closed")
        with _copy_of(sys.stdin.buffer) as copy:
            yield copy, False
        return
    with path.open("rb") as file:
        if file.seekable():
            yield file, True
            return
        with _copy_of(file) as copy:  # A pipe, such as that of <(zcat …).
            yield copy, False


@contextmanager
def _copy_of(stream: IO[bytes]) -> Iterator[IO[bytes]]:
    with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as copy:
        shutil.copyfileobj(stream, copy)
        copy.seek(0)
        yield copy


def _name(path: Path) -> str:
    return "standard input" if path == _STANDARD_INPUT else str(path)
