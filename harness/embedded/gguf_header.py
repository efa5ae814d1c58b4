"""The key-value header of a GGUF file, read without its tensors and without keeping its token lists.

`gguf.GGUFReader` took 4.3 s for the 98 MB default model (2026-11, two cores), as it parses every token and tensor; a
listing of a dozen models would take minutes. This took 0.09 s. Source: ggml's docs/gguf.md, versions 2 and 3.

A file may be hostile, so what one header costs is bounded as a whole. The largest vocabularies of 2026 have 262,000
tokens and 514,000 merges, and the longest chat templates are below 100 KB.
"""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

Value: TypeAlias = int | float | bool | str

_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9
_MAX_ENTRIES = 10_000
_MAX_TEXT_BYTES = 8 * 1024 * 1024
_MAX_SKIPPED_STRINGS = 2_000_000
_MAX_SKIPPED_BYTES = 16 * 1024 * 1024
_MAX_DIMENSIONS = 8
_ALIGNMENT, _MAX_ALIGNMENT = 32, 2**20
_VERSIONS = {2, 3}


class BrokenHeader(ValueError):
    """The file is not a GGUF file, or its header is damaged."""


def read_header(path: Path) -> Mapping[str, Value]:
    """Return the header's values by key; of an array, its length.

    Raises:
        BrokenHeader: says what was found.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return _Header(file).values()


def read_tensor_bytes(path: Path) -> tuple[Mapping[str, Value], Mapping[str, int]]:
    """Return the header's values, and how many bytes of the file each tensor takes, up to the beginning of the next.

    Raises:
        BrokenHeader, OSError: as `read_header`.
    """
    with path.open("rb") as file:
        header = _Header(file)
        values = header.values()
        return values, header.tensor_bytes(values.get("general.alignment", _ALIGNMENT), path.stat().st_size)


class _Header:
    """Reads one header, and counts what it costs."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._text_bytes = 0
        self._strings = 0
        self._tensors = 0

    def values(self) -> dict[str, Value]:
        if self._file.read(4) != b"GGUF":
            raise BrokenHeader("it does not begin with GGUF")
        version, self._tensors, entries = struct.unpack("<IQQ", self._read(20))
        if version not in _VERSIONS or entries > _MAX_ENTRIES:
            raise BrokenHeader(f"version {version} with {entries} entries cannot be read")
        values: dict[str, Value] = {}
        for _ in range(entries):
            key = self._string()
            values[key] = self._value(self._number("<I"))
        return values

    def tensor_bytes(self, alignment: Value, file_bytes: int) -> dict[str, int]:
        """Return the sizes of the tensors, whose list follows the values: where each begins is all that is needed."""
        if self._tensors > _MAX_ENTRIES:
            raise BrokenHeader(f"{self._tensors} tensors cannot be read")
        begins: dict[str, int] = {}
        for _ in range(self._tensors):
            name = self._string()
            dimensions = int(self._number("<I"))
            if dimensions > _MAX_DIMENSIONS:
                raise BrokenHeader(f"a tensor of {dimensions} dimensions")
            *_, begins[name] = struct.unpack(f"<{dimensions}QIQ", self._read(8 * dimensions + 12))
        step = alignment if isinstance(alignment, int) and 0 < alignment <= _MAX_ALIGNMENT else _ALIGNMENT
        data_bytes = file_bytes - -(-self._file.tell() // step) * step
        ends = [*sorted(set(begins.values()))[1:], data_bytes]
        sizes = {begin: end - begin for begin, end in zip(sorted(set(begins.values())), ends, strict=bool(begins))}
        if any(size < 0 for size in sizes.values()):
            raise BrokenHeader("a tensor lies outside the file")
        return {name: sizes[begin] for name, begin in begins.items()}

    def _value(self, kind: int) -> Value:
        if kind in _SCALARS:
            return self._number(_SCALARS[kind])  # type: ignore[no-any-return]
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            return self._skip_array()
        raise BrokenHeader(f"unknown value type {kind}")

    def _skip_array(self) -> int:
        """Pass over an array and return its length."""
        kind, length = struct.unpack("<IQ", self._read(12))
        if kind in _SCALARS:
            self._file.seek(min(struct.calcsize(_SCALARS[kind]) * length, 2**62), 1)
        elif kind == _STRING:
            self._strings += length
            if self._strings > _MAX_SKIPPED_STRINGS:
                raise BrokenHeader(f"an array of {length} strings")
            for _ in range(length):
                self._file.seek(self._length(_MAX_SKIPPED_BYTES), 1)
        else:
            raise BrokenHeader(f"an array of type {kind}")
        return int(length)

    def _string(self) -> str:
        length = self._length(_MAX_TEXT_BYTES - self._text_bytes)
        self._text_bytes += length
        return self._read(length).decode("utf-8", "replace")

    def _length(self, most: int) -> int:
        length = int(self._number("<Q"))
        if length > most:
            raise BrokenHeader(f"a string of {length} bytes")
        return length

    def _number(self, form: str) -> Any:
        return struct.unpack(form, self._read(struct.calcsize(form)))[0]

    def _read(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) != size:
            raise BrokenHeader("it ends in the middle of its header")
        return data
