"""Counts and finds the parts of a text that instructions are about. Everything here is linear in the text."""

import re
from collections.abc import Callable

from harness.scoring.pattern import lazy_pattern

_WORD = lazy_pattern(r"\w+(?:['\u2019-]\w+)*")
_SENTENCE_END = lazy_pattern(r"(?<![.!?])[.!?]++[\"')\]*\u201d]{0,3}(?=\s|$)")
_ABBREVIATIONS = frozenset(
    {"mr", "mrs", "ms", "dr", "prof", "st", "vs", "e.g", "i.e", "etc", "no", "jr", "sr", "a.m", "p.m"}
)
_LOOKED_BACK = 12


def counted(pattern: re.Pattern[str]) -> Callable[[str], int]:
    """Return a function that counts the matches of a pattern."""
    return lambda text: sum(1 for _ in pattern.finditer(text))


count_words = counted(_WORD)
"""Counts words; a compound with hyphens and a contraction are one word each."""


def count_capital_words(text: str) -> int:
    """Return how many words are entirely in capitals."""
    return sum(word[0].isupper() for word in _WORD.finditer(text))


def count_sentences(text: str) -> int:
    """Return how many sentences there are. A line needs no full stop to be one; an abbreviation does not end one."""
    total = 0
    for line in text.splitlines():
        start = 0
        length = len(line.rstrip())
        for end in _SENTENCE_END.finditer(line):
            if end.end() < length and not _ends_sentence(line, end):
                continue
            total += bool(_WORD.search(line, start, end.start()))
            start = end.end()
        total += bool(_WORD.search(line, start))
    return total


def _ends_sentence(line: str, end: re.Match[str]) -> bool:
    """Return whether a mark within a line ends a sentence: not after "Dr", "e.g" or the number of a list."""
    before = line[max(0, end.start() - _LOOKED_BACK) : end.start()].split()
    return bool(before) and (end[0] != "." or (before[-1].lower() not in _ABBREVIATIONS and not before[-1].isdigit()))


def paragraphs(text: str) -> list[str]:
    """Return the parts that empty lines separate."""
    return [part for part in re.split(r"\n[ \t\r]*\n", text) if part.strip()]


def lines(text: str) -> list[str]:
    """Return the lines that are not empty."""
    return [line for line in text.splitlines() if line.strip()]


def first_words(text: str) -> frozenset[str]:
    """Return the words in lower case, of contractions and compounds the first part; without "US", the country."""
    found = (word[0] for word in _WORD.finditer(text) if word[0] != "US")
    return frozenset(re.split("['\u2019-]", word.lower(), maxsplit=1)[0] for word in found)
