r"""Finds the JSON in an answer: bare, fenced, or with prose around it; near-JSON too, where a scorer asks for it.

Near-JSON is read by json-repair. Of 37 broken texts of the kinds that models print (trailing commas, single quotes,
None and True, comments, raw newlines, a missing bracket, unescaped quotes, `\boxed{…}`) it read 31 as meant, demjson3
11 and json5 10 (2026-11-28, versions 0.64, 3.0 and 0.17).
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from harness.scoring.answer import final_answer
from harness.scoring.bound import bounded
from harness.scoring.pattern import lazy_pattern
from harness.scoring.text import visible

MAX_DEPTH = 100
"""JSON that is nested deeper does not count as JSON: no task wants it."""

_MAX_CANDIDATES = 50
_MAX_MENDED = 3
# json-repair is quadratic in the worst case: 0.5 s for 5,000 characters of `"a"{"a":1}`, 7.5 s for 20,000.
_MAX_MENDED_CHARS = 5_000
_MAX_MENDED_DEPTH = 20
_FENCE = lazy_pattern(r"```[a-zA-Z]{0,20}\n?")
# A string counts as one token, so that braces within it do not; an unclosed one ends with its line, as JSON has no line
# end within a string. The closing quote is optional: a pattern that could fail would make hostile quotes quadratic.
_TOKEN = lazy_pattern(r'"(?:[^"\\\n]|\\[^\n])*"?|[][{}]')
_CLOSED_BY = {"{": "}", "[": "]"}
_NOT_A_NUMBER = lazy_pattern(r"(?<=[:\[,\s])(?:NaN|undefined|[-+]?Infinity)(?=[,}\]\s])")
_MISSING = object()


class Placed(NamedTuple):
    """A JSON value in a text, from `start` to before `end`."""

    start: int
    end: int
    value: dict[str, Any] | list[Any]


def find_object(output: str) -> dict[str, Any] | None:
    """Return the last complete JSON object of an answer, or None.

    The last one, because models that reason aloud end with their answer; an object inside another does not count.
    Fenced blocks and prose are treated alike. Only the last 50 candidates are tried.
    """
    value = _find(output, "{")
    return value if isinstance(value, dict) else None


def find_list(output: str) -> list[Any] | None:
    """Return the last complete JSON list of an answer that is not inside another, or None."""
    value = _find(output, "[")
    return value if isinstance(value, list) else None


def find_json(output: str) -> dict[str, Any] | list[Any] | None:
    """Return the object or list that an answer is or ends with, or None; a list's objects belong to the list."""
    value = _find(output, "{[")
    return value if isinstance(value, dict | list) else None


def find_values(output: str) -> tuple[str, list[Placed]]:
    """Return the text without thoughts and fences, and the JSON objects and lists in it that are not inside another.

    Only the last 50 candidates are tried.
    """
    # An answer that is nothing but JSON may have `<think>` or a fence in its strings.
    if (value := _loaded(whole := bounded(output), "{[")) is not None:
        return whole, [Placed(0, len(whole), value)]
    text = _FENCE.sub("\n", visible(output))
    spans = ((start, end, _loaded(text[start:end], "{[")) for start, end in _outermost(text, "{[")[-_MAX_CANDIDATES:])
    return text, [Placed(start, end, value) for start, end, value in spans if value is not None]


def find_scalar(output: str) -> tuple[Any] | None:
    """Return the JSON text, number, boolean or null that an answer or its final answer is, in a tuple, or None."""
    text = visible(output)
    for part in (_FENCE.sub("\n", text).strip(), final_answer(output)):
        value = _scalar(part)
        if value is not _MISSING:
            return (value,)
    return None


def find_loose_json(output: str, kind: type) -> Any:
    """Return the object (`kind` dict) or list that near-JSON in an answer means, or None; NaN is null.

    The last complete spans of brackets are tried first, then the text from the first bracket on, whose end may be
    missing; at most about 5,000 characters in all.
    """
    text = _FENCE.sub("\n", visible(output))
    opening = "{" if kind is dict else "{["
    left = _MAX_MENDED_CHARS**2
    for part in _loose_candidates(text, opening):
        if (left := left - len(part) ** 2) < 0:
            return None
        value = _mended(part)
        if isinstance(value, kind) and value and not is_nested_deeper(value, MAX_DEPTH):
            return value
    return None


def is_nested_deeper(value: Any, limit: int) -> bool:
    """Return whether objects and lists are nested more than `limit` deep."""
    level = [value]
    for _ in range(limit + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _find(output: str, opening: str) -> Any:
    output = bounded(output)
    # An answer that is nothing but JSON may have `<think>` or a fence in its strings.
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


def _scalar(text: str) -> Any:
    if text.startswith(("{", "[")):
        return _MISSING
    try:
        return json.loads(text, parse_constant=_refuse)
    except ValueError:
        return _MISSING


def _loose_candidates(text: str, opening: str) -> Iterator[str]:
    for start, end in reversed(_outermost(text, opening)[-_MAX_MENDED:]):
        yield text[start:end]
    start = min((at for at in map(text.find, opening) if at >= 0), default=len(text))
    yield text[start:].rstrip()


def _mended(text: str) -> Any:
    """Return what json-repair makes of a text, or None where it is too deep to be meant as an answer."""
    depth = deepest = 0
    for bracket in re.findall(r"[][{}]", text):
        depth += 1 if bracket in "{[" else -1
        deepest = max(deepest, depth)
    if deepest > _MAX_MENDED_DEPTH:
        return None
    import json_repair  # only for answers that are not JSON

    try:
        return json_repair.loads(_NOT_A_NUMBER.sub("null", text), skip_json_loads=True)
    except (ValueError, RecursionError):
        return None


def _outermost(text: str, opening: str) -> list[tuple[int, int]]:
    """Return start and end of every balanced span of these brackets that is not inside another, in one pass."""
    open_at: list[tuple[str, int]] = []
    spans: list[tuple[int, int]] = []
    closing = {_CLOSED_BY[bracket] for bracket in opening}
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
    raise ValueError(f"{constant} is not JSON")
