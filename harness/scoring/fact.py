"""Judges a summary by the facts that it keeps and those that it invents.

Target: `{"facts": [["12 March", "March 12"], [1250], …], "source": "the document"}` and perhaps `"max_words": 60` and
`"reference": "an ideal summary"`. A fact is a list of accepted forms, texts or numbers (a single one may stand alone).
"""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from harness.domain.sample import Json
from harness.domain.score import Score
from harness.scoring.overlap import rouge_l, rouge_tokens
from harness.scoring.pattern import lazy_pattern
from harness.scoring.quantity import cleaned, quantities
from harness.scoring.text import normalised, visible, words
from harness.scoring.verdict import graded, malformed, unparsed

_KEYS = {"facts", "source", "max_words", "reference"}
_MAX_NUMBERS = 2_000
_NAME = lazy_pattern(r"(?<=[\w,;:)] )[^\W\d_a-z][\w'-]{1,40}")
_NUMERAL = lazy_pattern(r"\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The share of facts covered, times how much is not invented, times how well the length limit is kept.

    value = covered / facts x covered / (covered + invented) x length, where length is 1 up to max_words and falls
    evenly to 0 at twice that. "Invented" counts the different numbers, and the different capitalised words within a
    sentence, that are not in the source. A text fact is covered when the summary has it as whole words, a number when
    the summary has that value. Passed at 1. Only the length limit keeps a model from copying the source, so set one.
    The details have ROUGE-L against the reference.
    """

    name: str = "facts"
    version: str = "3"

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score; details have what is missing and what is invented.

        Raises:
            TaskError: the target is malformed, or a fact is not in its own source.
        """
        facts = _target(self.name, target)
        summary = visible(output)
        length = len(words(summary))
        if not length:
            return unparsed("the summary is empty")
        found = zip(facts, _covers(normalised(summary), _numbers(summary), facts), strict=True)
        missing = [fact[0] for fact, is_there in found if not is_there]
        covered = len(facts) - len(missing)
        invented = invented_in(summary, target["source"])
        limit = target.get("max_words", length)
        share = covered / (covered + len(invented)) if covered else 0.0
        value = covered / len(facts) * share * min(1.0, max(0.0, 2 - length / limit))
        details: dict[str, Json] = {"coverage": covered / len(facts), "words": length, "missing": missing[:20]}
        if "reference" in target:
            details["rouge_l"] = rouge_l(rouge_tokens(summary), rouge_tokens(target["reference"]))[2]
        over = f"{length} words, allowed {limit}; " if length > limit else ""
        reason = f"{over}missing {missing[:5]}, invented {invented[:5]}"
        return graded(value, passed=value == 1.0, reason=reason, invented=invented[:20], **details)


def invented_in(summary: str, source: str) -> list[str]:
    """Return the numbers and names of the summary that the source does not have, sorted."""
    known = _known(source)
    numbers = {str(value) for value in _numbers(summary) - known.numbers - known.digits}
    names = {
        found[0]
        for found in _NAME.finditer(summary)
        if not known.words.issuperset(words(found[0].removesuffix("'s"))) and found[0] not in {"I'm", "I'll", "I've"}
    }
    return sorted(numbers) + sorted(names)


class _Known(NamedTuple):
    """What a source has."""

    plain: str
    numbers: frozenset[Fraction]
    digits: frozenset[Fraction]
    words: frozenset[str]


@lru_cache(maxsize=128)  # A source is judged against once for every answer, and is longer than they are.
def _known(source: str) -> _Known:
    whole = words(source)
    return _Known(
        plain=normalised(source),
        numbers=frozenset(_numbers(source)),
        digits=frozenset(Fraction(digits) for digits in _digits(source)),
        words=frozenset(whole) | {part for word in whole for part in re.split("['-]", word)},
    )


def _numbers(text: str) -> set[Fraction]:
    return {number.value for number in islice(quantities(cleaned(text)), _MAX_NUMBERS)}


def _digits(text: str) -> list[str]:
    return [found[0] for found in _NUMERAL.finditer(text) if len(found[0]) <= 30]  # noqa: PLR2004


def _covers(plain: str, numbers: AbstractSet[Fraction], facts: list[list[Any]]) -> list[bool]:
    """Return which of the facts are in a text, given its normalised form and its numbers."""

    def has(form: Any) -> bool:
        if not isinstance(form, str):
            return Fraction(str(form)) in numbers
        return re.search(rf"(?<!\w){re.escape(normalised(form))}(?!\w)", plain) is not None

    return [any(map(has, fact)) for fact in facts]


def _target(scorer: str, target: Json) -> list[list[Any]]:
    if not isinstance(target, dict) or not set(target) <= _KEYS:
        raise malformed(scorer, "facts, source, and perhaps max_words and reference", target)
    facts, source, limit = target.get("facts"), target.get("source"), target.get("max_words", 1)
    if not isinstance(source, str) or not source.strip() or not isinstance(target.get("reference", ""), str):
        raise malformed(scorer, "source, a text, and reference, a text if any", target)
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise malformed(scorer, "max_words, a whole number, 1 or more", target)
    listed = [fact if isinstance(fact, list) else [fact] for fact in facts] if isinstance(facts, list) else []
    if not listed or not all(fact and all(map(_is_form, fact)) for fact in listed):
        raise malformed(scorer, "facts, a list of lists of texts or numbers", target)
    known = _known(source)
    for fact, is_there in zip(listed, _covers(known.plain, known.numbers, listed), strict=True):
        if not is_there:
            raise malformed(scorer, f"facts that are in its source, which {fact} is not", sorted(target))
    return listed


def _is_form(form: Any) -> bool:
    if isinstance(form, str):
        return bool(words(form))
    return isinstance(form, int | float) and not isinstance(form, bool) and abs(form) < float("inf")
