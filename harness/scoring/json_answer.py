"""Finds the JSON object in an answer: bare, fenced, or with prose around it."""

import json
import re
from typing import Any

from harness.scoring.text import bounded, without_thinking

_MAX_CANDIDATES = 50
_FENCE = re.compile(r"```[a-zA-Z]*\n?")
# A string counts as one token, so that braces within it do not; an unclosed one ends with its line, as JSON has no line
# end within a string. The closing quote is optional: a pattern that could fail would make hostile quotes quadratic.
_TOKEN = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"?|[{}]')


def find_object(output: str) -> dict[str, Any] | None:
    """Return the last complete JSON object of an answer, or None.

    The last one, because models that reason aloud end with their answer; an object inside another one is not taken.
    Fenced blocks and prose are treated alike. Only the last 50 candidates are tried.
    """
    output = bounded(output)
    # An answer that is nothing but an object may hold `<think>` or a fence in its strings.
    if (value := _object(output)) is not None:
        return value
    text = _FENCE.sub("\n", without_thinking(output))
    for start, end in reversed(_outermost(text)[-_MAX_CANDIDATES:]):
        if (value := _object(text[start:end])) is not None:
            return value
    return None


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _outermost(text: str) -> list[tuple[int, int]]:
    """Return start and end of every balanced `{…}` that lies in no other one, in one pass."""
    open_at: list[int] = []
    spans: list[tuple[int, int]] = []
    for token in _TOKEN.finditer(text, max(0, text.find("{"))):
        if token[0] == "{":
            open_at.append(token.start())
        elif token[0] == "}" and open_at:
            start = open_at.pop()
            while spans and spans[-1][0] > start:
                spans.pop()
            spans.append((start, token.end()))
    return spans


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
