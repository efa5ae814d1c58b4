"""Reads stored outputs for a scorer: from our run files, and from any JSONL, JSON array or CSV file."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from harness.domain.candidate import Candidate
from harness.domain.generation import Outcome
from harness.domain.record import SampleRecord
from harness.domain.sample import Json
from harness.errors import StoreError, TaskError
from harness.store.reader import complete_lines, parse
from harness.store.row import read_rows, short
from harness.store.small_value import strata_of
from harness.store.source import Source, open_source

_MISSING = object()
_NULL_WHERE_LEFT_OUT = [name for name, field in SampleRecord.model_fields.items() if field.default is None]


class CellOfScores(NamedTuple):
    """Which figures an answer belongs to; "" where the file or the user does not tell."""

    model_key: str = ""
    task: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One stored answer.

    Attributes:
        line: of the file, from 1; in a JSON array, the number of the element.
        place: where it stands, for messages.
        output: what the model answered; None where nothing is stored.
        target: the ideal output.
        id: as the file names it, else the line's number.
        cell: model and task in a run file, and the group that the user asked for.
        cluster: what it shares with other items, in a run file.
        outcome: in a run file; None elsewhere.
        run_id, sample_uid: in a run file; "" elsewhere.
    """

    line: int
    place: str
    output: str | None
    target: Json
    cell: CellOfScores
    id: Json = None
    cluster: str = ""
    outcome: Outcome | None = None
    run_id: str = ""
    sample_uid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldPaths:
    """Where the parts of a record are: names, or paths with dots, such as `doc.answer` or `resps.0`.

    Attributes:
        target: of the ideal output.
        output: of the model's answer.
        id: of the item's id; None: the line's number is the id.
        group: of what the figures are told apart by; None: nothing.
        is_json: whether the target is JSON within a text, as in a CSV file.
        labels: all that there are, where the target is only the right one, or a list of the right ones.
        is_set: with `labels`: whether the scorer wants a set of right ones even where there is one.
    """

    target: str
    output: str
    id: str | None = None
    group: str | None = None
    is_json: bool = False
    labels: tuple[str, ...] = ()
    is_set: bool = False


