"""Making text that came from a model or a server safe to print."""

import re
import unicodedata

_WORKFLOW_COMMAND = re.compile(r"(?m)^(\s*)::")
# The older form, which GitHub and Azure read anywhere in a line: ##[command], ##vso[command].
_OLDER_COMMAND = re.compile(r"##(?=\[|vso\[)", re.IGNORECASE)
_KEPT = {"\n", "\t"}


def printable(text: str, *, limit: int | None = None) -> str:
    """Return `text` with control characters escaped and CI workflow commands disarmed.

    A model may write terminal escapes or a line such as `::set-output`; neither may act where its answer is shown.

    Args:
        text: from anywhere.
        limit: longest result in characters; what is cut is marked with an ellipsis.
    """
    shown = _OLDER_COMMAND.sub("# #", _WORKFLOW_COMMAND.sub(r"\1: :", _escaped(text)))
    return shown if limit is None or len(shown) <= limit else shown[: limit - 1] + "…"


class PrintablePieces:
    """Makes text safe that comes in pieces: what is shown in the end is what `printable` makes of the whole.

    Only a colon at the beginning of a line is held back, until it is known whether another one follows.
    """

    def __init__(self) -> None:
        self._is_line_start = True
        self._has_colon = False

    def add(self, piece: str) -> str:
        """Return what can be shown now."""
        return "".join(self._next(one) for one in _escaped(piece))

    def end(self) -> str:
        """Return what was held back."""
        held, self._has_colon = ":" * self._has_colon, False
        return held

    def _next(self, one: str) -> str:
        if one == ":" and self._is_line_start:
            if not self._has_colon:
                self._has_colon = True
                return ""
            self._has_colon = self._is_line_start = False
            return ": :"
        self._is_line_start = one == "\n" or (self._is_line_start and not self._has_colon and one.isspace())
        return self.end() + one


def one_line(text: str, *, limit: int) -> str:
    """Return `printable` text on one line."""
    return printable(" ".join(text.split()), limit=limit)


def _escaped(text: str) -> str:
    return "".join(one if one in _KEPT or not _acts(one) else one.encode("unicode_escape").decode() for one in text)


def _acts(character: str) -> bool:
    # Cc: control; Cf: format, among them the bidirectional overrides that make text read as something else.
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
