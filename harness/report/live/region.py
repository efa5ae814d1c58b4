"""The last lines of a terminal, drawn over and over.

rich's `Live` is not used for this. It wants the whole terminal: it redirects what others print, which pytest captures
already, and it cannot begin behind a line that pytest has not ended. After a resize it erases too few lines, because it
counts those that it drew, not those that the terminal has made of them. And an error in its thread surfaces as one in
the user's tests. What is drawn is laid out by rich.
"""

import os
import re
from collections.abc import Callable, Sequence
from typing import TextIO

from rich.cells import cell_len

from harness.report.live.picture import Screen

_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_ERASE_BELOW = "\x1b[J"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_FALLBACK = Screen(columns=80, rows=24)


def size_of(terminal: TextIO) -> Screen:
    """Return the size of a terminal at this moment."""
    try:
        size = os.get_terminal_size(terminal.fileno())
    except OSError:
        return _FALLBACK
    return Screen(columns=size.columns or _FALLBACK.columns, rows=size.lines or _FALLBACK.rows)


class Region:
    """Lines below everything that was printed. What others print must come while nothing is drawn.

    Args:
        file: writes to the terminal.
        size: returns the terminal's size at this moment.
    """

    def __init__(self, file: TextIO, size: Callable[[], Screen]) -> None:
        self._file = file
        self._size = size
        self._widths: Sequence[int] = ()
        self._column = 0
        self._hides_cursor = False

    def draw(self, lines: Sequence[str], *, column: int = 0) -> None:
        """Replace what is drawn, in one write.

        Args:
            lines: with their colours; none is wider than the terminal.
            column: where the cursor stood before the first drawing: behind a line that is not ended yet.
        """
        before = self._erasing()
        if not self._widths:
            self._column = column
        self._widths = [cell_len(_COLOUR.sub("", line)) for line in lines]
        self._hides_cursor = True
        start = "\n" if self._column else ""
        self._write(before + _HIDE_CURSOR + start + "\n".join(lines))

    def erase(self) -> None:
        """Leave the terminal as it was before anything was drawn."""
        if self._widths:
            before, self._widths = self._erasing(), ()
            self._write(before + _SHOW_CURSOR)
            self._hides_cursor = False

    def close(self) -> None:
        """Erase it for good. The cursor is shown even if Ctrl-C has interrupted an earlier erasing."""
        self.erase()
        if self._hides_cursor:
            self._write(_SHOW_CURSOR)
            self._hides_cursor = False

    def _erasing(self) -> str:
        """Return what moves the cursor back to where it was, and clears what is below."""
        if not self._widths:
            return ""
        columns = self._size().columns
        # A terminal that was made narrower has broken the longer lines in two.
        rows = sum(max(1, -(-width // columns)) for width in self._widths)
        up = rows - 1 + (1 if self._column else 0)
        back = f"\x1b[{self._column % columns + 1}G" if self._column else ""
        return "\r" + (f"\x1b[{up}A" if up else "") + back + _ERASE_BELOW

    def _write(self, text: str) -> None:
        self._file.write(text)
        self._file.flush()