class LacksTarget(TaskError):
    """A sample of a run file has no such target, because its task or its form has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreFields:
    """Rows of another file that complete those of a file with answers.

    Attributes:
        name: of the file.
        match: the field by which a row finds its other half.
        rows: by the value in that field.
    """

    name: str
    match: str
    rows: Mapping[str, dict[str, Any]]


def read_targets(path: Path, match: str) -> MoreFields:
    """Return the rows of a file with targets.

    Raises:
        StoreError: it cannot be read.
        TaskError: a row cannot be used, or two have the same value in the field.
    """
    rows: dict[str, dict[str, Any]] = {}
    with open_source(path) as source:
        for row in read_rows(source, columns={match}):
            if isinstance(row.content, str):
                raise TaskError(f"{row.place}: {row.content}")
            try:
                key = json.dumps(_at(row.content, match, "--match"))
            except TaskError as exc:
                raise TaskError(f"{row.place}: {exc.message}", hint=exc.hint) from exc
            if rows.setdefault(key, row.content) is not row.content:
                raise TaskError(f"{row.place}: field {match}: another row has the same: {short(key)}")
    return MoreFields(name=str(path), match=match, rows=rows)


def _completed(row: dict[str, Any], more: MoreFields | None) -> dict[str, Any]:
    if more is None:
        return row
    key = json.dumps(_at(row, more.match, "--match"))
    if key not in more.rows:
        raise TaskError(f"field {more.match}: {more.name} has no row with {short(key)}")
    return {**more.rows[key], **row}


def read_stored(source: Source, fields: FieldPaths, more: MoreFields | None = None) -> Iterator[Stored | TaskError]:
    """Yield the answers of a file, and an error for each line that cannot be used.

    With `more`, each row has the fields of its other half too.

    Raises:
        StoreError: the file cannot be read, or is not UTF-8, or a column of a CSV file stands there twice.
    """
    paths = (fields.target, fields.output, fields.id, fields.group, more.match if more else None)
    for row in read_rows(source, columns={path for path in paths if path is not None}):
        try:
            if isinstance(row.content, str):
                raise TaskError(row.content)  # noqa: TRY301  (so that all errors of a line get the same prefix)
            content = _completed(row.content, more)
            output, target = _output(content, fields), _target(content, fields)
            yield Stored(
                line=row.number,
                place=row.place,
                output=output,
                target=target,
                id=row.number if fields.id is None else _at(content, fields.id, "--id-field"),
                cell=CellOfScores(group=_group(content, fields)),
            )
        except TaskError as exc:
            yield TaskError(f"{row.place}: {exc.message}", hint=exc.hint)


def read_samples(source: Source, fields: FieldPaths, *, tasks: Collection[str] = ()) -> Iterator[Stored | TaskError]:
    """Yield the samples of a run file, only those of `tasks` if some are named. An incomplete last line is skipped.

    A sample without such a target is a `LacksTarget`.

    Raises:
        StoreError: the file cannot be read, or is an empty run.
    """
    path, run_id = source.path, None
    for line in complete_lines(path, source.file):
        try:
            record = parse(path, line)
        except StoreError as exc:
            yield TaskError(exc.message, hint=exc.hint)
            continue
        run_id = str(record.get("run_id", "")) if run_id is None else run_id
        if record["kind"] == "sample" and (not tasks or record.get("task") in tasks):
            place = f"{source.name}:{line.number}"
            try:
                yield _sample(line.number, place, record, fields, run_id)
            except LacksTarget as exc:
                yield LacksTarget(f"{place}: {exc.message}", hint=exc.hint)
            except TaskError as exc:
                yield TaskError(f"{place}: {exc.message}", hint=exc.hint)
            except (KeyError, ValueError) as exc:
                yield TaskError(f"{place}: not a sample record: {exc}")
    if run_id is None:
        raise StoreError(f"{source.name} is an empty run: it died before its first record was written")


def _sample(line: int, place: str, record: dict[str, Any], fields: FieldPaths, run_id: str) -> Stored:
    record |= {name: None for name in _NULL_WHERE_LEFT_OUT if name not in record}
    output = _output(record, fields)
    try:
        target = _at(record, fields.target, "--target-field")
    except TaskError as exc:
        raise LacksTarget(exc.message, hint=exc.hint) from exc
    return Stored(
        line=line,
        place=place,
        output=output,
        target=_read_target(target, fields),
        id=str(record["item_id"]),
        cell=CellOfScores(_candidate(record), str(record["task"]), _group(record, fields)),
        cluster=strata_of(record)[1],
        outcome=Outcome(record["outcome"]),
        run_id=run_id,
        sample_uid=str(record["sample_uid"]),
    )


def _candidate(record: dict[str, Any]) -> str:
    key, level = str(record["model_key"]), record.get("reasoning_level")
    return key if level is None else Candidate(key, str(level))


def _output(record: dict[str, Any], fields: FieldPaths) -> str | None:
    output = _at(record, fields.output, "--output-field")
    if output is not None and not isinstance(output, str):
        raise TaskError(f"field {fields.output}: expected text or null, got {short(json.dumps(output))}")
    return output


def _target(record: dict[str, Any], fields: FieldPaths) -> Json:
    return _read_target(_at(record, fields.target, "--target-field"), fields)


def _read_target(target: Json, fields: FieldPaths) -> Json:
    """Return the target as the scorer wants it.

    Raises:
        TaskError: it is not JSON, or neither a label nor a list of labels.
    """
    if fields.is_json:
        try:
            target = json.loads(target)
        except (TypeError, ValueError, RecursionError):
            raise TaskError(f"field {fields.target}: expected JSON, got {short(str(target))}") from None
    if not fields.labels:
        return target
    if isinstance(target, list):
        return {"right": [_label(label, fields) for label in target], "labels": list(fields.labels)}
    right = _label(target, fields)
    return {**({"right": [right]} if fields.is_set else {"label": right}), "labels": list(fields.labels)}


def _label(value: Json, fields: FieldPaths) -> str:
    label = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else None
    if label not in fields.labels:
        got = short(json.dumps(value, ensure_ascii=False))
        raise TaskError(f"field {fields.target}: expected one of the labels {', '.join(fields.labels)}, got {got}")
    return label


def _group(record: dict[str, Any], fields: FieldPaths) -> str:
    if fields.group is None:
        return ""
    value = _at(record, fields.group, "--by")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _at(record: dict[str, Any], path: str, option: str) -> Json:
    """Return what is at a path. A field whose name is the whole path, dots included, is preferred.

    Args:
        record: a row, or a sample of a run file.
        path: of the field.
        option: that names the field, for messages.

    Raises:
        TaskError: there is no such field.
    """
    if path in record:
        return record[path]
    if path == ".":
        return record
    value: Any = record
    for name in path.split("."):
        if isinstance(value, dict):
            value = value.get(name, _MISSING)
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            value = _MISSING
        if value is _MISSING:
            raise TaskError(
                f"there is no field {path}; the fields are {short(', '.join(map(str, record)))}",
                hint=f"Name another field with {option}.",
            )
    return value
