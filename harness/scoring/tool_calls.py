"""Judges which functions an answer calls, and with which arguments.

Target: `{"calls": [{"name": "get_weather", "arguments": {"city": ["Oslo"]}, "optional": []}], "ordered": false}`. Each
argument has the list of its allowed values, as in the Berkeley Function-Calling Leaderboard's `possible_answer` files
(https://gorilla.cs.berkeley.edu/leaderboard.html). Without calls, to call nothing is right. With `"form": "bfcl"`
values are compared as there, too (`harness.scoring.call_value`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.domain.sample import Json
from harness.domain.score import Score
from harness.scoring.call_value import COMPARISONS, Comparison, ideal_in_bfcl, kind_of
from harness.scoring.json_answer import MAX_DEPTH, find_json, find_objects, is_nested_deeper
from harness.scoring.text import visible
from harness.scoring.verdict import malformed, right_or_wrong, unparsed

_FORM = (
    '{"calls": [{"name": text, "arguments": {name: [allowed, …]}, "optional": [name]}], "ordered": boolean, '
    '"form": "plain" or "bfcl"}'
)
_MAX_SHOWN = 10
_MAX_NAME = 64
_LISTS = ("calls", "tool_calls")
_ARGUMENTS = ("arguments", "parameters", "args")


@dataclass(frozen=True, slots=True)
class _Call:
    name: str
    arguments: Mapping[str, Any]


class _NotCallsError(ValueError):
    """The answer's JSON is not a list of calls; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCalls:
    """1 when the answer makes exactly the calls of the target, else 0: half a call books half a flight.

    An answer is JSON: a list of `{"name": …, "arguments": {…}}`, such objects one after the other, or `[]` for no
    call; OpenAI's `tool_calls` count as well. Text without JSON calls nothing. Texts are compared without regard to
    case and spaces, numbers by value; `"5"` is not 5 and `true` is not 1. The order of the calls matters only where the
    target says so.
    """

    name: str = "tool_calls"
    version: str = "1"

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score; details have the names of the calls, and what was wrong first.

        Raises:
            TaskError: the target has another form.
        """
        if not _is_target(target):
            raise malformed(self.name, _FORM, target)
        expected: Sequence[Json] = target["calls"]
        answer = find_json(output)
        if answer is None:
            return _without_json(output, expected)
        if isinstance(answer, dict):
            # Of a list that breaks off, the whole calls must not count; nor the last alone of several without a list.
            text = visible(output)
            if text.count("[") > text.count("]"):
                return unparsed("the list of calls breaks off", wrong="form")
            objects = find_objects(output)
            answer = objects if len(objects) > 1 else answer
        try:
            found = _calls(answer)
        except _NotCallsError as exc:
            return unparsed(str(exc), wrong="form")
        names = [_short(call.name) for call in found[:_MAX_SHOWN]]
        is_same = COMPARISONS[target.get("form", "plain")]
        wrong = _fault(found, expected, is_same, is_ordered=target.get("ordered", False))
        part, reason = wrong or ("", "")
        return right_or_wrong(is_right=wrong is None, reason=reason, called=names, wrong=part or None)


def ideal_calls(target: Json) -> str | None:
    """Return an answer that makes exactly the calls of a target; None where the target has another form."""
    if not _is_target(target):
        return None
    ideal = ideal_in_bfcl if target.get("form") == "bfcl" else lambda value: value
    calls = [
        {
            "name": call["name"],
            "arguments": {
                name: ideal(values[0])
                for name, values in call["arguments"].items()
                if name not in call.get("optional", ())
            },
        }
        for call in target["calls"]
    ]
    return json.dumps(calls, ensure_ascii=False)


def _without_json(output: str, expected: Sequence[Json]) -> Score:
    text = visible(output).strip()
    if not text:
        return unparsed("no text", called=[], wrong="form")
    if text.startswith(("[", "{")) or '"name"' in text:
        return unparsed("the calls are not JSON", called=[], wrong="form")
    if expected:
        return unparsed(f"text without a call of {expected[0]['name']}", called=[], wrong="count")
    return right_or_wrong(is_right=True, reason="", called=[], wrong=None)


def _calls(answer: Json) -> list[_Call]:
    if isinstance(answer, dict):
        inner = next((answer[key] for key in _LISTS if isinstance(answer.get(key), list)), None)
        answer = [answer] if inner is None else inner
    return [_call(value) for value in answer]


def _call(value: Json) -> _Call:
    if isinstance(value, dict) and isinstance(value.get("function"), dict):
        value = value["function"]
    name = value.get("name") if isinstance(value, dict) else None
    if not isinstance(name, str):
        raise _NotCallsError(f"expected a call with a name, got {json.dumps(value)[:80]}")
    key = next((key for key in _ARGUMENTS if key in value), None)
    arguments = {} if key is None else value[key]
    if isinstance(arguments, str):  # As OpenAI's API has them: JSON within JSON.
        arguments = _loaded(arguments, name)
    if not isinstance(arguments, dict):
        raise _NotCallsError(f"the arguments of {_short(name)} are not an object")
    return _Call(name, arguments)


def _loaded(text: str, name: str) -> Json:
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError):
        raise _NotCallsError(f"the arguments of {_short(name)} are not JSON") from None
    if is_nested_deeper(value, MAX_DEPTH):
        raise _NotCallsError(f"the arguments of {_short(name)} are nested too deeply")
    return value


def _fault(
    found: Sequence[_Call], expected: Sequence[Json], is_same: Comparison, *, is_ordered: bool
) -> tuple[str, str] | None:
    """Return which part is wrong, and the reason; None where all calls are right."""
    if len(found) != len(expected):
        return "count", f"expected {len(expected)} calls, got {len(found)}"
    names = sorted(call["name"] for call in expected)
    if sorted(call.name for call in found) != names:
        wrong = next((call.name for call in found if call.name not in names), found[0].name)
        return "name", f"expected a call of {', '.join(names)}, got {_short(wrong)}"
    if is_ordered:
        faults = [_call_fault(call, right, is_same) for call, right in zip(found, expected, strict=True)]
        return next(filter(None, faults), None)
    if _can_be_paired(found, expected, is_same):
        return None
    for call in found:
        faults = [_call_fault(call, right, is_same) for right in expected if right["name"] == call.name]
        if all(faults):
            return faults[0]
    return "arguments", "two calls are the same, or one of them is missing"


def _can_be_paired(found: Sequence[_Call], expected: Sequence[Json], is_same: Comparison) -> bool:
    """Return whether each expected call has a found one of its own (augmenting paths: allowed values may overlap)."""
    fits = [[_call_fault(call, right, is_same) is None for call in found] for right in expected]
    taken: dict[int, int] = {}

    def place(number: int, seen: set[int]) -> bool:
        for at, is_fit in enumerate(fits[number]):
            if is_fit and at not in seen:
                seen.add(at)
                if at not in taken or place(taken[at], seen):
                    taken[at] = number
                    return True
        return False

    return all(place(number, set()) for number in range(len(expected)))


def _call_fault(call: _Call, right: Json, is_same: Comparison) -> tuple[str, str] | None:
    if call.name != right["name"]:
        return "order", f"expected a call of {right['name']} here, got {_short(call.name)}"
    allowed: Mapping[str, Sequence[Json]] = right["arguments"]
    optional = right.get("optional", ())
    for name, values in allowed.items():
        if name not in call.arguments:
            if name not in optional:
                return "missing", f"{call.name}: the argument {name} is missing"
        elif not any(is_same(call.arguments[name], value) for value in values):
            got = call.arguments[name]
            part = "value" if any(kind_of(got) == kind_of(value) for value in values) else "type"
            return part, f"{call.name}: {name} is {json.dumps(got)[:60]}, expected {json.dumps(values)[:100]}"
    extra = next((name for name in call.arguments if name not in allowed), None)
    return None if extra is None else ("unknown", f"{call.name} has no argument {_short(extra)}")


def _short(name: str) -> str:
    """Return a name that can be recorded: cut, and without half of a surrogate pair."""
    return name[:_MAX_NAME].encode(errors="replace").decode()


def _is_target(target: Json) -> bool:
    return (
        isinstance(target, dict)
        and isinstance(target.get("ordered", False), bool)
        and target.get("form", "plain") in [*COMPARISONS]
        and isinstance(target.get("calls"), list)
        and all(map(_is_expected, target["calls"]))
    )


def _is_expected(call: Json) -> bool:
    return (
        isinstance(call, dict)
        and isinstance(call.get("name"), str)
        and isinstance(call.get("arguments"), dict)
        and all(isinstance(values, list) and values for values in call["arguments"].values())
        and isinstance(call.get("optional", []), list)
    )
