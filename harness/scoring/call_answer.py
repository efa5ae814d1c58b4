"""Reads the calls of functions in an answer: which functions, with which arguments.

Accepted are the forms that name both beyond doubt, as JSON: `{"name": …, "arguments": {…}}`, `{"get_weather": {…}}`,
and what OpenAI's API and agent libraries call the two. Other syntax, such as `get_weather(city="Oslo")`, is not: a
program that asks for JSON does not read it. But it is not "no call" either.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from harness.domain.sample import Json
from harness.scoring.json_answer import MAX_DEPTH, Placed, find_values, is_nested_deeper

_LISTS = ("calls", "tool_calls", "function_calls", "function_call")
_NAMES = ("name", "function", "tool", "function_name", "tool_name")
_ARGUMENTS = ("arguments", "parameters", "args", "input", "tool_input")
_MAX_NAME = 64
# What begins like JSON; \0 stands for JSON that was read.
_BEGUN = re.compile(r'[\[{]\s*(?:["{\[\0]|\Z)|"name"\s*:')
_CODE = re.compile(r"""(?<![\w.])[A-Za-z_][\w.]{0,80}\(\s*(?:[A-Za-z_]\w{0,80}\s*=(?!=)|["'])""")
_BETWEEN = re.compile(r"[\s,;]*")


@dataclass(frozen=True, slots=True)
class Call:
    """A function that an answer calls."""

    name: str
    arguments: Mapping[str, Any]


class NotCallsError(ValueError):
    """The answer says calls in a form that cannot be read; the text says why."""


def read_calls(output: str) -> list[Call] | None:
    """Return the calls that an answer makes; none where it is `[]`, and None where it is text without any call.

    The calls are the objects that the answer ends with, or its last list and those directly before it.

    Raises:
        NotCallsError: there are calls, but not as JSON, or not whole.
    """
    text, values = find_values(output)
    if not text.strip():
        raise NotCallsError("no text")
    if not values:
        if _BEGUN.search(text) or _CODE.search(text):
            raise NotCallsError("the calls are not JSON")
        return None
    # A list without an object is a footnote, such as [1], unless there is nothing else.
    values = [value for value in values if _may_be_calls(value.value)] or values
    last = values[-1]
    if isinstance(last.value, dict):
        objects = list(takewhile(lambda value: isinstance(value.value, dict), reversed(values)))[::-1]
        # Of a list that breaks off, the whole calls must not count; nor an object that lies within a broken one.
        if _BEGUN.search(f"{text[: objects[0].start]}\0"):
            raise NotCallsError("the list of calls breaks off")
        found: Sequence[Json] = [value.value for value in objects]
    else:
        found = [call for values in _adjacent_lists(text, values) for call in values]
    if _BEGUN.search(text, last.end):
        raise NotCallsError("the list of calls breaks off")
    return [_call(value) for value in (_unwrapped(found[0]) if len(found) == 1 else found)]


def shown(name: str) -> str:
    """Return a name that can be recorded: cut, and without half of a surrogate pair."""
    return name[:_MAX_NAME].encode(errors="replace").decode()


def _may_be_calls(value: Json) -> bool:
    return isinstance(value, dict) or not value or any(isinstance(inner, dict | list) for inner in value)


def _adjacent_lists(text: str, values: Sequence[Placed]) -> list[Sequence[Json]]:
    """Return the last list, and the lists before it with nothing between them: some models write one for each call."""
    found = [values[-1]]
    for value in reversed(values[:-1]):
        if not isinstance(value.value, list) or not _BETWEEN.fullmatch(text, value.end, found[0].start):
            break
        found.insert(0, value)
    return [value.value for value in found if isinstance(value.value, list)]


def _unwrapped(value: Json) -> Sequence[Json]:
    """Return the calls in an object such as `{"calls": […]}`, else the value as the only one."""
    for key in _LISTS if isinstance(value, dict) else ():
        inner = value.get(key)
        if isinstance(inner, list | dict):
            return inner if isinstance(inner, list) else [inner]
    return [value]


def _call(value: Json) -> Call:
    if isinstance(value, dict) and isinstance(value.get("function"), dict):
        value = value["function"]
    if not isinstance(value, dict):
        raise _unnamed(value)
    named = next((key for key in _NAMES if isinstance(value.get(key), str)), None)
    if named is None:
        if len(value) != 1:
            raise _unnamed(value)
        ((name, arguments),) = value.items()
        if not isinstance(arguments, dict):
            raise _unnamed(value)
        return Call(name, arguments)
    name = value[named]
    key = next((key for key in _ARGUMENTS if key in value), None)
    arguments = {} if key is None else value[key]
    if isinstance(arguments, str):  # As OpenAI's API has them: JSON within JSON.
        arguments = _loaded(arguments, name)
    if not isinstance(arguments, dict):
        raise NotCallsError(f"the arguments of {shown(name)} are not an object")
    return Call(name, arguments)


def _unnamed(value: Json) -> NotCallsError:
    return NotCallsError(f"expected a call with a name, got {json.dumps(value)[:80]}")


def _loaded(text: str, name: str) -> Json:
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError):
        raise NotCallsError(f"the arguments of {shown(name)} are not JSON") from None
    if is_nested_deeper(value, MAX_DEPTH):
        raise NotCallsError(f"the arguments of {shown(name)} are nested too deeply")
    return value
