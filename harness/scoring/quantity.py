r"""Reads numbers out of text: separators, fractions, percent, powers, roots, words.

What it takes and leaves: `1,234.5`, `1.234,5`, `1 234,5`, `1'234`, `1_234`, `12,34,567`, `3/4`, `1 1/2`,
`4 and a half`, `\frac{3}{4}`, `1e5`, `1.2 x 10^5`, `2^5`, `3\pi`, `2\sqrt{3}`, `12.[1]`, `0.333...`, `2.5 million`,
`$3k`, `2.5M`, `3万`, `12%`, `-3`, `minus 3`, `seven` are numbers. A single comma before exactly three digits separates
thousands, a single dot is always a decimal one. Dates, times, versions, ranges (`5-7`), letters with digits (`v2`),
what follows "out of" and the width of an error (`± 1`) are not.
"""

import math
import re
import unicodedata
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from harness.scoring.number_word import SCALES, part, spelled, with_percent_in_digits
from harness.scoring.pattern import lazy_pattern
from harness.scoring.text import spaced, without_struck

_GROUP = 3
_INDIAN_GROUP = 2
_MAX_DIGITS = 60
_MAX_EXPONENT = 300
_SCALES = SCALES | {"万": 10**4, "萬": 10**4, "만": 10**4, "億": 10**8, "亿": 10**8, "억": 10**8}
_SCALES |= {"millionen": 10**6, "millions": 10**6, "millones": 10**6, "milliarden": 10**9, "milliards": 10**9}
_SUFFIXES = {"k": 10**3, "K": 10**3, "M": 10**6, "mn": 10**6, "B": 10**9, "bn": 10**9}
_VULGAR = {chr(n): unicodedata.normalize("NFKC", chr(n)) for n in (*range(0xBC, 0xBF), *range(0x2150, 0x215F))}
_CLEANING = str.maketrans(
    {glyph: form.replace("\u2044", "/") for glyph, form in _VULGAR.items()}
    | {
        "\u2212": "-",
        "\u2010": "-",
        "\u2011": "-",
        "\u2019": "'",
        "\u00a0": " ",
        "\u202f": " ",
        "\u066b": ".",
        "\u066c": ",",
    }
)
_MIXED = lazy_pattern(rf"(?<=\d)(?=[{''.join(_VULGAR)}])")
_SUPERSCRIPTS = str.maketrans("\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207b", "0123456789-")
_RAISED = lazy_pattern("[\u2070\u00b9\u00b2\u00b3\u2074-\u2079\u207b]{1,4}")


def _factorial(found: re.Match[str]) -> str:
    return str(math.factorial(int(found[1])))


