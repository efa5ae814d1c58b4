"""Making text that came from a model or a server safe to print."""

import re
import unicodedata

# Blanks, but no line ends: a million of those would take a million squared steps.
_WORKFLOW_COMMAND = re.compile(r"(?m)^([^\S\n]*)::")
# The older form, which GitHub and Azure read anywhere in a line: ##[command], ##vso[command]. The space goes before
# the bracket, so that a text in pieces needs no piece held back for it.
_OLDER_COMMAND = re.compile(r"(##(?:vso)?)\[", re.IGNORECASE)
_LONGEST_OPENING = len("##vso")
_KEPT = {"\n", "\t"}
_PLAIN = re.compile(r"[\x20-\x7e\n\t]*")


def printable(text: str, *, limit: int | None = None, longest_line: int | None = None) -> str:
    """Return `text` with control characters escaped and CI workflow commands disarmed.

    A model may write terminal escapes or a line such as `::set-output`; neither may act where its answer is shown.

    Args:
        text: from anywhere.
        limit: longest result in characters; what is cut is marked with an ellipsis.
        longest_line: the same for each line.
    """
    if longest_line is not None:
        text = "\n".join(_cut(line, longest_line) for line in text.split("\n"))
    shown = _OLDER_COMMAND.sub(r"\1 [", _WORKFLOW_COMMAND.sub(r"\1: :", _escaped(text)))
    return shown if limit is None else _cut(shown, limit)


def skipped(path: str, why: str) -> str:
    """Return the line about a run file that is left out; most reasons name the file, so it is not named again."""
    return f"Skipped {why}" if why.startswith(f"{path}:") else f"Skipped {path}: {why}"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def disarmed_json(text: str) -> str:
    """Return JSON in ASCII without CI workflow commands; it still means the same."""
    return text.replace("##", "#\\u0023")  # `#` only occurs in strings, where it may be escaped.


class PrintablePieces:
    """Makes text safe that comes in pieces: what is shown in the end is what `printable` makes of the whole.

    Only a colon at the beginning of a line is held back, until it is known whether another one follows.
    """

    def __init__(self) -> None:
        self._is_line_start = True
        self._has_colon = False
        self._last = ""

    def add(self, piece: str) -> str:
        """Return what can be shown now."""
        return "".join(self._next(character) for character in _escaped(piece))

    def end(self) -> str:
        """Return what was held back."""
        held, self._has_colon = ":" * self._has_colon, False
        return held

    def _next(self, character: str) -> str:
        opens_command = character == "[" and self._last.endswith(("##", "##vso"))
        self._last = (self._last + character.lower())[-_LONGEST_OPENING:]
        if character == ":" and self._is_line_start:
            if not self._has_colon:
                self._has_colon = True
                return ""
            self._has_colon = self._is_line_start = False
            return ": :"
        is_indent = self._is_line_start and not self._has_colon and character.isspace()
        self._is_line_start = character == "\n" or is_indent
        return self.end() + (" [" if opens_command else character)


def one_line(text: str, *, limit: int) -> str:
    """Return `printable` text on one line."""
    return printable(" ".join(text.split()), limit=limit)


def task_label(task: str, *, limit: int) -> str:
    """Return a task's name, `printable` and on one line. Of a test's node id that is too long the end stays."""
    name = one_line(task, limit=len(task) * 8 + 8)  # An escaped character takes up to eight.
    if len(name) <= limit:
        return name
    return f"…{name[1 - limit :]}" if "::" in name else _cut(name, limit)


def _escaped(text: str) -> str:
    if _PLAIN.fullmatch(text):  # Nearly all text, and a hundred times faster than looking at each character.
        return text
    return "".join(
        character if character in _KEPT or not _acts(character) else character.encode("unicode_escape").decode()
        for character in text
    )


def _acts(character: str) -> bool:
    # Cc: control; Cf: format, among them the bidirectional overrides that make text read as something else.
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
