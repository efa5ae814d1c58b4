"""Finds the JSON object in an answer: bare, fenced, or with prose around it."""

import json
import re
from typing import Any

from harness.scoring.text import bounded, without_thinking

MAX_NESTING = 100
_MAX_CANDIDATES = 50
_FENCE = re.compile(r"```[a-zA-Z]*\n?")


def find_object(output: str) -> dict[str, Any] | None:
    """Return the last complete JSON object of an answer, or None.

    The last one, because models that reason aloud end with their answer; an object inside another one is not taken.
    Values of fenced blocks and of prose are treated alike. At most 50 objects and 100 levels are looked at.
    """
    text = _FENCE.sub("\n", without_thinking(bounded(output)))
    found: dict[str, Any] | None = None
    for candidate in _spans(text)[-_MAX_CANDIDATES:]:
        try:
            value = json.loads(candidate, parse_constant=_refuse)
        except ValueError:
            continue
        if isinstance(value, dict):
            found = value
    return found


def _spans(text: str) -> list[str]:
    """Return the outermost balanced `{…}` of the text, in one pass; braces within strings do not count."""
    spans: list[str] = []
    depth, start, deepest = 0, 0, 0
    in_string = escaped = False
    for position, one in enumerate(text):
        if in_string:
            if escaped:
                escaped = False
            elif one == "\\":
                escaped = True
            elif one == '"' or one == "\n":  # JSON has no line end within a string: an unclosed quote ends here.
                in_string = False
        elif one == '"':
            in_string = depth > 0
        elif one == "{":
            if depth == 0:
                start, deepest = position, 0
            depth += 1
            deepest = max(deepest, depth)
        elif one == "}" and depth > 0:
            depth -= 1
            if depth == 0 and deepest <= MAX_NESTING:
                spans.append(text[start : position + 1])
    return spans


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
