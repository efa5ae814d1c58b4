"""The only way into run files."""

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from harness.domain.record import SCHEMA, Kinds, Record
from harness.errors import StoreError

_HINT = "Is it a run file?"
_BEGINNING = b'{"kind":"run",'


def read_run(path: Path) -> Iterator[Record]:
    """Yield the records of one run file in the order written.

    A torn last line (the process died while writing it) is dropped; unknown kinds and keys are passed over.

    Raises:
        StoreError: the file cannot be read, a line before the last is no JSON, the schema is another one, or it
            begins as no run file does.
    """
    for number, line in enumerate(_lines(path), 1):
        if not line.endswith(b"\n"):
            if number == 1 and not _BEGINNING.startswith(line[: len(_BEGINNING)]):
                raise StoreError(f"{path}:1: expected one JSON object a line, got {line[:60]!r}", hint=_HINT)
            return
        record = _parse(path, number, line)
        if record is not None:
            yield record


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as exc:
        raise StoreError(f"cannot read {path}: {exc.strerror}") from exc


def _parse(path: Path, number: int, line: bytes) -> Record | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as exc:
        raise StoreError(f"{path}:{number}: expected one JSON object a line, got {line[:60]!r}", hint=_HINT) from exc
    schema = value.get("schema") if isinstance(value, dict) else None
    if schema != SCHEMA:
        raise StoreError(f"{path}:{number}: expected schema {SCHEMA}, got {repr(schema)[:60]}", hint=_HINT)
    if not isinstance(value.get("kind"), str):
        raise StoreError(f"{path}:{number}: expected the kind of a record, got {repr(value.get('kind'))[:60]}")
    kind = Kinds.by_name.get(value["kind"])
    if kind is None:
        return None
    try:
        return kind.model_validate(value)
    except ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StoreError(f"{path}:{number}: {value['kind']} record: {where}: {first['msg']}") from exc
