# ruff: noqa: RUF001  (the ideograph zero looks like the letter O)
"""Reads numbers in words: "one hundred and twenty-three", "four and a half", "three quarters", "minus seven".

English, single words of German, French and Spanish, and the digits and tens of Chinese and Japanese ("二十四"). Words
are read from left to right: hundred and the like multiply what stands before them, a fraction follows a count ("three
quarters"), "and" goes on only where a number can ("two hundred and five", not "five and six").
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from harness.scoring.pattern import lazy_pattern

ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_UNITS = {word: value for value, word in enumerate(ONES)} | {word: 10 * n for n, word in enumerate(_TENS, 2)}
SCALES = {
    "dozen": 12,
    "hundred": 100,
    "thousand": 10**3,
    "lakh": 10**5,
    "million": 10**6,
    "crore": 10**7,
    "billion": 10**9,
} | {"trillion": 10**12}
_FOREIGN = (
    (1, ("eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf")),
    (13, ("dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn", "zwanzig")),
    (2, ("deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze", "douze", "treize")),
    (14, ("quatorze", "quinze")),
    (1, ("uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez")),
    (12, ("doce", "trece", "catorce", "quince", "dieciséis", "diecisiete", "dieciocho", "diecinueve", "veinte")),
)
"""German, French and Spanish numbers from a first one on, without English words (null, once, seize, cent)."""
_UNITS |= {word: value for first, words in _FOREIGN for value, word in enumerate(words, first)}
_PARTS = {"half": 2, "halves": 2, "quarter": 4, "quarters": 4} | {
    f"{name}{ending}": n
    for n, name in ((3, "third"), (4, "fourth"), (5, "fifth"), (6, "sixth"), (8, "eighth"), (10, "tenth"))
    for ending in ("", "s")
}
_COUNT = "an?|one|two|three|four|five|six|seven|eight|nine"
_NUMERALS = "|".join(sorted({*_UNITS, *SCALES}, key=len, reverse=True))
_ANY = rf"(?:(?:{_COUNT})[-\s](?:{'|'.join(_PARTS)})|half|(?:an?\s(?={'|'.join(SCALES)}))?(?:{_NUMERALS}))\b"
_RUN = lazy_pattern(
    rf"(?i)(?:\b(?P<sign>minus|negative|moins|menos)\s)?\b{_ANY}(?:(?:\s?-\s?|\s)(?:(?:and|point)\s)?{_ANY}){{0,20}}"
)
_TOKEN = lazy_pattern(
    rf"(?i)\b(?:(?:(?P<count>{_COUNT})[-\s])?(?P<part>{'|'.join(sorted(_PARTS, key=len, reverse=True))})\b"
    rf"|(?P<link>minus|negative|moins|menos|and|point|an?)\b|(?:{_NUMERALS})\b)"
)
_PERCENT = lazy_pattern(r"\s?(?:percent\b|per cent\b|%)", re.IGNORECASE)
_PERCENT_AFTER_WORD = lazy_pattern(rf"(?<=[a-z])(?:{_PERCENT.pattern})", re.IGNORECASE)
_IDEOGRAPHS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_POWERS = {"十": 10, "百": 100, "千": 1000}
_IDEOGRAPH_RUN = lazy_pattern(rf"[{''.join([*_IDEOGRAPHS, *_POWERS])}]{{1,12}}")


def spelled(text: str) -> Iterator[tuple[Fraction, int, int]]:
    """Yield value, start and end of each number in words; "third" alone is an ordinal."""
    for run in _RUN.finditer(text):
        yield from _values(run)
    for run in _IDEOGRAPH_RUN.finditer(text):
        if len(run[0]) > 1:  # 一 alone is mostly "a".
            yield Fraction(_from_ideographs(run[0])), run.start(), run.end()


def with_percent_in_digits(text: str) -> str:
    """Return the text with "twenty-five percent" as "25%"."""
    if not _PERCENT_AFTER_WORD.search(text):  # As the words are many, looking for them takes longest.
        return text
    kept: list[str] = []
    at = 0
    for value, start, end in spelled(text):
        if (percent := _PERCENT.match(text, end)) and value.denominator == 1:
            kept += [text[at:start], f"{value}%"]
            at = percent.end()
    return "".join([*kept, text[at:]])


def part(words: str) -> Fraction | None:
    """Return the value of "a half", "three quarters"; None where the words are no such part."""
    found = [value for value, _, _ in spelled(words)]
    return found[0] if len(found) == 1 and 0 < found[0] < 1 else None


@dataclass(slots=True)
class _Sum:
    """A number of which the words are taken one by one.

    Attributes:
        total: the thousands, millions and parts so far.
        current: the hundreds, tens and ones so far; None before the first.
        decimals: the digits after "point".
    """

    total: Fraction = Fraction(0)
    current: int | None = None
    decimals: str = ""

    @property
    def value(self) -> Fraction:
        """The number so far."""
        return self.total + (self.current or 0) + Fraction(int(self.decimals or 0), 10 ** len(self.decimals))

    def take(self, word: str, link: str) -> bool:
        """Add a word that "and" or "point" may precede; False where the word begins another number."""
        if link == "point" or (self.decimals and not link and _UNITS.get(word, 10) < 10):  # noqa: PLR2004  (a digit)
            self.decimals += str(_UNITS.get(word, ""))[:1]
        elif word in SCALES and self.total.denominator > 1:  # "one and a half million"
            self.total, self.current = self.value * SCALES[word], 0
        elif word in SCALES:
            self.current = (self.current or 1) * SCALES[word]
            if word != "hundred":
                self.total, self.current = self.total + self.current, 0
        elif self.current is None or self._continues(_UNITS[word], link):
            self.current = (self.current or 0) + _UNITS[word]
        else:
            return False
        return True

    def _continues(self, value: int, link: str) -> bool:
        """Whether the number goes on: "hundred and five", "twenty-one"; not "five six" or "twenty and one"."""
        if self.decimals:
            return False
        current = self.current or 0
        return current % 100 == 0 or (not link and current % 10 == 0 and current % 100 >= 20 and 0 < value < 10)  # noqa: PLR2004


def _values(run: re.Match[str]) -> Iterator[tuple[Fraction, int, int]]:
    """Split a run of number words into numbers, as two of them may follow each other."""
    sign = -1 if run["sign"] else 1
    number, begin, end, link = _Sum(), run.start(), run.start(), ""
    for token in _TOKEN.finditer(run[0]):
        word = token[0].lower()
        if token["link"]:
            link = word if word in {"and", "point"} else link
            continue
        if token["part"]:
            is_taken = link == "and" or end == run.start()
            fraction = Fraction(_UNITS.get((token["count"] or "").lower(), 1), _PARTS[token["part"].lower()])
        else:
            is_taken, fraction = number.take(word, link), Fraction(0)
        if not is_taken:
            yield sign * number.value, begin, end
            number, begin, sign = _Sum(), run.start() + token.start(), 1
            if not token["part"]:
                number.take(word, "")
        number.total += fraction
        link, end = "", run.start() + token.end()
    if end > run.start():
        yield sign * number.value, begin, end


def _from_ideographs(text: str) -> int:
    total = current = 0
    for char in text:
        if char in _POWERS:
            total, current = total + (current or 1) * _POWERS[char], 0
        else:
            current = current * 10 + _IDEOGRAPHS[char] if total == 0 else _IDEOGRAPHS[char]
    return total + current
