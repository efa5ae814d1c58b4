"""Answers and scores of a page as Markdown, for a pull request or a step summary."""

import re
from collections.abc import Sequence

from harness.report.answer import HEADERS
from harness.report.page.content import MatrixCell, MatrixRow, Page
from harness.report.text import one_line, printable

MOST_CHARACTERS = 65_000
"""GitHub takes 65,536 in a comment."""

_LONGEST_CELL = 120
# What Markdown and GitHub leave alone: no emphasis, link, mention, issue, address or HTML can come of these.
_PLAIN = re.compile(r"(?!.*(?:://|www\.))[\w .,:;%()\[\]+/=\u2026'-]*", re.ASCII)


def render_markdown(page: Page) -> str:
    """Return the answers, then the scores; what does not fit into a comment on GitHub is left out, and it says so."""
    parts = [f"### Who takes which task\n\n{_inert(page.subtitle)}"]
    if page.answers:
        rows = [(line.task, *line.cells) for line in page.answers]
        parts.append(_table(HEADERS, rows))
        parts += [_inert(text) for text in (page.summary,) if text]
    else:
        parts.append(_inert(page.no_answers))
    parts += [f"> {_inert(note)}" for note in page.notes]
    if page.matrix.rows:
        rows = [(row.task, _chance(row), *map(_score, row.cells)) for row in page.matrix.rows]
        parts.append(f"#### Scores\n\n{_table(('task', 'chance', *page.matrix.models), rows)}")
    if page.legend and page.answers:
        parts.append(_inert(page.legend))
    return _fitting(parts)


def _chance(row: MatrixRow) -> str:
    return "n/a" if row.chance is None else f"{row.chance:.2f}"


def _score(cell: MatrixCell) -> str:
    if not cell.interval:
        return f"{cell.score} ({cell.why})" if cell.why else cell.score
    return f"{cell.score} [{cell.interval}], {cell.facts}"


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join(
        f"| {' | '.join(cell if number == 1 else _inert(one_line(cell, limit=_LONGEST_CELL)) for cell in line)} |"
        for number, line in enumerate(lines)
    )


def _inert(text: str) -> str:
    """Return text that is only text: what could be read as Markdown, HTML or a mention stands as code."""
    shown = printable(" ".join(text.split()))
    if _PLAIN.fullmatch(shown):
        return shown
    # Nothing acts within code but its own mark, and in a table the bar between two cells.
    return "`{}`".format(shown.replace("`", "\u02cb").replace("|", "\\|"))


def _fitting(parts: Sequence[str]) -> str:
    """Return the parts up to the limit, cut at the end of a line."""
    whole = "\n\n".join(parts)
    if len(whole) <= MOST_CHARACTERS:
        return whole
    left_out = "\n\nCut: GitHub takes no more in a comment. `lms-harness report` makes a page of everything."
    kept = whole[: MOST_CHARACTERS - len(left_out)]
    return f"{kept[: kept.rfind(chr(10))]}{left_out}"
