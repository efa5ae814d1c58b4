"""Judges a JSON object field by field."""

from dataclasses import dataclass
from typing import Any

from harness.domain.sample import Json
from harness.domain.score import Score
from harness.errors import TaskError
from harness.scoring.json_answer import find_object
from harness.scoring.text import normalised

_RELATIVE_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The F1 of the fields of a JSON object; passed when every field is right and none is added.

    F1 = 2 right / (wanted + given), over the fields that are not null. A field is right when it has the target's value:
    texts are compared without regard to case and white space, numbers by value, and a number is never a text. A field
    whose target is null may be null or left out; inventing a value there costs precision. Where all targets are null,
    an answer that invents nothing scores 1. The target is an object of plain values.
    """

    name: str = "fields"
    version: str = "1"

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score; details have precision, recall, and which fields were wrong.

        Raises:
            TaskError: the target is no object of plain values.
        """
        wanted = _target(target)
        answer = find_object(output)
        if answer is None:
            return Score(value=0.0, passed=False, reason="unparsed: no JSON object")
        given = {name: value for name, value in answer.items() if value is not None}
        right = [name for name, value in wanted.items() if name in given and _is_same(given[name], value)]
        total = len(wanted) + len(given)
        value = 1.0 if total == 0 else 2 * len(right) / total
        wrong = sorted((set(wanted) | set(given)) - set(right))
        return Score(
            value=value,
            passed=not wrong,
            reason=f"wrong: {', '.join(wrong)}"[:300] if wrong else "",
            details={
                "precision": len(right) / len(given) if given else 1.0,
                "recall": len(right) / len(wanted) if wanted else 1.0,
                "wrong": [name[:100] for name in wrong[:50]],
            },
        )


def _is_same(given: Any, wanted: Any) -> bool:
    if isinstance(wanted, bool) or isinstance(given, bool):
        return given is wanted
    if isinstance(wanted, int | float):
        if not isinstance(given, int | float):
            return False
        return abs(given - wanted) <= _RELATIVE_TOLERANCE * max(1.0, abs(wanted))
    return isinstance(given, str) and normalised(given) == normalised(wanted)


def _target(target: Json) -> dict[str, str | int | float | bool]:
    if not isinstance(target, dict) or not target:
        raise TaskError(f"fields: expected an object with at least one field, got {target!r}")
    for name, value in target.items():
        if value is not None and not isinstance(value, str | int | float | bool):
            raise TaskError(f"fields: expected a plain value for {name!r}, got {value!r}")
    return {name: value for name, value in target.items() if value is not None}
