"""Validates a value by a JSON Schema (draft 2020-12) in bounded time: jsonschema, with some of its checks replaced.

- `uniqueItems` compares all pairs of objects in jsonschema (2,000 objects took 8 s); here it is linear.
- A task's `pattern` may take exponential time with Python's `re`, which holds the interpreter meanwhile, so that no
  other thread could stop it. The module `regex` has a timeout: all patterns together get half a second an answer.
- `format` is checked, with the standard library alone.
"""

import re
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as time_of_day
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import regex
from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.exceptions import best_match
from jsonschema.validators import extend

from harness.errors import TaskError

_PATTERNS_S = 0.5
_MAX_FAULTS = 50


def first_fault(schema: Mapping[str, Any], value: Any) -> ValidationError | None:
    """Return the most serious of a value's first 50 faults, or None if it is valid.

    Raises:
        TaskError: a pattern of the schema is invalid or takes too long.
        RecursionError: the schema refers to itself without end, or more deeply than Python can follow.
    """
    patterns = _Patterns()
    checks = {
        "uniqueItems": _unique_items,
        "pattern": patterns.pattern,
        "patternProperties": patterns.pattern_properties,
        "additionalProperties": patterns.additional_properties,
    }
    # jsonschema would drop these checks where `$ref` leads back to a schema that names its dialect.
    own = {name: part for name, part in schema.items() if name != "$schema"}
    validator = extend(Draft202012Validator, validators=checks)(own, format_checker=_FORMATS)  # type: ignore[no-untyped-call]
    fault: ValidationError | None = best_match(islice(validator.iter_errors(value), _MAX_FAULTS))
    return fault


@dataclass(slots=True)
class _Patterns:
    """The checks that search for a task's patterns; they share half a second."""

    left_s: float = _PATTERNS_S

    def pattern(self, _: Any, wanted: str, instance: Any, __: Any) -> Iterator[ValidationError]:
        """Check `pattern`."""
        if isinstance(instance, str) and not self._is_found(wanted, instance):
            yield ValidationError(f"{instance[:100]!r} does not match {wanted!r}")

    def pattern_properties(
        self, validator: Any, schemas: Mapping[str, Any], instance: Any, _: Any
    ) -> Iterator[ValidationError]:
        """Check `patternProperties`."""
        if isinstance(instance, dict):
            for wanted, schema in schemas.items():
                for name, value in instance.items():
                    if self._is_found(wanted, name):
                        yield from validator.descend(value, schema, path=name, schema_path=wanted)

    def additional_properties(
        self, validator: Any, schema: Any, instance: Any, parent: Mapping[str, Any]
    ) -> Iterator[ValidationError]:
        """Check `additionalProperties`."""
        if not isinstance(instance, dict):
            return
        known, patterns = parent.get("properties", {}), parent.get("patternProperties", {})
        extras = [
            name
            for name in instance
            if name not in known and not any(self._is_found(wanted, name) for wanted in patterns)
        ]
        if schema is False and extras:
            yield ValidationError(f"additional properties: {', '.join(map(repr, extras[:5]))}")
        elif isinstance(schema, dict):
            for name in extras:
                yield from validator.descend(instance[name], schema, path=name)

    def _is_found(self, pattern: str, text: str) -> bool:
        started = time.perf_counter()
        try:
            return regex.search(pattern, text, timeout=max(self.left_s, 0.001)) is not None
        except TimeoutError:
            raise TaskError(
                f"json_schema: the pattern {pattern[:100]!r} takes too long",
                hint="Simplify it: repeats within repeats, such as (a+)+, take exponential time.",
            ) from None
        except regex.error as exc:
            raise TaskError(f"json_schema: the pattern {pattern[:100]!r} is invalid: {exc}") from None
        finally:
            self.left_s -= time.perf_counter() - started


def _unique_items(_: Any, is_wanted: Any, instance: Any, __: Any) -> Iterator[ValidationError]:
    if is_wanted and isinstance(instance, list) and len({_frozen(item) for item in instance}) < len(instance):
        yield ValidationError("the items are not unique")


def _frozen(value: Any) -> Hashable:
    """Return a value that is equal exactly where JSON Schema calls two values equal: 1 equals 1.0, but not true."""
    if isinstance(value, dict):
        return ("object", frozenset((name, _frozen(inner)) for name, inner in value.items()))
    if isinstance(value, list):
        return ("array", tuple(_frozen(inner) for inner in value))
    return (type(value).__name__ if isinstance(value, bool | str) or value is None else "number", value)


_FORMATS = FormatChecker(formats=("email", "idn-email", "ipv4", "ipv6", "regex", "uuid"))
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)")
_TIME = re.compile(r"\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)")
_DURATION = re.compile(
    r"P(?=\d|T\d)(?:\d{1,9}W|(?:\d{1,9}Y)?(?:\d{1,9}M)?(?:\d{1,9}D)?(?:T(?=\d)(?:\d{1,9}H)?(?:\d{1,9}M)?(?:\d{1,9}S)?)?)"
)
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL}){{0,126}}")
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)*")


def _is_date_time(text: str) -> bool:
    # A leap second is valid in RFC 3339, but not for Python.
    return bool(_DATE_TIME.fullmatch(text)) and _parses(datetime.fromisoformat, _plain(text))


def _is_time(text: str) -> bool:
    return bool(_TIME.fullmatch(text)) and _parses(time_of_day.fromisoformat, _plain(text))


def _plain(text: str) -> str:
    """Return the text without a leap second and without digits beyond microseconds."""
    text = re.sub(r":60(?=[.Zz+-])", ":59", text.upper())
    return re.sub(r"(\.\d{6})\d+", r"\1", text)


def _is_uri(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    is_clean = not any(character.isspace() or character in '<>"{}|\\^`' for character in text)
    return is_clean and text.isascii() and bool(parts.scheme) and bool(parts.netloc or parts.path)


def _is_reference(text: str) -> bool:
    return text.isascii() and not any(character.isspace() or character in '<>"{}|\\^`' for character in text)


def _parses(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


def _check(names: Iterable[str], holds: Callable[[str], bool]) -> None:
    def check(value: object) -> bool:
        return not isinstance(value, str) or holds(value)

    for name in names:
        _FORMATS.checkers[name] = (check, ())


_check(["date"], lambda text: len(text) == len("2026-03-03") and _parses(date.fromisoformat, text))
_check(["time"], _is_time)
_check(["date-time"], _is_date_time)
_check(["duration"], lambda text: bool(_DURATION.fullmatch(text)))
_check(["hostname"], lambda text: bool(_HOST.fullmatch(text)))
_check(["uri"], _is_uri)
_check(["uri-reference"], _is_reference)
_check(["json-pointer"], lambda text: bool(_POINTER.fullmatch(text)))
