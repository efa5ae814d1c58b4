"""Answers for a person to grade: written as CSV, and their grades read back into the run file.

The rows do not say which model answered, and the answers to one prompt stand together in random order, so that the
grades cannot favour a model. A spreadsheet may take a cell that begins with = + - @ for a formula, and run it: such
cells get an apostrophe.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from harness.clock import Clock, timestamp
from harness.command.rescore import append_scores
from harness.domain.record import SampleRecord, ScoreRecord
from harness.errors import SettingsError, TaskError
from harness.own_task.order import draw
from harness.own_task.review import Review
from harness.report.spreadsheet import inert
from harness.store.row import Row, read_rows, short
from harness.store.run_file import RunFile
from harness.store.source import open_source
from harness.store.writer import write_new

COLUMNS = ("answer_id", "task", "system_prompt", "prompt", "answer", "grade", "note")
_PREFIX = "answer-"  # A spreadsheet would take an id of digits alone for a number.
_GRADE = re.compile(r"(?:0|1)(?:[.,][0-9]{1,6})?|[.,][0-9]{1,6}")
_MOST_ERRORS = 5
_EXPECTED = "Expected the file as --review wrote it, with a grade from 0 to 1 in each row, or none."


class Graded(NamedTuple):
    """What became of a file of grades: how many answers have one now, and how many rows have none."""

    graded: int
    left: int


def write_review(path: Path, target: Path, *, is_shared: bool = False) -> int:
    """Write the answers of a run that a person is to grade; return how many.

    Args:
        path: of the run file.
        target: the new CSV file.
        is_shared: let other users of this machine read it, as far as the umask does.

    Raises:
        SettingsError: the run has no such answers.
        StoreError: a file cannot be read or written.
    """
    run = RunFile.read(path)
    found = sorted(_to_grade(run), key=_place)
    if not found:
        raise SettingsError(
            f"{path} has no answers that a person is to grade",
            hint='Set scorer = "review" in the definition of an own task, and run it.',
        )
    lines = StringIO()
    # All in quotes: Python writes a lone \r without, and there a spreadsheet begins a row, perhaps with a formula.
    writer = csv.writer(lines, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    for record in found:
        prompt = run.prompt(record)
        asked = "" if prompt is None else "\n\n".join([*prompt.turns, prompt.prompt])
        system = "" if prompt is None else prompt.system_prompt or ""
        cells = (record.task, system, asked, record.output_text)
        writer.writerow([f"{_PREFIX}{record.sample_uid}", *map(inert, cells), "", ""])
    write_new(target, [lines.getvalue().removesuffix("\n")], is_shared=is_shared)
    return len(found)


def read_grades(path: Path, grades: Path, *, clock: Clock) -> Graded:
    """Append the grades of a file to the run file whose answers they are for.

    Args:
        path: of the run file.
        grades: as `write_review` wrote it, with grades.
        clock: for the time of the records.

    Raises:
        StoreError: a file cannot be read or written, or the run is still going.
        TaskError: rows cannot be used; names up to five of them.
    """
    run = RunFile.read(path)
    known = {record.sample_uid: record for record in _to_grade(run)}
    scorer, at = Review(), timestamp(clock.now())
    found: dict[str, ScoreRecord] = {}
    left, wrong = 0, list[str]()
    with open_source(grades) as source:
        for row in read_rows(source, columns=COLUMNS):
            try:
                uid, grade, note = _grade(row, known)
                if uid in found:
                    raise ValueError("this answer has a grade already, further up")  # noqa: TRY301
            except ValueError as exc:
                wrong.append(f"{row.place}: {exc}")
                if len(wrong) == _MOST_ERRORS:
                    break
                continue
            if grade is None:
                left += 1
                continue
            found[uid] = ScoreRecord(
                run_id=run.run.run_id,
                at=at,
                sample_uid=uid,
                scorer=scorer.name,
                scorer_version=scorer.version,
                value=grade,
                passed=grade == 1,
                reason=note,
            )
    if wrong:
        raise TaskError("\n".join(wrong), hint=_EXPECTED)
    if not found:
        raise TaskError(f"{grades} has no grades", hint=_EXPECTED)
    append_scores(path, found.values())
    return Graded(len(found), left)


def _place(record: SampleRecord) -> tuple[str, int, str, float]:
    """Return where an answer stands: as the rows of the data do, and beside the others to the same prompt."""
    row = record.tags.get("row")
    return record.task, row if isinstance(row, int) else 0, record.item_id, draw(0, record.sample_uid)


def _to_grade(run: RunFile) -> Iterator[SampleRecord]:
    """Yield the answers of tasks that a person judges; an answer that failed has its 0 already."""
    judge = Review().name
    for _, sample in run.samples():
        scorer = run.scorer(sample.key.task)
        if scorer is not None and scorer.name == judge and sample.is_counted:
            record = run.sample_record(sample)
            if record.outcome == "ok":
                yield record


def _grade(row: Row, known: Mapping[str, SampleRecord]) -> tuple[str, float | None, str]:
    """Return the uid, the grade and the note of a row.

    Raises:
        ValueError: the row cannot be used.
    """
    if isinstance(row.content, str):
        raise ValueError(row.content)  # noqa: TRY004  (it says what is wrong with the row)
    if missing := [name for name in ("answer_id", "grade") if name not in row.content]:
        raise ValueError(f"there is no column {missing[0]}")
    uid = str(row.content["answer_id"] or "").strip().removeprefix(_PREFIX)
    if uid not in known:
        raise ValueError(f"field answer_id: expected an answer of this run, got {short(uid)!r}")
    text = str(row.content["grade"] if row.content["grade"] is not None else "").strip()
    note = str(row.content.get("note") or "").strip()
    if not text:
        return uid, None, note
    value = float(text.replace(",", ".")) if _GRADE.fullmatch(text) else 2.0
    if value > 1:
        raise ValueError(f"field grade: expected a number from 0 to 1, got {short(text)!r}")
    return uid, value, note
