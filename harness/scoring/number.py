"""Judges an answer that should be one number.

Target: a number, or a text that reads as one ("3/4", "12%", "1,250.00"), or
`{"value": number or text, "abs": 0.01, "rel": 0.02}` with the tolerances that are allowed; either is enough.
"""

import math
import re
from dataclasses import dataclass
from fractions import Fraction

from harness.domain.sample import Json
from harness.domain.score import Score
from harness.scoring.answer import marked
from harness.scoring.quantity import Quantity, cleaned, last_quantity, number_words, quantities
from harness.scoring.text import visible
from harness.scoring.verdict import malformed, right_or_wrong, unparsed

_ROUNDING = Fraction(1, 10**9)
_WHOLE_ROUNDING = Fraction(1, 10**12)
_EQUALS = re.compile(r"[=\u2248]|\\approx")
_CLAUSE = re.compile(r"[.;!?](?=\s|$)")
# "5 to 7" and "5 or 7" as the answer itself are no number; within reasoning they say nothing about the answer.
_BETWEEN = re.compile(r"\W{0,3}(?:about |from |between |either )?\W?-?[\d.,]{1,20}\s(?:to|or)\s\W?-?\d", re.IGNORECASE)
_BETWEEN_AND = re.compile(r"(?i)\W{0,3}(?:somewhere )?between \W?-?[\d.,]{1,20}\s?%? and \W?-?\d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """1 when the answer's number is the target's, else 0.

    The number is the first one after the last final-answer marker that has one (the one after its last equals sign, if
    it has any), else the last one in the text, as GSM8K's graders read it. Numbers in words count where there are no
    digits. Units, currencies and separators do not matter; percent is compared with the target's: "12%" is 0.12, and
    it is 12 where the target is 12, as a question for percent often has it.
    """

    name: str = "number"
    version: str = "2"

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score; details tell which number was read.

        Raises:
            TaskError: the target is no number, or a tolerance is none.
        """
        wanted, absolute, relative = _target(self.name, target)
        found = read_number(output)
        if found is None:
            return unparsed("no number", read=None)
        read = f"{_shown(found.value)}{'%' if found.is_percent else ''}"
        margin = max(absolute, relative * abs(wanted.value))
        is_right = any(abs(given - goal) <= margin for given, goal in _readings(found, wanted))
        return right_or_wrong(is_right=is_right, reason=f"read {read}, expected {_shown(wanted.value)}", read=read)


def read_number(output: str) -> Quantity | None:
    """Return the number that the answer gives, or None: there is none, or the answer is a range."""
    text = visible(output)
    for part in marked(text):
        plain = cleaned(part)
        if _is_range(plain):
            return None
        if found := _first_number(plain):
            return found
    plain = cleaned(text)
    if _is_range(plain.strip()):
        return None
    return last_quantity(plain) or _only_word(plain)


def read_target(text: str) -> Quantity | None:
    """Return the number that a text is, or None where it holds none or several."""
    found = list(quantities(cleaned(text[:200])))
    return found[0] if len(found) == 1 else None


def _first_number(text: str) -> Quantity | None:
    """Return the number of a marked answer: after the last equals sign of its first clause, else its first one."""
    end = _CLAUSE.search(text)
    clause = text[: end.start()] if end else text
    *_, after = _EQUALS.split(clause)
    for part in (after, clause, text):
        if found := next(quantities(part), None):
            return found
    return _only_word(clause)


def _only_word(text: str) -> Quantity | None:
    """Return the number in words, if all of them are the same one; "one" is mostly a pronoun, so only as the start."""
    found = [word for word in number_words(text) if word.value != 1 or not text[: word.start].strip(" *\"'")]
    return found[0] if len({word.value for word in found}) == 1 else None


def _is_range(text: str) -> bool:
    return bool(_BETWEEN.match(text) or _BETWEEN_AND.match(text))


def _readings(given: Quantity, wanted: Quantity) -> list[tuple[Fraction, Fraction]]:
    """Return the pairs of values that may be compared."""
    if given.is_percent == wanted.is_percent:
        return [(given.value, wanted.value)]
    if wanted.is_percent:  # "12" and "0.12" both answer "how many percent": the sign may be left out, or be worked in.
        return [(given.value, wanted.value), (given.value * 100, wanted.value)]
    readings = [(given.value / 100, wanted.value)]
    return readings if 0 < abs(wanted.value) < 1 else [*readings, (given.value, wanted.value)]


def _target(name: str, target: Json) -> tuple[Quantity, Fraction, Fraction]:
    spec = target if isinstance(target, dict) else {"value": target}
    if not set(spec) <= {"value", "abs", "rel"}:
        raise malformed(name, "value, abs and rel only", target)
    wanted = _wanted(spec.get("value"))
    if wanted is None:
        raise malformed(name, "one number", target)
    for key in ("abs", "rel"):
        if not _is_number(spec.get(key, 0)) or spec.get(key, 0) < 0:
            raise malformed(name, f"{key}, a number that is not negative", target)
    rounding = _WHOLE_ROUNDING if wanted.value.denominator == 1 else _ROUNDING
    return wanted, Fraction(str(spec.get("abs", 0))), max(rounding, Fraction(str(spec.get("rel", 0))))


def _wanted(value: Json) -> Quantity | None:
    if isinstance(value, str):
        return read_target(value)
    if _is_number(value):
        return Quantity(value=Fraction(str(value)), is_percent=False, start=0, end=0)
    return None


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _shown(value: Fraction) -> str:
    return str(value) if value.denominator == 1 and abs(value) < 10**30 else f"{float(value):.10g}"
