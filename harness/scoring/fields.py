"""Judges JSON field by field, at any depth.

Target: an object (or list) of plain values, objects and lists. A text stands for itself; another
comparison is declared: `{"$date": "2026-03-03"}`, `{"$amount": 1250}`, `{"$any": ["NYC", "New York"]}`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from harness.domain.sample import Json
from harness.domain.score import Score
from harness.scoring.alignment import Budget, paired
from harness.scoring.field_value import is_plain, is_same, typed
from harness.scoring.json_answer import MAX_DEPTH, find_json, find_loose_json, find_object, is_nested_deeper
from harness.scoring.verdict import graded, malformed, unparsed

_MAX_NAMED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The F1 of the fields of a JSON answer; passed when every field is right and none is added.

    F1 = 2 right / (wanted + given), over the plain values at any depth that are not null. A field is right when it has
    the target's value: texts are compared without regard to case and white space, numbers by value, and a number is
    never a text; `$date` and `$amount` accept other ways to write the same, `$any` one of several values. A field
    whose target is null may be null or left out; inventing a value there costs precision, as an added field does. The
    elements of a list may come in any order: they are paired so that most fields are right. Where all targets are
    null, an answer that invents nothing scores 1.

    Attributes:
        is_loose: whether near-JSON counts too: trailing commas, single quotes, None and True, NaN (as null), comments,
            raw newlines, a missing bracket. The strict form scores such an answer 0 and says in its details that only
            the syntax is broken.
    """

    is_loose: bool = False
    version: str = "3"

    @property
    def name(self) -> str:
        """`fields` or `fields_loose`."""
        return "fields_loose" if self.is_loose else "fields"

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score; details have precision, recall, and the paths of the fields that were wrong.

        Raises:
            TaskError: the target is neither an object nor a list, or one of its fields is malformed.
        """
        check_fields(self.name, target)
        answer = find_object(output) if isinstance(target, dict) else find_json(output)
        if answer is not None:
            return score_fields(answer, target)
        missing = "no JSON object" if isinstance(target, dict) else "no JSON"
        mended = find_loose_json(output, type(target))
        if mended is None:
            return unparsed(missing)
        score = score_fields(mended, target)
        if self.is_loose:
            return Score(
                value=score.value, passed=score.passed, reason=score.reason, details={**score.details, "mended": True}
            )
        if score.passed:
            return unparsed(f"{missing}: content right, syntax broken", content_right=True)
        return unparsed(missing)


@dataclass(slots=True)
class Tally:
    """How many fields are right, wanted and given, and where they differ."""

    right: int = 0
    wanted: int = 0
    given: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Count the fields of another tally too."""
        self.right += other.right
        self.wanted += other.wanted
        self.given += other.given
        self.wrong += other.wrong[:_MAX_NAMED]


def score_fields(answer: Json, target: Json) -> Score:
    """Return the F1 of the fields of parsed JSON."""
    tally = compared(answer, target, "", Budget())
    total = tally.wanted + tally.given
    wrong = sorted(tally.wrong)
    return graded(
        2 * tally.right / total if total else 1.0,
        passed=not wrong,
        reason=f"wrong: {', '.join(wrong)}",
        precision=tally.right / tally.given if tally.given else 1.0,
        recall=tally.right / tally.wanted if tally.wanted else 1.0,
        wrong=[path[:100] for path in wrong[:_MAX_NAMED]],
    )


def compared(given: Any, wanted: Any, path: str, budget: Budget) -> Tally:
    """Return the tally of one field and everything below it; `path` is its name in the list of wrong fields."""
    if is_plain(wanted):
        return _plain(given, wanted, path)
    if isinstance(wanted, dict) and isinstance(given, dict):
        tally = Tally()
        for name in dict.fromkeys([*wanted, *given]):
            inner = f"{path}.{name}" if path else str(name)
            tally.add(compared(given.get(name), wanted.get(name), inner, budget))
        return tally
    if isinstance(wanted, list) and isinstance(given, list):
        return _aligned(given, wanted, path, budget)
    missing, added = _leaves(wanted), _leaves(given)
    return Tally(wanted=missing, given=added, wrong=[path] if missing + added else [])


def check_fields(scorer: str, target: Json) -> None:
    """Make sure that a target can be compared.

    Raises:
        TaskError: it is empty, neither an object nor a list, nested deeper than 100, or has a malformed type.
    """
    if not isinstance(target, dict | list) or not target or is_plain(target):
        raise malformed(scorer, "an object or list with at least one field", target)
    if is_nested_deeper(target, MAX_DEPTH):
        raise malformed(scorer, f"at most {MAX_DEPTH} levels", type(target).__name__)
    for value in _inner(target):
        if (kind := typed(value)) is not None and not kind.is_valid():
            raise malformed(scorer, "$date (YYYY-MM-DD), $amount (a number) or $any (plain values) alone", value)


def _plain(given: Any, wanted: Any, path: str) -> Tally:
    is_wanted, added = wanted is not None, _leaves(given)
    if is_wanted and added and is_same(given, wanted):
        return Tally(right=1, wanted=1, given=1)
    return Tally(wanted=int(is_wanted), given=added, wrong=[path] if is_wanted or added else [])


def _aligned(given: list[Any], wanted: list[Any], path: str, budget: Budget) -> Tally:
    """Pair the elements so that most fields are right; elements without a partner are missing or added."""
    pairs = paired(given, wanted, lambda element, goal, paid: compared(element, goal, "", paid).right, budget)
    total = Tally()
    for row, column in pairs:
        total.add(compared(given[column], wanted[row], f"{path}[{row}]", budget))
    taken_rows, taken_columns = {row for row, _ in pairs}, {column for _, column in pairs}
    for row, goal in enumerate(wanted):
        if row not in taken_rows:
            total.add(compared(None, goal, f"{path}[{row}]", budget))
    for column, element in enumerate(given):
        if column not in taken_columns:
            total.add(compared(element, None, f"{path}[+{column}]", budget))
    return total


def _leaves(value: Any) -> int:
    """Return how many plain values that are not null lie in a value."""
    return sum(1 for inner in _inner(value) if inner is not None and is_plain(inner))


def _inner(value: Any) -> Iterator[Any]:
    """Yield the value and everything in it; a typed value counts as a single one."""
    todo = [value]
    while todo:
        inner = todo.pop()
        yield inner
        if not is_plain(inner):
            todo += inner.values() if isinstance(inner, dict) else inner
