"""The rows of a user's file: JSONL, a JSON array, or CSV with any of the usual separators."""

import csv
import json
from collections import Counter
from collections.abc import Collection, Iterator
from itertools import chain
from typing import Any, NamedTuple

from harness.domain.count import counted
from harness.errors import StoreError
from harness.store.source import Source

_LONGEST_CELL = 100_000_000
_SPELT = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "|"}
_CSV_SUFFIXES = frozenset({".csv", ".tsv"})
_JSON_SUFFIXES = frozenset({".json", ".jsonl", ".ndjson"})
_SHOWN = 80


class Row(NamedTuple):
    """One row of a file.

    Attributes:
        number: of its line, from 1; in a JSON array, of the element.
        place: where it stands, for messages.
        content: the record, or what is wrong with the row.
    """

    number: int
    place: str
    content: dict[str, Any] | str


def read_rows(source: Source, *, columns: Collection[str]) -> Iterator[Row]:
    """Yield the rows of an open file.

    A name that ends in .csv or .tsv, or in that and .gz, tells CSV; any other file is CSV unless it begins with { or [
    or its name ends in .json, .jsonl or .ndjson.

    Args:
        source: the file, at its beginning.
        columns: that are wanted of a CSV file; its separator is the one that shows the most of them.

    Raises:
        StoreError: the file is not UTF-8, is one JSON object or a broken array, or the first row of a CSV file has a
            column twice.
    """
    suffix = next((end for end in map(str.lower, reversed(source.path.suffixes)) if end != ".gz"), "")
    first = source.beginning(4096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if suffix in _CSV_SUFFIXES or (first not in {b"{", b"["} and suffix not in _JSON_SUFFIXES):
        return _cells(source, "\t" if suffix == ".tsv" else None, columns)
    first_line = source.file.readline(_LONGEST_CELL)
    source.file.seek(0)
    is_whole = _parsed(first_line)[1] == ""
    if first == b"[" or (first == b"{" and not is_whole):
        value, fault = _parsed("".join(source.lines()))
        if isinstance(value, list):
            return _elements(value, source)
        source.file.seek(0)
        if isinstance(value, dict):
            raise StoreError(
                f"{source.name} is one JSON object, with {short(', '.join(map(str, value)))}",
                hint="Expected one object a line (JSONL), or an array of objects.",
            )
        if first == b"[" and not is_whole:
            raise StoreError(f"{source.name}: expected a JSON array: {fault}")
    return _objects(source)


def short(text: str) -> str:
    """Return the beginning of a text, on one line, for a message; the edge makes it safe to print."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"


def _objects(source: Source) -> Iterator[Row]:
    for number, text in enumerate(source.lines(), 1):
        if text.strip():
            try:
                value = json.loads(text)
            except (ValueError, RecursionError):
                value = None
            yield Row(number, f"{source.name}:{number}", _record(value, text))


def _elements(values: list[Any], source: Source) -> Iterator[Row]:
    for number, value in enumerate(values, 1):
        yield Row(number, f"{source.name}: element {number}", _record(value))


def _parsed(text: str | bytes) -> tuple[Any, str]:
    """Return the JSON in a text, or why there is none."""
    try:
        return json.loads(text), ""
    except (ValueError, RecursionError) as exc:
        return None, str(exc)


def _record(value: Any, text: str | None = None) -> dict[str, Any] | str:
    if isinstance(value, dict):
        return value
    return f"expected a JSON object, got {short(json.dumps(value) if text is None else text)}"


def _cells(source: Source, separator: str | None, columns: Collection[str]) -> Iterator[Row]:
    csv.field_size_limit(_LONGEST_CELL)
    lines = source.lines()
    first = next(lines, "")
    separator = separator or _separator(first, columns)
    rows = csv.DictReader(chain([first], lines), delimiter=separator, strict=True)
    try:
        names = rows.fieldnames or ()
        twice = [column for column, times in Counter(names).items() if column and times > 1]
        if twice:
            raise StoreError(
                f"{source.name}: the column {short(twice[0])} appears twice in the first row",
                hint="Rename one of them, so that it is clear which one is meant.",
            )
        for row in rows:
            cells = sum(cell is not None for cell in row.values()) + len(row.get(None, ())) - (None in row)
            wrong = (
                f"expected {counted(len(names), 'cell')}, as in the first row, separated by {_SPELT[separator]}, "
                f"got {cells}"
            )
            yield Row(rows.line_num, f"{source.name}:{rows.line_num}", row if cells == len(names) else wrong)
    except csv.Error as exc:
        yield Row(rows.line_num, f"{source.name}:{rows.line_num}", f"expected CSV: {exc}")


def _separator(first: str, columns: Collection[str]) -> str:
    """Return what separates the names in the first row: what shows most of the wanted ones, then most names."""

    def shown(separator: str) -> tuple[int, int]:
        try:
            names = next(csv.reader([first], delimiter=separator), [])
        except csv.Error:
            return 0, 0
        return len(set(columns) & set(names)), len(names)

    return max(_SPELT, key=shown)
