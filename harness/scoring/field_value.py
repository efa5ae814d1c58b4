"""Compares one plain value of a JSON answer with its target, and knows the types that a target may declare."""

from collections.abc import Hashable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from harness.scoring.calendar_date import dates_in, read_iso
from harness.scoring.quantity import cleaned, quantities
from harness.scoring.text import normalised

_RELATIVE_TOLERANCE = 1e-9
_TYPES = ("$date", "$amount", "$any")
_MAX_CACHED = 200


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
            return isinstance(self.value, str) and len(self.value) == len("2026-03-03") and bool(read_iso(self.value))
        if self.kind == "$amount":
            return isinstance(self.value, int | float) and not isinstance(self.value, bool)
        return (
            isinstance(self.value, list)
            and bool(self.value)
            and all(form is not None and not isinstance(form, dict | list) for form in self.value)
        )


def typed(target: Any) -> Typed | None:
    """Return the type that a target declares, or None."""
    if isinstance(target, dict) and len(target) == 1 and (kind := next(iter(target))) in _TYPES:
        return Typed(kind=kind, value=target[kind])
    return None


def is_plain(value: Any) -> bool:
    """Return whether a value is compared as a whole: neither an object nor a list, or one that declares a type."""
    return not isinstance(value, dict | list) or typed(value) is not None


def is_same(given: Any, wanted: Any) -> bool:
    """Return whether a given plain value is the wanted one."""
    kind = typed(wanted)
    if kind is None:
        return _is_equal(given, wanted)
    if kind.kind == "$any":
        return any(_is_equal(given, form) for form in kind.value)
    if kind.kind == "$amount":
        amount = _amount(given)
        return amount is not None and abs(amount - Fraction(str(kind.value))) <= Fraction(1, 1000)
    # A date that can be read in two ways is never accepted.
    return isinstance(given, str) and dates_in(given) == {read_iso(kind.value)}


def given_keys(given: Any, kinds: frozenset[str]) -> set[Hashable]:
    """Return the keys of a given plain value; if it shares one with the wanted value, the two are most likely the same.

    `kinds` are the types that targets declare at this place: reading dates and amounts is expensive.
    """
    keys: set[Hashable] = {_key(given)}
    if "$date" in kinds and isinstance(given, str):
        keys.add(("date", dates_in(given)))
    if "$amount" in kinds and (amount := _amount(given)) is not None:
        keys.add(("amount", round(amount, 2)))
    return keys


def wanted_keys(wanted: Any) -> set[Hashable]:
    """Return the keys of a target, as `given_keys` makes them."""
    kind = typed(wanted)
    if kind is None:
        return {_key(wanted)}
    if kind.kind == "$any":
        return {_key(form) for form in kind.value}
    if kind.kind == "$amount":
        return {("amount", round(Fraction(str(kind.value)), 2))}
    return {("date", frozenset({read_iso(kind.value)}))}


def _key(value: Any) -> Hashable:
    if isinstance(value, bool) or value is None:
        return ("constant", value)
    return ("text", _normal(value)) if isinstance(value, str) else ("number", value)


def _is_equal(given: Any, wanted: Any) -> bool:
    if isinstance(wanted, bool) or isinstance(given, bool):
        return given is wanted
    if isinstance(wanted, int | float):
        return isinstance(given, int | float) and _is_close(given, wanted)
    return isinstance(given, str) and _normal(given) == _normal(wanted)


def _normal(text: str) -> str:
    # Elements of lists are compared with many others, so short texts are normalised once.
    return _cached_normal(text) if len(text) <= _MAX_CACHED else normalised(text)


_cached_normal = lru_cache(maxsize=8_192)(normalised)


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
