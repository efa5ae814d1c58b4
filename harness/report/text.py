"""Making text that came from a model or a server safe to print."""

import re
import unicodedata

_WORKFLOW_COMMAND = re.compile(r"(?m)^(\s*)::")
_KEPT = {"\n", "\t"}


def printable(text: str, *, limit: int | None = None) -> str:
    """Return `text` with control characters escaped and CI workflow commands disarmed.

    A model may write terminal escapes or a line such as `::set-output`; neither may act where its answer is shown.

    Args:
        text: from anywhere.
        limit: longest result in characters; what is cut is marked with an ellipsis.
    """
    shown = "".join(one if one in _KEPT or not _acts(one) else one.encode("unicode_escape").decode() for one in text)
    shown = _WORKFLOW_COMMAND.sub(r"\1: :", shown)
    return shown if limit is None or len(shown) <= limit else shown[: limit - 1] + "…"


def one_line(text: str, *, limit: int) -> str:
    """Return `printable` text on one line."""
    return printable(" ".join(text.split()), limit=limit)


def _acts(character: str) -> bool:
    # Cc: control; Cf: format, among them the bidirectional overrides that make text read as something else.
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
