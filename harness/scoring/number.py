"""Judges an answer that should be one number.

Target: a number, or a text that reads as one ("3/4", "12%", "1,250.00") or ends in GSM8K's "#### 18", or
`{"value": number or text, "abs": 0.01, "rel": 0.02}` with the tolerances that are allowed; either is enough.
`harness.scoring.number_answer` says how an answer is read.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

from harness.domain.sample import Json
from harness.domain.score import Score
from harness.scoring.number_answer import read_number
from harness.scoring.quantity import Quantity, cleaned, quantities
from harness.scoring.verdict import malformed, right_or_wrong, unparsed

_ROUNDING = Fraction(1, 10**9)
_WHOLE_ROUNDING = Fraction(1, 10**12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """1 when the answer's number is the target's, else 0.

    Units, currencies and separators do not matter. "12%" is 0.12, and also 12, because the target of a question about
    percent is often the bare 12.
    """

    name: str = "number"
    version: str = "3"

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score; details have the number that was read.

        Raises:
            TaskError: the target is not a number, or a tolerance is not one.
        """
        wanted, absolute, relative = _target(self.name, target)
        found = read_number(output)
        if found is None:
            return unparsed("no number", read=None)
        read = f"{_shown(found.value)}{'%' if found.is_percent else ''}"
        margin = max(absolute, relative * abs(wanted.value))
        is_right = any(abs(given - goal) <= margin for given, goal in _readings(found, wanted))
        return right_or_wrong(is_right=is_right, reason=f"read {read}, expected {_shown(wanted.value)}", read=read)


def read_target(text: str) -> Quantity | None:
    """Return the number that a text states, or None if it has no number or several.

    Of a worked solution in GSM8K's form, only what follows the last `####` counts.
    """
    text = text.rpartition("####")[2]
    found = list(quantities(cleaned(text[:200])))
    return found[0] if len(found) == 1 else None


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
        raise malformed(name, "only value, abs and rel", target)
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
