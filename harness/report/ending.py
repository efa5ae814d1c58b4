"""The end of a run: how long a person waits for each model, and then, on one screen, who takes which task and what went
wrong; the tables only on request.
"""

import shlex
from collections.abc import Iterator
from pathlib import Path

from harness.domain.record import SummaryRecord
from harness.domain.score import REVIEW
from harness.report.answer import TaskAnswer, render_answers
from harness.report.figure import metrics_line
from harness.report.latency.tables import tables as latency_tables
from harness.report.latency.waiting import render_waits
from harness.report.layout import paragraph, text_width
from harness.report.table import named, notes, render, skips
from harness.report.text import printable
from harness.settings.name import setting
from harness.store.run_file import RunFile
from harness.verdict.supply import Supply
from harness.verdict.task_choice import choices_of, rule_of

_REACHED = {"better": "reached", "not worse": "reached", "worse": "missed"}


def render_ending(
    seen: RunFile, *, width: int | None = None, is_detailed: bool = False, supply: Supply | None = None
) -> str:
    """Return what a run ends with: waits, the answer for each task, what was lost or missed, and notes on the figures.

    The waits stand above the answers, which thus remain on the last screen. A run without answers has only its tables.

    Args:
        seen: the run.
        width: of the terminal, in columns; None: unlimited.
        is_detailed: add every table and verdict.
        supply: how many items the tasks can give; None: any number.
    """
    choices = choices_of(seen, supply)
    prose_width = text_width(width)
    waits = render_waits(seen, width=prose_width)
    if not choices:
        return "\n\n".join(filter(None, [waits, render(seen, width=width)]))
    answers = render_answers(
        [TaskAnswer.of(found) for found in choices],
        rule_of(seen.header, ""),
        width=width,
        is_load_explained=bool(waits),
    )
    answers = "\n\n".join(
        [*filter(None, [waits]), answers, *(paragraph(line, prose_width, indent=2) for line in _metrics(seen))]
    )
    if is_detailed:
        return f"{answers}\n\n{render(seen, width=width)}"
    faults = [*(paragraph(line, prose_width, indent=2) for line in _faults(seen)), *skips(seen.skips, prose_width)]
    remarks = "\n".join(paragraph(f"Note: {printable(note)}", prose_width) for note in notes(seen))
    measured = latency_tables(seen, width=prose_width)
    return "\n\n".join(filter(None, [answers, *measured, "\n".join(faults), remarks]))


def how_to_see_more(seen: RunFile) -> str:
    """Return the commands that make a page of the run, and show its worst samples and the tables behind the answers."""
    if not seen.summaries:
        return ""
    path = printable(shlex.quote(str(seen.path)))
    return f"More: lms-harness report {path}; lms-harness show --failed {path}; lms-harness choose --details {path}"


def how_to_resume(seen: RunFile) -> str:
    """Return how to resume a run that was interrupted; "" for one that came to its end."""
    if seen.end is None or not seen.end.interrupted:
        return ""
    return f"Interrupted: run again with {setting('resume', shlex.quote(str(seen.path)))} to ask only what is missing."


def how_to_see_worst(path: Path, cell: SummaryRecord, *, outcome: str = "") -> str:
    """Return the command that shows the worst three samples of a cell, or three that ended so."""
    words = ["lms-harness", "show", str(path), "--task", cell.task, "--model", cell.model_key, "--limit", "3"]
    return printable(shlex.join([*words, *(("--outcome", outcome) if outcome else ())]))


def _metrics(seen: RunFile) -> Iterator[str]:
    """Yield the figures of public formats as their papers report them, a line for each task and model."""
    for cell in seen.summaries:
        if cell.metrics:
            yield printable(f"{cell.task}, {cell.model_key}: {metrics_line(cell.metrics)}")


def _faults(seen: RunFile) -> Iterator[str]:
    for what, is_reviewed in (("Lost answers", False), ("Not graded yet", True)):
        cells = [
            f"{cell.model_key} {cell.task} ({cell.unscored} of {cell.answers})"
            for cell in seen.summaries
            if cell.unscored and (cell.scorer == REVIEW) is is_reviewed
        ]
        if cells:
            yield f"{what}: {named(cells)}"
    by_verdict: dict[str, list[str]] = {}
    for record in seen.comparisons:
        if record.floor is not None:
            verdict = _REACHED.get(record.verdict, record.verdict)
            by_verdict.setdefault(verdict, []).append(f"{record.model_key} {record.task} ({record.floor:g})")
    for verdict in ("missed", "not decided", "reached"):
        if verdict in by_verdict:
            yield f"Floor {verdict}: {named(by_verdict[verdict])}"
