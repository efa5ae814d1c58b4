"""Judges which functions an answer calls, and with which arguments.

Target: `{"calls": [{"name": "get_weather", "arguments": {"city": ["Oslo"]}, "optional": []}], "ordered": false}`. Each
argument has the list of its allowed values, as in the Berkeley Function-Calling Leaderboard's `possible_answer` files
(https://gorilla.cs.berkeley.edu/leaderboard.html). Without calls, to call nothing is right. With `"form": "bfcl"`
values are compared as there, too (`harness.scoring.call_value`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.domain.count import counted
from harness.domain.sample import Json
from harness.domain.score import Score
from harness.scoring.call_answer import Call, NotCallsError, read_calls, shown
from harness.scoring.call_value import COMPARISONS, Comparison, ideal_in_bfcl, kind_of
from harness.scoring.verdict import malformed, right_or_wrong, unparsed

_FORM = (
    '{"calls": [{"name": text, "arguments": {name: [allowed, …]}, "optional": [name of them]}], "ordered": boolean, '
    '"form": "plain" or "bfcl"}'
)
_MAX_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCalls:
    """1 when the answer makes exactly the calls of the target, else 0: half a call books half a flight.

    An answer is JSON: a list of `{"name": …, "arguments": {…}}`, such objects one after the other, or `[]` for no
    call; other usual forms count as well (`harness.scoring.call_answer`). Text without JSON calls nothing. Texts are
    compared without regard to case and spaces, numbers by value; `"5"` is not 5 and `true` is not 1. Null for an
    argument that may be left out is as good as nothing, but not in the form of BFCL. The order of the calls matters
    only where the target says so.
    """

    name: str = "tool_calls"
    version: str = "2"

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score; details have the names of the calls, and what was wrong first.

        Raises:
            TaskError: the target has another form.
        """
        if not _is_target(target):
            raise malformed(self.name, _FORM, target)
        expected: Sequence[Json] = target["calls"]
        try:
            found = read_calls(output)
        except NotCallsError as exc:
            return unparsed(str(exc), called=[], wrong="form")
        if found is None and expected:
            return unparsed(f"text without a call of {expected[0]['name']}", called=[], wrong="count")
        found = found or []
        names = [shown(call.name) for call in found[:_MAX_SHOWN]]
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


def _fault(
    found: Sequence[Call], expected: Sequence[Json], is_same: Comparison, *, is_ordered: bool
) -> tuple[str, str] | None:
    """Return which part is wrong, and the reason; None where all calls are right."""
    if len(found) != len(expected):
        return "count", f"expected {counted(len(expected), 'call')}, got {len(found)}"
    names = sorted(call["name"] for call in expected)
    if sorted(call.name for call in found) != names:
        wrong = next((call.name for call in found if call.name not in names), found[0].name)
        return "name", f"expected a call of {', '.join(names)}, got {shown(wrong)}"
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


def _can_be_paired(found: Sequence[Call], expected: Sequence[Json], is_same: Comparison) -> bool:
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


def _call_fault(call: Call, right: Json, is_same: Comparison) -> tuple[str, str] | None:
    if call.name != right["name"]:
        return "order", f"expected a call of {right['name']} here, got {shown(call.name)}"
    allowed: Mapping[str, Sequence[Json]] = right["arguments"]
    optional = right.get("optional", ())
    for name, values in allowed.items():
        is_left_out = name not in call.arguments
        if name in optional and is_same is COMPARISONS["plain"]:
            is_left_out = call.arguments.get(name) is None  # As models write it that were trained on strict schemas.
        if is_left_out:
            if name not in optional:
                return "missing", f"{call.name}: the argument {name} is missing"
        elif not any(is_same(call.arguments[name], value) for value in values):
            got = call.arguments[name]
            part = "value" if any(kind_of(got) == kind_of(value) for value in values) else "type"
            return part, f"{call.name}: {name} is {json.dumps(got)[:60]}, expected {json.dumps(values)[:100]}"
    extra = next((name for name in call.arguments if name not in allowed), None)
    return None if extra is None else ("unknown", f"{call.name}: no argument {shown(extra)} is expected")


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
        and all(name in [*call["arguments"]] for name in call.get("optional", []))
    )
