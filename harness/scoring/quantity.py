r"""Reads numbers out of text: separators, fractions, percent, powers of ten, words.

What it takes and leaves: `1,234.5`, `1.234,5`, `1 234,5`, `1'234`, `3/4`, `1 1/2`, `\frac{3}{4}`, `1e5`, `1.2 x 10^5`,
`2.5 million`, `12%`, `-3`, `seven` are numbers. A single comma before exactly three digits separates thousands, a
single dot is always a decimal one. Dates, times, versions, ranges (`5-7`) and letters with digits (`v2`) are none.
"""

import re
import unicodedata
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

_GROUP = 3
_MAX_DIGITS = 60
_MAX_EXPONENT = 300
_SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS_NAMES = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_TENS = {name: 10 * n for n, name in enumerate(_TENS_NAMES, 2)}
_VULGAR = {chr(n): unicodedata.normalize("NFKC", chr(n)) for n in (*range(0xBC, 0xBF), *range(0x2150, 0x215F))}
_CLEANING = str.maketrans(
    {glyph: " " + form.replace("\u2044", "/") for glyph, form in _VULGAR.items()}
    | {"\u2212": "-", "\u2013": "\u2013", "\u2019": "'", "\u00d7": "\u00d7", "\u00a0": " ", "\u202f": " "}
)
_SUPERSCRIPTS = str.maketrans("\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207b", "0123456789-")
_RAISED = re.compile("[\u2070\u00b9\u00b2\u00b3\u2074-\u2079\u207b]{1,4}")
_LATEX = (
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"\\(?:times|cdot)\b"), "\u00d7"),
    (re.compile(r"\\[dt]frac"), r"\\frac"),
    (re.compile(r"\\(?:left|right|displaystyle|[,!;: ()\[\]])"), ""),
    (re.compile(r"\\([$%])"), r"\1"),
    (re.compile(r"10\s?\*\*\s?(?=-?\d)"), "10^"),
)
_NOT_NUMBERS = re.compile(
    r"\b\d{4}-\d{1,2}-\d{1,2}\b|\b\d{1,2}/\d{1,2}/\d{2,4}\b|\b\d{1,2}:\d{2}(?::\d{2})?\b"
    r"|(?<![\d.,])\d{1,12}(?:[.,]\d{1,12})?(?:-|\s?\u2013\s?)[$\u20ac\u00a3]?\d[\d.,]{0,20}"
)
_PLAIN = r"(?:\d{1,3}(?: \d{3}){1,15}(?![\d/])(?:[.,]\d+)?|\d+(?:[.,']\d+)*|\.\d+)"
_NUMBER = re.compile(
    r"(?<![\w^.])(?P<sign>(?<![)\]}%])[-+]?)(?:[$\u20ac\u00a3\u00a5]\s?(?P<inner>-?))?(?:"
    r"(?:(?P<whole>\d{1,9})\s?)?\\frac\{?(?P<top>-?\d{1,30})\}?\{?(?P<bottom>\d{1,30})\}?"
    r"|(?:(?P<mixed>\d{1,9})[ ])?(?P<over>\d{1,30})\s?/\s?(?P<under>\d{1,30})(?![\d/])"
    rf"|(?P<plain>{_PLAIN})"
    r"(?:\s?[\u00d7x*]\s?10\^\{?\+?(?P<power>-?\d{1,4})\}?|[eE](?P<exp>[-+]?\d{1,4})(?![\w])|(?P<raised>\^))?"
    r")(?:\s?(?P<percent>%|percent\b|per cent\b)|[ ](?P<scale>hundred|thousand|million|billion|trillion)\b)?",
    re.IGNORECASE,
)
_WORD = re.compile(
    rf"(?i)\b(?:(?P<tens>{'|'.join(_TENS)})(?:[- ](?P<unit>{'|'.join(_ONES[1:10])}))?|(?P<one>{'|'.join(_ONES)}))\b"
    rf"(?:[ ](?P<scale>{'|'.join(_SCALES)})\b)?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A number as it stands in a text.

    Attributes:
        value: the number as written: 12 for "12%".
        is_percent: whether a percent sign follows.
        start: where it begins in the cleaned text.
        end: where it ends there.
    """

    value: Fraction
    is_percent: bool
    start: int
    end: int


def cleaned(text: str) -> str:
    """Return the text with plain signs, spaces and exponents, and without LaTeX's spacing."""
    text = _RAISED.sub(lambda found: "^" + found[0].translate(_SUPERSCRIPTS), text.translate(_CLEANING))
    text = unicodedata.normalize("NFKC", text)
    for pattern, plain in _LATEX:
        text = pattern.sub(plain, text)
    return text


def quantities(text: str) -> Iterator[Quantity]:
    """Yield the numbers in cleaned text, in order."""
    return filter(None, map(_quantity, _NUMBER.finditer(_masked(text))))


def last_quantity(text: str) -> Quantity | None:
    """Return the last number in cleaned text; only the last 100 of what looks like one are tried."""
    found = deque(_NUMBER.finditer(_masked(text)), maxlen=100)
    return next(filter(None, map(_quantity, reversed(found))), None)


def number_words(text: str) -> Iterator[Quantity]:
    """Yield the numbers in words, zero to ninety-nine, also with hundred, thousand, million after them."""
    for found in _WORD.finditer(text):
        tens, one = _TENS.get((found["tens"] or "").lower(), 0), (found["unit"] or found["one"] or "zero").lower()
        value = Fraction((tens + _ONES.index(one)) * _SCALES.get((found["scale"] or "").lower(), 1))
        yield Quantity(value=value, is_percent=False, start=found.start(), end=found.end())


def plain_number(text: str) -> Fraction | None:
    """Return the value of digits with separators, or None where they are a list, a version or a date."""
    if len(text) > _MAX_DIGITS:
        return None
    text = text.replace("'", " ")
    if " " in text:
        groups, mark, decimals = _split_decimals(text.split(" ")[-1])
        parts = [*text.split(" ")[:-1], groups]
        return _joined(parts, decimals) if mark is not None and _are_groups(parts) else None
    dots, commas = text.count("."), text.count(",")
    if dots and commas:
        mark = max(".", ",", key=text.rfind)
        whole, _, decimals = text.rpartition(mark)
        parts = whole.split("," if mark == "." else ".")
        return _joined(parts, decimals) if _are_groups(parts) else None
    parts = re.split("[.,]", text)
    if dots + commas > 1 or (commas and _are_groups(parts)):
        return _joined(parts, "") if _are_groups(parts) else None
    return _joined(parts[:1], parts[1] if len(parts) > 1 else "")


def _masked(text: str) -> str:
    """Return the text with dots over what looks like a number and is none."""
    return _NOT_NUMBERS.sub(lambda found: "\u00b7" * len(found[0]), text)


def _quantity(found: re.Match[str]) -> Quantity | None:
    value = _value(found)
    if value is None:
        return None
    is_negative = "-" in (found["sign"], found["inner"])
    return Quantity(
        value=-value if is_negative else value,
        is_percent=found["percent"] is not None,
        start=found.start(),
        end=found.end(),
    )


def _value(found: re.Match[str]) -> Fraction | None:
    if found["top"] or found["over"]:
        top, bottom = int(found["top"] or found["over"]), int(found["bottom"] or found["under"])
        whole = int(found["whole"] or found["mixed"] or 0)
        value = whole + Fraction(top, bottom) if bottom else None
    else:
        value = None if found["raised"] and not _is_power_of_ten(found) else plain_number(found["plain"])
        exponent = int(found["power"] or found["exp"] or 0)
        if found["raised"] and value is not None:
            value, exponent = Fraction(1), int(_exponent_after(found) or 0)
        if value is not None:
            value = value * Fraction(10) ** exponent if abs(exponent) <= _MAX_EXPONENT else None
    scale = _SCALES.get((found["scale"] or "").lower(), 1)
    return None if value is None else value * scale


def _is_power_of_ten(found: re.Match[str]) -> bool:
    return found["plain"] == "10" and _exponent_after(found) is not None


def _exponent_after(found: re.Match[str]) -> str | None:
    exponent = re.compile(r"\^\{?(-?\d{1,4})").match(found.string, found.start("raised"))
    return exponent[1] if exponent else None


def _split_decimals(last: str) -> tuple[str, str | None, str]:
    whole, mark, decimals = last.partition("," if "," in last else ".")
    return whole, None if "." in decimals or "," in decimals else mark, decimals


def _are_groups(parts: list[str]) -> bool:
    """Whether the parts are thousands: one to three digits that do not begin with 0, then groups of three."""
    first, *rest = parts
    if not rest:
        return first.isdecimal()
    return 1 <= len(first) <= _GROUP and not first.startswith("0") and all(len(part) == _GROUP for part in rest)


def _joined(parts: list[str], decimals: str) -> Fraction | None:
    digits = "".join(parts)
    if not (digits + decimals).isdecimal():
        return None
    return Fraction(f"{digits or '0'}.{decimals or '0'}")
