"""Judges a list of ideas: whether there are enough, whether they differ, whether each keeps the rules.

Target: `{"count": 5}` and any of `"max_words"`, `"min_words"` per idea, `"include"` and `"exclude"` (lists of words:
each idea has at least one, or none of them), `"similarity"` (0 to 100, from which two ideas are the same; 85).
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from harness.domain.sample import Json
from harness.domain.score import Score
from harness.scoring.json_answer import find_list
from harness.scoring.pattern import lazy_pattern
from harness.scoring.text import visible, words
from harness.scoring.verdict import graded, malformed, unparsed

_MAX_IDEAS = 200
_MAX_IDEA = 500
_SIMILARITY = 85.0
_MARK = lazy_pattern(r"^[ \t]{0,20}(?:[-*\u2022+]|\d{1,3}[.):]|#{1,6})[ \t]+", re.MULTILINE)
_KEYS = {"count", "max_words", "min_words", "include", "exclude", "similarity"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ideas:
    """The number of distinct ideas that keep the rules, divided by the ideas wanted or given, whichever is more.

    Ideas are the texts of a JSON list, else the lines with a bullet or number, else the lines. Two are the same when
    their words are, in any order, or when rapidfuzz's token-sort ratio reaches the similarity. At most 200 ideas of
    500 characters are read. Passed at 1.
    """

    name: str = "ideas"
    version: str = "2"

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score; details have how many were given, were distinct and kept the rules.

        Raises:
            TaskError: the target is malformed.
        """
        spec = _target(self.name, target)
        ideas = [idea for idea in listed_ideas(output, may_be_one=spec["count"] == 1)[: _MAX_IDEAS + 1] if words(idea)]
        if not ideas:
            return unparsed("no ideas")
        different = distinct(ideas[:_MAX_IDEAS], spec.get("similarity", _SIMILARITY))
        good = [idea for idea in different if _keeps_rules(idea, spec)]
        value = min(len(good), spec["count"]) / max(len(ideas), spec["count"])
        return graded(
            value,
            passed=value == 1.0,
            reason=f"{len(ideas)} ideas, {len(different)} distinct, {len(good)} keep the rules; wanted {spec['count']}",
            ideas=len(ideas),
            distinct=len(different),
            by_the_rules=len(good),
        )


def listed_ideas(output: str, *, may_be_one: bool = False) -> list[str]:
    """Return the ideas of an answer, each without its bullet or number, at most 500 characters of each.

    A single line without a bullet or number is not a list, unless `may_be_one`.
    """
    values = find_list(output)
    if values is not None and all(isinstance(value, str | dict) for value in values):
        return [(value if isinstance(value, str) else json.dumps(value))[:_MAX_IDEA] for value in values]
    lines = [line for line in visible(output).splitlines() if line.strip()]
    marked = [line for line in lines if _MARK.match(line) and not line.lstrip().startswith("#")]
    if len(lines) == 1 and not marked and not may_be_one:
        return []
    return [_MARK.sub("", line).strip(" *_\"'")[:_MAX_IDEA] for line in marked or lines]


def distinct(ideas: list[str], similarity: float) -> list[str]:
    """Return the ideas without those that repeat an earlier one."""
    from rapidfuzz import fuzz

    kept: list[tuple[str, str]] = []
    for idea in ideas:
        form = " ".join(sorted(words(idea)))
        if not any(form == other or fuzz.ratio(form, other) >= similarity for _, other in kept):
            kept.append((idea, form))
    return [idea for idea, _ in kept]


def _keeps_rules(idea: str, spec: dict[str, Any]) -> bool:
    found = words(idea)
    if not spec.get("min_words", 0) <= len(found) <= spec.get("max_words", _MAX_IDEA):
        return False
    text = f" {' '.join(found)} "
    has = [f" {' '.join(words(word))} " in text for word in spec.get("include", [])]
    return (not has or any(has)) and not any(f" {' '.join(words(word))} " in text for word in spec.get("exclude", []))


def _target(scorer: str, target: Json) -> dict[str, Any]:
    if not isinstance(target, dict) or not set(target) <= _KEYS:
        raise malformed(scorer, f"count and any of {', '.join(sorted(_KEYS - {'count'}))}", target)
    for key in {"count", "max_words", "min_words"} & set(target) | {"count"}:
        value = target.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MAX_IDEAS:
            raise malformed(scorer, f"{key}, a whole number from 1 to {_MAX_IDEAS}", target)
    for key in ("include", "exclude"):
        value = target.get(key, ["x"])
        if not isinstance(value, list) or not value or not all(isinstance(word, str) and words(word) for word in value):
            raise malformed(scorer, f"{key}, a list of words", target)
    similarity = target.get("similarity", _SIMILARITY)
    if isinstance(similarity, bool) or not isinstance(similarity, int | float) or not 0 < similarity <= 100:  # noqa: PLR2004
        raise malformed(scorer, "similarity, above 0 and up to 100", target)
    return target
