"""Fits tables into the terminal: a table that wraps cannot be read."""

import os
import shutil
import sys
from collections.abc import Sequence
from textwrap import fill

from harness.report.text import one_line, printable

_LEAST_WIDTH = 20
_LONGEST_CELL = 300
_TEXT_WIDTH = 110
_NO_BREAK = "\N{NO-BREAK SPACE}"  # Keeps "5 %" on one line.


def terminal_width() -> int | None:
    """Return $COLUMNS if it is set, else the width of the terminal; None for a file or a pipe, which has no width."""
    if os.environ.get("COLUMNS", "").isdecimal():
        return max(_LEAST_WIDTH, int(os.environ["COLUMNS"]))
    if sys.stdout is None or not sys.stdout.isatty():
        return None
    return max(_LEAST_WIDTH, shutil.get_terminal_size().columns)


def text_width(width: int | None) -> int:
    """Return how wide sentences are printed: as wide as the terminal, at most 110 columns, on a pipe too."""
    return _TEXT_WIDTH if width is None else min(width, _TEXT_WIDTH)


def fits(text: str, width: int | None) -> bool:
    """Return whether every line fits into `width`; with None, every line does."""
    return width is None or all(len(line) <= width for line in text.splitlines())


def table(rows: Sequence[Sequence[object]], *, headers: Sequence[str], align: Sequence[str]) -> str:
    """Return the rows under their headers, in columns as wide as they need; each cell is made safe and one line."""
    from tabulate import tabulate

    cells = [[_cell(cell) for cell in row] for row in rows]
    return tabulate(cells, headers=list(map(_cell, headers)), colalign=tuple(align), disable_numparse=True)


def fitted(rows: Sequence[Sequence[object]], *, headers: Sequence[str], align: Sequence[str], width: int | None) -> str:
    """Return the rows as a table, or as cards where that is wider than `width`."""
    wide = table(rows, headers=headers, align=align)
    return wide if fits(wide, width) else cards(rows, headers=headers, width=width)


def cards(rows: Sequence[Sequence[object]], *, headers: Sequence[str], width: int | None) -> str:
    """Return a block of lines for each row: its first cell as heading, then a line for each other cell with a value."""
    headers = list(map(_cell, headers))
    names = max(map(len, headers[1:]))
    blocks = []
    for first, *cells in ([_cell(cell) for cell in row] for row in rows):
        named = zip(headers[1:], cells, strict=True)
        lines = [paragraph(f"  {name:<{names}}  {cell}", width, indent=names + 4) for name, cell in named if cell != ""]
        blocks.append("\n".join([paragraph(str(first), width), *lines]))
    return "\n\n".join(blocks)


def _cell(value: object) -> str:
    """Return what a cell shows: a line end or 10 MB in a name of a run file must not break the whole table."""
    return one_line(str(value), limit=_LONGEST_CELL)


def prose(text: str, width: int | None, *, indent: int = 0) -> str:
    """Return sentences as a `paragraph` that is no wider than `text_width`."""
    return paragraph(text, text_width(width), indent=indent)


def paragraph(text: str, width: int | None, *, indent: int = 0) -> str:
    """Return text broken into lines of at most `width`, within words if need be; all but the first are indented."""
    if width is None or len(text) <= width:
        return text
    lines = fill(
        text.replace(" %", f"{_NO_BREAK}%"),
        width,
        subsequent_indent=" " * min(indent, width // 2),
        replace_whitespace=False,
        drop_whitespace=True,
        break_on_hyphens=False,
    )
    lines = lines.replace(f"{_NO_BREAK}%", " %")
    return printable(lines)  # Once it is broken into lines, text may begin one of them with a CI command.
