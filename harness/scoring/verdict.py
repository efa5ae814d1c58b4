"""The judgements that every scorer gives in the same words."""

from typing import Any

from harness.domain.sample import Json
from harness.domain.score import Score
from harness.errors import TaskError

_MAX_REASON = 300


def right_or_wrong(*, is_right: bool, reason: str, **details: Json) -> Score:
    """Return 1 and passed, or 0 with the reason."""
    return graded(float(is_right), passed=is_right, reason=reason, **details)


def graded(value: float, *, passed: bool, reason: str, **details: Json) -> Score:
    """Return a score between 0 and 1; the reason is shortened, and dropped where the answer passed."""
    return Score(value=value, passed=passed, reason="" if passed else reason[:_MAX_REASON], details=details)


def unparsed(what: str, **details: Json) -> Score:
    """Return 0 for an answer that cannot be read; its reason begins with `unparsed`."""
    return Score(value=0.0, passed=False, reason=f"unparsed: {what}"[:_MAX_REASON], details=details)


def malformed(scorer: str, expected: str, got: Any) -> TaskError:
    """Return the error for a target that the scorer cannot use."""
    return TaskError(
        f"{scorer}: expected a target with {expected}, got {repr(got)[:_MAX_REASON]}",
        hint="The task is wrong, not the answer: correct the sample's target (docs/scorers.md lists the forms).",
    )
