"""Answers and scores of a page as Markdown, for a pull request or a step summary."""

from collections.abc import Iterable, Sequence

from harness.report.answer import HEADERS
from harness.report.markdown import cut, escaped, markdown_table
from harness.report.page.content import MatrixCell, MatrixRow, Page

MOST_BYTES = 65_000
"""GitHub takes 65,536 characters in a comment."""

_LONGEST_CELL = 120
_LONGEST_SENTENCE = 2000
_LEFT_OUT = "Cut: GitHub takes no more in a comment. `lms-harness report` makes a page of everything."


def render_markdown(page: Page) -> str:
    """Return the answers, then the scores; what does not fit into a comment on GitHub is left out, and it says so."""
    parts = [f"### Who takes which task\n\n{_sentence(page.subtitle)}"]
    if page.answers:
        rows = [(line.task, *line.cells) for line in page.answers]
        parts.append(_table(HEADERS, rows))
        parts += [_sentence(text) for text in (page.summary,) if text]
    else:
        parts.append(_sentence(page.no_answers))
    parts += [f"> {_sentence(note)}" for note in page.notes]
    if page.matrix.rows:
        rows = [(row.task, _chance(row), *map(_score, row.cells)) for row in page.matrix.rows]
        parts.append(f"#### Scores\n\n{_table(('task', 'chance', *page.matrix.models), rows)}")
    if page.legend and page.answers:
        parts.append(_sentence(page.legend))
    return cut("\n\n".join(parts), MOST_BYTES, note=_LEFT_OUT)


def _chance(row: MatrixRow) -> str:
    return "n/a" if row.chance is None else f"{row.chance:.2f}"


def _score(cell: MatrixCell) -> str:
    if not cell.interval and cell.why:
        return cell.why if cell.score == "-" else f"{cell.score} ({cell.why})"
    if not cell.interval:
        return cell.score
    return f"{cell.score} [{cell.interval}], {cell.facts}"


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return markdown_table(_cells(headers), map(_cells, rows))


def _cells(row: Sequence[str]) -> list[str]:
    return [escaped(cell, limit=_LONGEST_CELL) for cell in row]


def _sentence(text: str) -> str:
    return escaped(text, limit=_LONGEST_SENTENCE)
