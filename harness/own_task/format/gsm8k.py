"""GSM8K as its authors publish it: test.jsonl and, for the examples, train.jsonl (docs/formats.md)."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.errors import StoreError
from harness.store.row import Row, read_rows
from harness.store.source import open_source

_SHOTS = 8
_TRAIN = "train.jsonl"
_CALCULATION = re.compile(r"<<[^<>]*>>")
_DEFAULTS = MappingProxyType(
    {
        "prompt": "{examples}Question: {question}\nAnswer:",
        "target": "answer",
        "scorer": "gsm8k",
        "max_output_tokens": 512,
    }
)


class Gsm8kFile:
    """A row is a question with its solution; `examples` are the first eight solved questions of the training set."""

    reads_folders = False

    @property
    def defaults(self) -> Mapping[str, Any]:
        """Eight worked solutions, then the question; the number after #### is judged."""
        return _DEFAULTS

    def files(self, data: Path, *, columns: Collection[str]) -> Sequence[Path]:
        """Return the file and, where the definition wants examples, the training set beside it."""
        return [data, data.with_name(_TRAIN)] if "examples" in columns else [data]

    def rows(self, data: Path, *, columns: Collection[str]) -> Iterator[Row]:
        """Yield the questions of a file; with `examples`, where the definition wants them.

        Raises:
            StoreError: it cannot be read, or the training set does not lie beside it.
        """
        examples = {"examples": _examples(data.with_name(_TRAIN))} if "examples" in columns else {}
        with open_source(data) as source:
            for row in read_rows(source, columns=columns):
                yield row if isinstance(row.content, str) else row._replace(content={**row.content, **examples})


def _examples(train: Path) -> str:
    if not train.is_file():
        raise StoreError(
            f"{train} does not exist: GSM8K is asked with {_SHOTS} solved questions of its training set",
            hint="Put train.jsonl beside test.jsonl, or write a prompt without {examples}.",
        )
    with open_source(train) as source:
        rows = list(islice(read_rows(source, columns=("question", "answer")), _SHOTS))
    try:
        if len(rows) < _SHOTS:
            raise StoreError(f"{train}: expected at least {_SHOTS} solved questions, got {len(rows)}")
        solved = [(row.content["question"], row.content["answer"]) for row in rows]  # type: ignore[index]
        # The annotations are for the calculator that the authors' models had.
        return "".join(f"Question: {text}\nAnswer: {_CALCULATION.sub('', answer)}\n\n" for text, answer in solved)
    except (KeyError, TypeError) as exc:
        raise StoreError(f"{train}: expected objects with question and answer in its first {_SHOTS} lines") from exc
