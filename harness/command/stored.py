"""Reads stored outputs for a scorer: from our run files, and from any JSONL or CSV file."""

import csv
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.domain.generation import Outcome
from harness.domain.sample import Json
from harness.errors import StoreError, TaskError
from harness.report.text import one_line
from harness.store.reader import parse, read_lines
from harness.store.run_file import strata_of

_LONGEST_CELL = 100_000_000
_SHOWN = 80
_MISSING = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One stored answer.

    Attributes:
        line: of the file, from 1.
        output: what the model answered.
        target: the ideal output.
        id: as the file names it, else the line's number.
        cell: model and task, in a run file.
        cluster: what it shares with other items, in a run file.
        outcome: in a run file; None elsewhere.
        sample_uid: in a run file; "" elsewhere.
    """

    line: int
    output: str
    target: Json
    id: Json = None
    cell: tuple[str, str] = ("", "")
    cluster: str = ""
    outcome: Outcome | None = None
    sample_uid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldPaths:
    """Where the parts of a record are: names, or paths with dots, such as `doc.answer` or `resps.0`.

    Attributes:
        target: of the ideal output.
        output: of the model's answer.
        id: of the item's id; None: the line's number is the id.
        is_json: whether the target is JSON within a text, as in a CSV file.
    """

    target: str
    output: str
    id: str | None = None
    is_json: bool = False


def read_stored(path: Path, fields: FieldPaths) -> Iterator["Stored | TaskError"]:
    """Yield the answers of a file, and an error for each line that cannot be used.

    A file whose name ends in .csv or .tsv is read as such, any other as JSONL.

    Raises:
        StoreError: the file cannot be read, or is not UTF-8.
    """
    for line, record in _records(path):
        try:
            if isinstance(record, str):
                raise TaskError(record)  # noqa: TRY301  (so that all errors of a line get the same prefix)
            yield _stored(line, record, fields)
        except TaskError as exc:
            yield TaskError(f"{path}:{line}: {exc.message}", hint=exc.hint)


def read_samples(path: Path, fields: FieldPaths, *, tasks: Collection[str] = ()) -> Iterator["Stored | TaskError"]:
    """Yield the samples of a run file, only those of `tasks` if some are named. An incomplete last line is skipped.

    Raises:
        StoreError: the file cannot be read.
    """
    for line in read_lines(path):
        try:
            record = parse(path, line)
        except StoreError as exc:
            yield TaskError(exc.message, hint=exc.hint)
            continue
        if record["kind"] == "sample" and (not tasks or record.get("task") in tasks):
            try:
                found = _stored(line.number, record, fields)
                yield Stored(
                    line=line.number,
                    output=found.output,
                    target=found.target,
                    id=str(record["item_id"]),
                    cell=(str(record["model_key"]), str(record["task"])),
                    cluster=strata_of(record)[1],
                    outcome=Outcome(record["outcome"]),
                    sample_uid=str(record["sample_uid"]),
                )
            except (KeyError, ValueError) as exc:
                why = exc.message if isinstance(exc, TaskError) else f"not a sample record: {exc}"
                yield TaskError(f"{path}:{line.number}: {why}")


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Yield each line's number with its record, or with what is wrong with it."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            if path.suffix.lower() in {".csv", ".tsv"}:
                yield from _cells(file, "\t" if path.suffix.lower() == ".tsv" else ",")
            else:
                for line, text in enumerate(file, 1):
                    if text.strip():
                        yield line, _object(text)
    except OSError as exc:
        raise StoreError(f"cannot read {path}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise StoreError(f"cannot read {path}: it is not UTF-8 ({exc.reason} at byte {exc.start})") from exc


def _object(text: str) -> dict[str, Any] | str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else f"expected a JSON object, got {_short(text)}"


def _cells(file: Any, delimiter: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    csv.field_size_limit(_LONGEST_CELL)
    rows = csv.DictReader(file, delimiter=delimiter, strict=True)
    try:
        for row in rows:
            is_whole = None not in row and None not in row.values()
            yield (
                rows.line_num,
                row if is_whole else f"expected {len(rows.fieldnames or ())} cells, as in the first row",
            )
    except csv.Error as exc:
        yield rows.line_num, f"expected CSV: {exc}"


def _stored(line: int, record: dict[str, Any], fields: FieldPaths) -> Stored:
    output = _at(record, fields.output)
    if not isinstance(output, str):
        raise TaskError(f"field {fields.output}: expected text, got {_short(json.dumps(output))}")
    target = _at(record, fields.target)
    if fields.is_json:
        try:
            target = json.loads(target)
        except (TypeError, ValueError, RecursionError):
            raise TaskError(f"field {fields.target}: expected JSON, got {_short(str(target))}") from None
    item_id = line if fields.id is None else _at(record, fields.id)
    return Stored(line=line, output=output, target=target, id=item_id)


def _at(record: dict[str, Any], path: str) -> Json:
    """Return what is at a path. A field whose name is the whole path, dots included, is preferred.

    Raises:
        TaskError: there is no such field.
    """
    if path in record:
        return record[path]
    value: Any = record
    for name in path.split("."):
        if isinstance(value, dict):
            value = value.get(name, _MISSING)
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            value = _MISSING
        if value is _MISSING:
            raise TaskError(f"there is no field {path}; the fields are {_short(', '.join(map(str, record)))}")
    return value


def _short(text: str) -> str:
    return one_line(text.strip(), limit=_SHOWN)
