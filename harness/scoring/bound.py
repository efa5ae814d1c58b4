"""The one place that bounds the text that scorers look at, so that no answer costs more than a second.

Two things make Unicode text expensive. A character may normalise to 18 others (U+FDFA), so a bound on the raw text does
not bound what is compared. And Unicode's canonical ordering sorts each run of combining marks, in quadratic time in
CPython: 100,000 marks in a row took 20 s. So runs are cut as in the Stream-Safe Text Format of Unicode's UAX #15.
"""

import re
import unicodedata
from collections import Counter
from functools import lru_cache

MAX_CHARS = 200_000
"""Scorers look at no more characters than this, before and after normalisation: no task needs more."""

_MAX_MARKS = 30
# These are not combining marks themselves, but their decomposition begins with one.
_HIDDEN_MARKS = frozenset("\u0344\u0f73\u0f75\u0f81")


def bounded(output: str) -> str:
    """Return the part of an answer that scorers look at: text whose normal form has at most 200,000 characters.

    Combining marks after the 30th in a row are left out; no language has as many. A bounded text is returned unchanged.
    """
    text = output[:MAX_CHARS]
    if text.isascii():
        return text
    text = _with_short_runs(text)
    lengths = {character: _normal_length(character) for character in set(text)}
    if sum(count * lengths[character] for character, count in Counter(text).items()) <= MAX_CHARS:
        return text
    total = 0
    for place, character in enumerate(text):
        total += lengths[character]
        if total > MAX_CHARS:
            return text[:place]
    return text


def is_cut(output: str) -> bool:
    """Return whether scorers see less than the whole answer."""
    return len(bounded(output)) < len(output)


def _with_short_runs(text: str) -> str:
    marks = "".join(sorted(character for character in set(text) if _is_mark(character)))
    if not marks:
        return text
    kind = f"[{re.escape(marks)}]"
    return re.sub(f"({kind}{{{_MAX_MARKS}}}){kind}+", r"\1", text)


@lru_cache(maxsize=4_096)
def _is_mark(character: str) -> bool:
    return unicodedata.combining(character) > 0 or character in _HIDDEN_MARKS


@lru_cache(maxsize=4_096)
def _normal_length(character: str) -> int:
    return max(1, len(unicodedata.normalize("NFKC", character).casefold()))
