"""What a format of data files does, and which formats there are.

The next format is one module here with a class that does what `Format` says, and a line in `FORMATS`.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from harness.store.row import Row


class Format(Protocol):
    """Reads one format of data: how its files become rows, and how their task is asked and judged."""

    @property
    def defaults(self) -> Mapping[str, Any]:
        """The fields of a definition that need not be written, such as `prompt` and `scorer`, as TOML has them."""
        ...

    @property
    def reads_folders(self) -> bool:
        """Whether the data may be a folder of files."""
        ...

    def files(self, data: Path, *, columns: Collection[str]) -> Sequence[Path]:
        """Return every file that `rows` reads, there or not: none may lie outside the definition's folder."""
        ...

    def rows(self, data: Path, *, columns: Collection[str]) -> Iterator[Row]:
        """Yield the rows of a file, in its order; what is wrong with a row stands in its place.

        A format may add columns that the file does not have, such as examples or a prepared target.

        Args:
            data: the file.
            columns: that the definition names.

        Raises:
            StoreError: the file as a whole cannot be read.
        """
        ...


FORMATS: Mapping[str, tuple[str, str]] = {
    "table": ("table", "Table"),
    "gsm8k": ("gsm8k", "Gsm8kFile"),
    "ifeval": ("ifeval", "IfEvalFile"),
    "mmlu": ("mmlu", "MmluFile"),
    "clinc150": ("clinc150", "Clinc150File"),
    "bfcl": ("bfcl", "BfclFile"),
}
"""Module and class of each format, by the name that a definition gives it."""


def find_format(name: str) -> Format:
    """Return the format of this name."""
    module, kind = FORMATS[name]
    found: Format = getattr(import_module(f"harness.own_task.format.{module}"), kind)()
    return found
