"""Finds the JSON in an answer: bare, fenced, or with prose around it."""

import json
import re
from typing import Any

from harness.scoring.text import bounded, visible

MAX_DEPTH = 100
"""JSON that is nested deeper is none: no task wants it."""

_MAX_CANDIDATES = 50
_FENCE = re.compile(r"```[a-zA-Z]{0,20}\n?")
# A string counts as one token, so that braces within it do not; an unclosed one ends with its line, as JSON has no line
# end within a string. The closing quote is optional: a pattern that could fail would make hostile quotes quadratic.
_TOKEN = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"?|[][{}]')
_CLOSED_BY = {"{": "}", "[": "]"}


def find_object(output: str) -> dict[str, Any] | None:
    """Return the last complete JSON object of an answer, or None.

    The last one, because models that reason aloud end with their answer; an object inside another one is not taken.
    Fenced blocks and prose are treated alike. Only the last 50 candidates are tried.
    """
    value = _find(output, "{")
    return value if isinstance(value, dict) else None


def find_list(output: str) -> list[Any] | None:
    """Return the last complete JSON list of an answer that lies in no other one, or None."""
    value = _find(output, "[")
    return value if isinstance(value, list) else None


def find_json(output: str) -> dict[str, Any] | list[Any] | None:
    """Return the object or list that an answer is or ends with, or None; a list's objects belong to the list."""
    value = _find(output, "{[")
    return value if isinstance(value, dict | list) else None


def is_nested_deeper(value: Any, limit: int) -> bool:
    """Return whether objects and lists are nested more than `limit` deep."""
    level = [value]
    for _ in range(limit + 1):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _find(output: str, opening: str) -> Any:
    output = bounded(output)
    # An answer that is nothing but JSON may hold `<think>` or a fence in its strings.
    if (value := _loaded(output, opening)) is not None:
        return value
    text = _FENCE.sub("\n", visible(output))
    for start, end in reversed(_outermost(text, opening)[-_MAX_CANDIDATES:]):
        if (value := _loaded(text[start:end], opening)) is not None:
            return value
    return None


def _loaded(text: str, opening: str) -> Any:
    if not text.lstrip().startswith(tuple(opening)):
        return None
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return None if is_nested_deeper(value, MAX_DEPTH) else value


def _outermost(text: str, opening: str) -> list[tuple[int, int]]:
    """Return start and end of every balanced span of these brackets that lies in no other one, in one pass."""
    open_at: list[tuple[str, int]] = []
    spans: list[tuple[int, int]] = []
    closing = {_CLOSED_BY[one] for one in opening}
    first = min((at for at in map(text.find, opening) if at >= 0), default=len(text))
    for token in _TOKEN.finditer(text, first):
        if token[0] in opening:
            open_at.append((token[0], token.start()))
        elif token[0] in closing and open_at:
            bracket, start = open_at.pop()
            if _CLOSED_BY[bracket] != token[0]:
                open_at.clear()
                continue
            while spans and spans[-1][0] > start:
                spans.pop()
            spans.append((start, token.end()))
    return spans


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
