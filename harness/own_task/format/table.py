"""A table of any kind: CSV with the usual separators, TSV, JSONL or a JSON array; packed with gzip or not."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.store.row import Row, read_rows
from harness.store.source import open_source


class Table:
    """Rows as they stand."""

    reads_folders = False

    @property
    def defaults(self) -> Mapping[str, Any]:
        """Nothing is known of the rows."""
        return MappingProxyType({})

    def files(self, data: Path, *, columns: Collection[str]) -> Sequence[Path]:  # noqa: ARG002  (the protocol's)
        """Return the file itself."""
        return [data]

    def rows(self, data: Path, *, columns: Collection[str]) -> Iterator[Row]:
        """Yield the rows of a file.

        Raises:
            StoreError: it cannot be read, is not UTF-8, or has a column twice.
        """
        with open_source(data) as source:
            yield from read_rows(source, columns=columns)
