"""As much of a terminal as the live view uses: what a person would see."""

import re

_PIECE = re.compile(r"\x1b\[\?25(?P<cursor>[hl])|\x1b\[(?P<number>\d*)(?P<move>[AGJm])|\x1b\[[\d;]*m|(?P<text>[^\x1b])")


class Screen:
    """Lines of text and a cursor. Anything that it does not know fails the test."""

    def __init__(self, columns: int = 80) -> None:
        self.columns = columns
        self.lines = [""]
        self.row = self.column = 0
        self.is_cursor_shown = True

    def feed(self, text: str) -> None:
        """Show what was written."""
        end = 0
        for piece in _PIECE.finditer(text):
            assert piece.start() == end, repr(text[end : piece.start()])
            end = piece.end()
            if piece["cursor"]:
                self.is_cursor_shown = piece["cursor"] == "h"
            elif piece["move"]:
                self._move(piece["move"], int(piece["number"] or 0))
            elif piece["text"]:
                self._print(piece["text"])
        assert end == len(text), repr(text[end:])

    def resize(self, columns: int) -> None:
        """Break longer lines as terminals do; the cursor stays behind the same character."""
        before = self.lines[: self.row + 1]
        rows = [max(1, -(-len(line) // columns)) for line in before]
        self.lines = [
            line[start : start + columns] for line in self.lines for start in range(0, max(1, len(line)), columns)
        ]
        self.row, self.column, self.columns = sum(rows) - 1, self.column % columns, columns

    @property
    def text(self) -> str:
        """All lines, without blanks and empty lines at the end."""
        return "\n".join(line.rstrip() for line in self.lines).rstrip("\n")

    def _move(self, move: str, number: int) -> None:
        if move == "A":
            self.row = max(0, self.row - (number or 1))
        elif move == "G":
            self.column = number - 1
        elif move == "J":
            self.lines = [*self.lines[: self.row], self.lines[self.row][: self.column]]

    def _print(self, character: str) -> None:
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.row, self.column = self.row + 1, 0
            if self.row == len(self.lines):
                self.lines.append("")
        else:
            assert self.column < self.columns, "a line is wider than the terminal"
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[: self.column] + character + line[self.column + 1 :]
            self.column += 1