_LATEX = (
    (lazy_pattern(r"\{,\}"), ","),
    (lazy_pattern(r"\\(?:times|cdot)\b"), "\u00d7"),
    (lazy_pattern(r"\\pm\b|\+\s?/?\s?-(?=\s?\d)"), "\u00b1"),
    (lazy_pattern(r"\\pi\b|(?<=\d)\s?\bpi\b"), "\u03c0"),
    (lazy_pattern(r"\\sqrt\s?\{?(?=\d{1,15}(?:\}|(?![\d{])))"), "\u221a"),
    (lazy_pattern(r"(?<=\u221a)(\d{1,15})\}"), r"\1"),
    (lazy_pattern(r"\\[dt]frac"), r"\\frac"),
    (lazy_pattern(r"\\(?:left|right|displaystyle|[,!;: ()\[\]])"), ""),
    (lazy_pattern(r"\\([$%])"), r"\1"),
    (lazy_pattern(r"10\s?\*\*\s?(?=-?\d)"), "10^"),
    (lazy_pattern(r"(?<=\d)_(?=\d{3}(?:\D|$))"), ""),
    # A dash of any length that no number precedes is a sign, also with a space after "is" or a colon.
    (lazy_pattern(r"(?:(?<=^)|(?<=[\s(:=$]))(?<!\d\s)[\u2013\u2014](?=[$\u20ac\u00a3]?\d)"), "-"),
    (lazy_pattern(r"(?:(?<=[:=(]\s)|(?<=\bis\s))[-\u2013\u2014]\s(?=[$\u20ac\u00a3]?\d)"), "-"),
)
_IN_WORDS = (
    # Amounts of money have two decimals: "1.200 €" is a German thousand.
    (lazy_pattern(r"(?<![\d.,])(\d{1,3})\.(\d{3})(?=\s?(?:\u20ac|EUR\b|Euro\b)(?!\s?/))"), r"\1\2"),
    (
        lazy_pattern(
            r"(?i)\b(chance|probability|odds|likelihood)\b([^.\n\d]{0,60}\b)(\d{1,9}) (?:in|out of) (\d{1,9})\b"
        ),
        r"\1\2\3/\4",
    ),
    (lazy_pattern(r"(?i)\b(ratio)\b([^.\n\d]{0,60}\b)(\d{1,4})\s?(?::|to)\s?(\d{1,4})\b"), r"\1\2\3/\4"),
    (lazy_pattern(r"(?<![\d:])(\d{1,4}):(\d)(?![\d:])"), r"\1/\2"),
    (lazy_pattern(r"(?<![\d.,])(\d{1,6})\s?\u2030"), r"\1/1000"),
    (lazy_pattern(r"(?i)(?<![\d.,])(\d{1,9}) (dollars?|euros?) and (\d\d) cents?\b"), r"\1.\3 \2"),
    (lazy_pattern(r"(?i)(?<=\d) squared\b"), "^2"),
    (lazy_pattern(r"(?i)(?<=\d) cubed\b"), "^3"),
    (
        lazy_pattern(
            r"(?i)(?<![\d.,-])(\d{1,4}(?:[.,]\d{1,2})?)"
            r"(\s?(?:\u00b0|degrees?)?\s?(?:celsius|fahrenheit|[CF])?) below (?:zero|0)\b"
        ),
        r"-\1\2",
    ),
    (
        lazy_pattern(
            r"\b(\d|1\d|20)!(?=\s?[=)\]}/*\u00d7\u00b7]|\s(?:ways|arrangements|permutations|orders|orderings|possib\w+)\b)"
        ),
        _factorial,
    ),
)
_NOT_NUMBERS = lazy_pattern(
    r"\b\d{4}-\d{1,2}-\d{1,2}\b|\b\d{1,2}/\d{1,2}/\d{2,4}\b|\b\d{1,2}:\d{2}(?::\d{2})?\b"
    r"|(?<![\d.,^])\d{1,12}(?:[.,]\d{1,12})?(?:-|\s?\u2013\s?)[$\u20ac\u00a3]?\d[\d.,]{0,20}"
    # A term with a variable: "2n + 5", "e^{2}".
    r"|(?<![\w.])\d{1,12}\s?[-+]\s?[b-df-z]\b(?!\s?=)"
    r"|\b\d{0,6}[b-df-z](?:\^\{?\d\}?)?\s?[-+]\s?\d[\d.]{0,20}|(?<=[A-Za-z])\^\{-?\d{1,4}\}"
    r"|\b\d{1,12}[nyz]\b"
    r"|\u00b1\s?[\d.,]{1,20}%?|(?:(?<=\d)|(?<=\d\s))(?:(?:out of (?:the |all )?|of (?:the|all) )[\d.,]{1,20})"
)
_PLAIN = r"(?:\d{1,3}(?: \d{3}){1,15}(?![\d/])(?:[.,]\d+)?|\d+(?:[.,']\d+)*|\.\d+)"
_TERM = r"-?(?:\d{1,30}\s?)?(?:\u03c0|\u221a\d{1,15})?"
_SIGN = (
    r"(?P<sign>(?<![)\]}%])[-+]?|(?<![\d)\]%]\s)\b(?:minus|negative)\s)"
    r"(?:[$\u20ac\u00a3\u00a5\u20b9]\s?(?P<inner>-?))?"
)
_FRACTION = (
    r"(?:(?P<whole>\d{1,9})\s?)?\\frac"
    rf"(?:\{{(?P<top>{_TERM})\}}|(?P<top_digit>\d))(?:\{{(?P<bottom>{_TERM})\}}|(?P<bottom_digit>\d))"
    r"|(?:(?P<mixed>\d{1,9})[ ](?:and[ ])?)?(?P<over>\d{1,30})\s?/\s?(?P<under>\d{1,30})(?![\d/])"
)
_REPEATING = (
    r"(?P<before>\d{0,20})[.,](?P<once>\d{0,20})"
    r"(?:\[(?P<square>\d{1,20})\]|\((?P<round>\d{1,20})\)|\\overline\{(?P<line>\d{1,20})\})"
    r"|(?P<known>\d{0,20}\.\d{0,12}?)(?P<cycle>\d{1,6}?)(?P=cycle){2,20}\d{0,3}(?:\.\.\.)"
)
_POWER = (
    r"\s?[\u00d7x*]\s?10\^\{?\+?(?P<power>-?\d{1,4})\}?|[eE](?P<exp>[-+]?\d{1,4})(?![\w])"
    r"|\^\{?(?P<exponent>-?\d{1,4})\}?|(?P<raised>\^)"
)
_PART = r"[ ]and[ ](?P<part>(?:an?|one|two|three)\s(?:half|thirds?|quarters?|fifths?))\b"
_SUFFIX = r"(?P<suffix>[kK]|M|mn|B|bn)(?![\w])"
_FACTOR = r"(?P<factor>\s?(?:\u03c0|\u221a\d{1,15})(?:\s?/\s?(?P<divisor>\d{1,15}))?)?"
_UNIT = (
    r"(?:\s?(?P<percent>%|percent\b|per cent\b|Prozent\b)|[ ]?(?P<scale>[万萬만億亿억])"
    rf"|[ ](?P<named>{'|'.join(name for name in _SCALES if name.isascii())})\b)?"
)
_NUMBER = lazy_pattern(
    rf"(?<![\w^.]){_SIGN}"
    rf"(?:{_FRACTION}|{_REPEATING}|(?P<plain>{_PLAIN})(?:{_POWER}|{_PART}|{_SUFFIX})?|(?=\u03c0|\u221a\d))"
    rf"{_FACTOR}{_UNIT}",
    re.IGNORECASE,
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
    """Return the text with plain signs, spaces and exponents, scripts apart, and without LaTeX's spacing."""
    text = _MIXED.sub(" ", without_struck(text)).translate(_CLEANING)
    text = _RAISED.sub(lambda found: "^" + found[0].translate(_SUPERSCRIPTS), text)
    text = with_percent_in_digits(spaced(unicodedata.normalize("NFKC", text)))
    for pattern, plain in (*_LATEX, *_IN_WORDS):
        text = pattern.sub(plain, text)
    return text


def quantities(text: str) -> Iterator[Quantity]:
    """Yield the numbers in cleaned text, in order."""
    return filter(None, map(_quantity, _NUMBER.finditer(_masked(text))))


def last_quantities(text: str) -> list[Quantity]:
    """Return the last numbers in cleaned text, in order; only the last 100 of what looks like one are tried."""
    found = deque(_NUMBER.finditer(_masked(text)), maxlen=100)
    return list(filter(None, map(_quantity, found)))


def number_words(text: str) -> Iterator[Quantity]:
    """Yield the numbers in words."""
    for value, start, end in spelled(text):
        yield Quantity(value=value, is_percent=False, start=start, end=end)


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
    if commas > 1 and not dots and _are_indian_groups(parts):
        return _joined(parts, "")
    if dots + commas > 1 or (commas and _are_groups(parts)):
        return _joined(parts, "") if _are_groups(parts) else None
    return _joined(parts[:1], parts[1] if len(parts) > 1 else "")


def _masked(text: str) -> str:
    """Return the text with dots in place of what looks like a number but is not one."""
    return _NOT_NUMBERS.sub(lambda found: "\u00b7" * len(found[0]), text)


def _quantity(found: re.Match[str]) -> Quantity | None:
    value = _value(found)
    if value is None:
        return None
    is_negative = found["sign"].lower().startswith(("-", "minus", "negative")) or found["inner"] == "-"
    return Quantity(
        value=-value if is_negative else value,
        is_percent=found["percent"] is not None,
        start=found.start(),
        end=found.end(),
    )


def _value(found: re.Match[str]) -> Fraction | None:
    value = _base(found)
    if value is None:
        return None
    if found["factor"]:
        value = value * _term(found["factor"].partition("/")[0]) / (int(found["divisor"] or 1) or 1)
    scale = _SCALES.get((found["named"] or found["scale"] or "").lower(), 1)
    value *= scale * _SUFFIXES.get(found["suffix"] or "", 1)
    return value if abs(value) <= 10**_MAX_EXPONENT else None  # A float, which a reason shows, holds no more.


def _base(found: re.Match[str]) -> Fraction | None:
    """Return the value without factor, scale and sign; None where it is not a number after all."""
    if found["over"] or found["bottom"] is not None or found["bottom_digit"]:
        top = _term(found["over"] or found["top_digit"] or found["top"])
        bottom = _term(found["under"] or found["bottom_digit"] or found["bottom"])
        return int(found["whole"] or found["mixed"] or 0) + top / bottom if bottom else None
    if cycle := found["square"] or found["round"] or found["line"]:
        return _repeating(found["before"], found["once"], cycle)
    if found["cycle"]:
        whole, _, once = found["known"].partition(".")
        return _repeating(whole, once, found["cycle"])
    if found["plain"] is None:
        return Fraction(1) if found["factor"] else None
    return _plain_value(found)


def _plain_value(found: re.Match[str]) -> Fraction | None:
    value = None if found["raised"] else plain_number(found["plain"])
    if value is None:
        return None
    if found["part"]:
        return value + (part(found["part"]) or 0)
    if found["exponent"]:
        return _power(value, int(found["exponent"]))
    exponent = int(found["power"] or found["exp"] or 0)
    return value * Fraction(10) ** exponent if abs(exponent) <= _MAX_EXPONENT else None


def _power(base: Fraction, exponent: int) -> Fraction | None:
    digits = max(len(str(base.numerator)), len(str(base.denominator)))
    if (not base and exponent < 0) or abs(exponent) > _MAX_EXPONENT or digits * abs(exponent) > 2 * _MAX_EXPONENT:
        return None
    return base**exponent


def _term(text: str) -> Fraction:
    """Return the value of a count, of \u03c0 or of a root, or of the count of one."""
    count, sign, number = re.match(r"\s?(-?\d*)\s?([\u03c0\u221a]?)(\d*)", text).groups()  # type: ignore[union-attr]
    value = Fraction(-1 if count == "-" else int(count or 1))
    if sign == "\u03c0":
        return value * Fraction(math.pi)
    if sign:
        root = math.isqrt(int(number))
        return value * (root if root * root == int(number) else Fraction(math.sqrt(int(number))))
    return value


def _repeating(whole: str, once: str, cycle: str) -> Fraction:
    """Return the value of "12.[1]", whose last digits repeat for ever."""
    decimals = Fraction(int(once or 0), 10 ** len(once))
    return int(whole or 0) + decimals + Fraction(int(cycle), (10 ** len(cycle) - 1) * 10 ** len(once))


def _split_decimals(last: str) -> tuple[str, str | None, str]:
    whole, mark, decimals = last.partition("," if "," in last else ".")
    return whole, None if "." in decimals or "," in decimals else mark, decimals


def _are_groups(parts: list[str]) -> bool:
    """Whether the parts are thousands: one to three digits that do not begin with 0, then groups of three."""
    first, *rest = parts
    if not rest:
        return first.isdecimal()
    return 1 <= len(first) <= _GROUP and not first.startswith("0") and all(len(part) == _GROUP for part in rest)


def _are_indian_groups(parts: list[str]) -> bool:
    """Whether the parts are lakhs and crores: one or two digits, groups of two, and three at the end."""
    first, *middle, last = parts
    return (
        1 <= len(first) <= _INDIAN_GROUP
        and not first.startswith("0")
        and len(last) == _GROUP
        and all(len(group) == _INDIAN_GROUP for group in middle)
        and bool(middle)
    )


def _joined(parts: list[str], decimals: str) -> Fraction | None:
    digits = "".join(parts)
    if not (digits + decimals).isdecimal():
        return None
    return Fraction(f"{digits or '0'}.{decimals or '0'}")
