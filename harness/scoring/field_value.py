"""Compares one plain value of a JSON answer with its target, and knows the types that a target may declare."""

import re
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from harness.scoring.quantity import cleaned, quantities
from harness.scoring.text import normalised

_RELATIVE_TOLERANCE = 1e-9
_TYPES = ("$date", "$amount", "$any")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ][\d:.,Z+-]{1,30})?$")
_NUMERIC = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})$")
_DAY_MONTH = re.compile(r"(?:[a-z]{2,9},? )?(\d{1,2})(?:st|nd|rd|th)?\.? (?:of )?([a-z]{3,9})\.?,? (\d{4})$")
_MONTH_DAY = re.compile(r"(?:[a-z]{2,9},? )?([a-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A target that says how it is to be compared.

    Attributes:
        kind: `$date`, `$amount` or `$any`.
        value: what is right: an ISO date, a number, or a list of plain values.
    """

    kind: str
    value: Any

    def is_valid(self) -> bool:
        """Return whether the value fits the kind."""
        if self.kind == "$date":
            return isinstance(self.value, str) and len(self.value) == len("2026-03-03") and bool(_read_iso(self.value))
        if self.kind == "$amount":
            return isinstance(self.value, int | float) and not isinstance(self.value, bool)
        return (
            isinstance(self.value, list)
            and bool(self.value)
            and all(one is not None and not isinstance(one, dict | list) for one in self.value)
        )


def typed(target: Any) -> Typed | None:
    """Return the declared type of a target, or None where it declares none."""
    if isinstance(target, dict) and len(target) == 1 and (kind := next(iter(target))) in _TYPES:
        return Typed(kind=kind, value=target[kind])
    return None


def is_plain(value: Any) -> bool:
    """Return whether a value is compared as a whole: no object and no list, or one that declares a type."""
    return not isinstance(value, dict | list) or typed(value) is not None


def is_same(given: Any, wanted: Any) -> bool:
    """Return whether a given plain value is the wanted one."""
    kind = typed(wanted)
    if kind is None:
        return _is_equal(given, wanted)
    if kind.kind == "$any":
        return any(_is_equal(given, one) for one in kind.value)
    if kind.kind == "$amount":
        amount = _amount(given)
        return amount is not None and abs(amount - Fraction(str(kind.value))) <= Fraction(1, 1000)
    return isinstance(given, str) and _is_date(given, _read_iso(kind.value))


def _is_equal(given: Any, wanted: Any) -> bool:
    if isinstance(wanted, bool) or isinstance(given, bool):
        return given is wanted
    if isinstance(wanted, int | float):
        return isinstance(given, int | float) and _is_close(given, wanted)
    return isinstance(given, str) and normalised(given) == normalised(wanted)


def _is_close(given: float, wanted: float) -> bool:
    try:
        return abs(given - wanted) <= _RELATIVE_TOLERANCE * max(1.0, abs(wanted))
    except OverflowError:  # a whole number beyond a float's range
        return given == wanted


def _amount(given: Any) -> Fraction | None:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    if isinstance(given, str):
        found = list(quantities(cleaned(given[:100])))
        return found[0].value if len(found) == 1 else None
    try:
        return Fraction(given)
    except (OverflowError, ValueError):  # JSON's 1e999 is infinite
        return None


def _is_date(given: str, wanted: date | None) -> bool:
    """Return whether a text is the date; 03.04.2026 is read day first, and 3/4/2026 either way may be meant."""
    text = normalised(given[:60])
    if found := _NUMERIC.match(text):
        first, mark, second, year = int(found[1]), found[2], int(found[3]), int(found[4])
        readings = {_date(year, second, first)} | (set() if mark == "." else {_date(year, first, second)})
        # Two different dates are ambiguous, and an ambiguous date is not the target's.
        return readings - {None} == {wanted}
    if found := _DAY_MONTH.match(text):
        return _date(int(found[3]), _month(found[2]), int(found[1])) == wanted
    if found := _MONTH_DAY.match(text):
        return _date(int(found[3]), _month(found[1]), int(found[2])) == wanted
    return _read_iso(text.upper()) == wanted


def _read_iso(text: str) -> date | None:
    found = _ISO.match(text)
    return _date(int(found[1]), int(found[2]), int(found[3])) if found else None


def _month(name: str) -> int:
    return _MONTHS.index(name[:3]) + 1 if name[:3] in _MONTHS else 0


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
