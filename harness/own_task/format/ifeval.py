"""IFEval as its authors publish it: input_data.jsonl (docs/formats.md)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.store.row import Row, read_rows
from harness.store.source import open_source

_DEFAULTS = MappingProxyType(
    {
        "prompt": "{prompt}",
        "id": "key",
        "target": {"instruction_id_list": "{instruction_id_list}", "kwargs": "{kwargs}"},
        "scorer": "ifeval",
        "max_output_tokens": 1280,
    }
)


class IfEvalFile:
    """A row is a prompt with the instructions in it."""

    reads_folders = False

    @property
    def defaults(self) -> Mapping[str, Any]:
        """The prompt alone; all its instructions are judged."""
        return _DEFAULTS

    def files(self, data: Path, *, columns: Collection[str]) -> Sequence[Path]:  # noqa: ARG002  (the protocol's)
        """Return the file itself."""
        return [data]

    def rows(self, data: Path, *, columns: Collection[str]) -> Iterator[Row]:
        """Yield the rows as they stand.

        Raises:
            StoreError: it cannot be read.
        """
        with open_source(data) as source:
            yield from read_rows(source, columns=columns)
