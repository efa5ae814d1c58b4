"""Markdown of what models, servers and files say: shown as written, whatever it holds."""

import re
from collections.abc import Iterable, Sequence

from harness.report.text import one_line

_MARKS = re.compile(r"([\\`*_{}\[\]()#+!|~$:^=-])")
# GitHub makes links of these without any mark, and tells people whom a text names.
_BEHIND = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "@&#8203;"}
_WWW = re.compile(r"(?i)\b(www)\.")
_LONGEST_CELL = 300
# Most names and sentences. They stay as they are, because the Markdown is also read as text: no mark here can act where
# it stands, and none is first, where it could begin a list or a heading.
_PLAIN = re.compile(
    r"""- | (?!.*\b(?:www\.|gh-\d))  # a link, an issue
    [a-z0-9(] (?: [a-z0-9\ .,;%()\[/+='\u2026-] | \](?![(\[:]) | :(?=\ |$) | (?<=[a-z0-9])_(?=[a-z0-9]) )*""",
    re.IGNORECASE | re.VERBOSE,
)


def escaped(text: str, *, limit: int = _LONGEST_CELL) -> str:
    """Return foreign text as one line of Markdown that shows it and does nothing: no HTML, link, image or mention.

    Args:
        text: from anywhere.
        limit: longest text, in characters before escaping.
    """
    shown = one_line(text, limit=limit)
    if _PLAIN.fullmatch(shown):
        return shown
    marked = _MARKS.sub(r"\\\1", shown)
    return _WWW.sub(r"\1&#46;", "".join(_BEHIND.get(character, character) for character in marked))


def code(text: str, *, limit: int = _LONGEST_CELL) -> str:
    """Return foreign text as one line of code in Markdown."""
    shown = one_line(text, limit=limit)
    fence = "`" * (1 + max(map(len, re.findall(r"`+", shown)), default=0))
    return f"{fence} {shown} {fence}" if len(fence) > 1 else f"`{shown}`"


def markdown_table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, align: Sequence[str] = ()) -> str:
    """Return a table whose cells are Markdown already."""
    rules = {"right": "---:", "left": "---"}
    lines = [headers, [rules[place] for place in align] or ["---"] * len(headers), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cut(text: str, limit_bytes: int, *, note: str) -> str:
    """Return Markdown of at most so many bytes in UTF-8: whole lines, and then why the rest is missing."""
    if len(text.encode()) <= limit_bytes:
        return text
    ending = f"\n\n{note}\n"
    room = max(0, limit_bytes - len(ending.encode()))
    kept = text.encode()[:room].decode(errors="ignore")
    return kept.rpartition("\n")[0] + ending if "\n" in kept else ending[-limit_bytes:]
