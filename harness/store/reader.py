"""The lines of a run file, and the records in them. `run_file` sorts them; nothing else opens a run file."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from harness.domain.kind import Kinds
from harness.domain.record import SCHEMA, Record, RunRecord
from harness.errors import StoreError

_HINT = "Is it a run file?"
_BEGINNING = b'{"kind":"run",'
_SHOWN = 60
_decode = json.JSONDecoder().raw_decode


class RunLine(NamedTuple):
    """One complete line of a run file: its number from 1, the offset at which it begins, and its bytes."""

    number: int
    offset: int
    content: bytes


def read_run(path: Path) -> Iterator[Record]:
    """Yield the records of one run file in the order written.

    A torn last line (the process died while writing it) is dropped; unknown kinds and keys are ignored. A file without
    any complete line is an empty run: it has no records.

    Raises:
        StoreError: the file cannot be read, a line before the last is not JSON, the schema is another one, or the file
            does not begin as a run file does.
    """
    for line in read_lines(path):
        record = as_record(path, line, parse(path, line))
        if record is not None:
            yield record


def read_header(path: Path) -> RunRecord | None:
    """Return the first record of a run file, and read no more of it; None for an empty run.

    Raises:
        StoreError: as `read_run`, or the first record is not that of a run.
    """
    first = next(read_run(path), None)
    if first is None or isinstance(first, RunRecord):
        return first
    raise StoreError(
        f"{path} is not a run file: its first record is a {first.kind!r}, expected 'run'",
        hint="Late scores in a file of their own are read only with the run that they belong to.",
    )


def begins_as_run_file(beginning: bytes) -> bool:
    """Return whether a file with this beginning, of 200 bytes or all that it has, is a run file.

    That of a run killed within its first record is one, though it has no whole record; an empty file is not.
    """
    if beginning.startswith(b'{"kind":') and b'"lms-harness/' in beginning:
        return True
    return bool(beginning) and b"\n" not in beginning and _is_torn_beginning(beginning)


def read_lines(path: Path, *, after: int = 0, offset: int = 0) -> Iterator[RunLine]:
    """Yield the complete lines of a run file; a torn last one is dropped.

    Args:
        path: of the file.
        after: how many of its lines were read before.
        offset: where the next one begins.

    Raises:
        StoreError: the file cannot be read, or its only line is torn and does not begin as a run file does.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        # To open a pipe without a writer would wait for ever.
        raise StoreError(f"cannot read {path}: it is not a regular file")
    try:
        with path.open("rb") as file:
            file.seek(offset)
            yield from complete_lines(path, file, after=after, offset=offset)
    except OSError as exc:
        if isinstance(exc, StoreError):
            raise
        raise StoreError(f"cannot read {path}: {exc.strerror}") from exc


def complete_lines(path: Path, file: Iterable[bytes], *, after: int = 0, offset: int = 0) -> Iterator[RunLine]:
    r"""Yield the complete lines of an open run file; a torn last one is dropped.

    Lines end with \n and nothing else: an answer may contain U+2028, at which `str.splitlines` would break it.

    Args:
        path: of the file, for messages.
        file: is read line by line.
        after: how many lines came before.
        offset: where the first line begins.

    Raises:
        StoreError: its only line is torn and does not begin as a run file does.
    """
    for number, content in enumerate(file, after + 1):
        if not content.endswith(b"\n"):
            if number == 1 and not _is_torn_beginning(content):
                raise _not_json(path, RunLine(number, offset, content))
            return
        yield RunLine(number, offset, content)
        offset += len(content)


def parse(path: Path, line: RunLine) -> dict[str, Any]:
    """Return the JSON object in a line: it has our schema, and a kind that may be unknown.

    Raises:
        StoreError: it has not.
    """
    try:
        value = _value(line.content)
    except (ValueError, RecursionError) as exc:
        raise _not_json(path, line) from exc
    schema = value.get("schema") if isinstance(value, dict) else None
    if schema != SCHEMA:
        place = f"{path}:{line.number}"
        came = "no such field" if schema is None else repr(schema)[:_SHOWN]
        raise StoreError(f"{place}: expected schema {SCHEMA}, got {came}", hint=_HINT)
    if not isinstance(value.get("kind"), str):
        place = f"{path}:{line.number}"
        raise StoreError(f"{place}: expected the kind of a record, got {repr(value.get('kind'))[:_SHOWN]}")
    return value  # type: ignore[no-any-return]


def _value(content: bytes) -> Any:
    """Return the JSON value of a line, as `json.loads` does.

    Our own lines are UTF-8 from the first byte to the newline; knowing that saves a quarter of the time.
    """
    if content.startswith(b"{"):
        text = content.decode("utf-8", "surrogatepass")
        value, end = _decode(text)
        if end == len(text) - 1:
            return value
    return json.loads(content)


def as_record(path: Path, line: RunLine, value: dict[str, Any]) -> Record | None:
    """Return the record that a parsed line holds; None for an unknown kind.

    Raises:
        StoreError: a field is missing or has the wrong type.
    """
    kind = Kinds.by_name.get(value["kind"])
    if kind is None:
        return None
    try:
        return kind.model_validate(value)
    except ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StoreError(f"{path}:{line.number}: {value['kind']} record: {where}: {first['msg']}") from exc


def _is_torn_beginning(content: bytes) -> bool:
    """Return whether this is what a run leaves that is killed within its first record: an empty run."""
    return _BEGINNING.startswith(content[: len(_BEGINNING)])


def _not_json(path: Path, line: RunLine) -> StoreError:
    return StoreError(
        f"{path}:{line.number}: expected one JSON object a line, got {line.content[:_SHOWN]!r}", hint=_HINT
    )
