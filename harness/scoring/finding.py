"""Judges a code review: which line has a bug of which kind, or that there is none.

Target: `{"line": 7, "kind": "off by one", "kinds": [all kinds that the prompt offers]}`; clean code is
`{"line": null, "kind": null, "kinds": […]}`. `"aliases": {"off by one": ["fencepost error"]}` adds other words for a
kind; `"tolerance": 1` accepts the lines beside it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.domain.sample import Json
from harness.domain.score import Score
from harness.scoring.answer import final_answer
from harness.scoring.json_answer import find_json
from harness.scoring.pattern import lazy_pattern
from harness.scoring.text import normalised, visible, words
from harness.scoring.verdict import graded, malformed, right_or_wrong, unparsed

_LINE = lazy_pattern(
    r"\b(?:line|lines|ln|zeile)[ \t]{0,3}(?:number|no\.?|is|=|:|#)?[ \t]{0,3}[*_`\"']{0,4}[ \t]{0,2}(\d{1,6})\b"
)
_BARE = lazy_pattern(r"^\W{0,4}l?(\d{1,6})\W{1,4}[a-z]")
_CLEAN = lazy_pattern(
    r"\bno (?:\w{1,12} )?(?:bugs?|errors?|issues?|problems?|defects?|mistakes?)\b|\bbug[- ]free\b|\bno_bug\b"
    r"|\b(?:code|it|function|everything) (?:is|looks|seems) (?:correct|clean|fine|right|good)\b"
    r"|\bfree of (?:bugs|errors)\b|\b(?:not|n't) (?:have|contain|see|find) (?:a|any) (?:bugs?|errors?|issues?)\b"
)
_NONE = frozenset({"none", "no bug", "no_bug", "nobug", "clean", "correct", "ok", "null", "n/a", "no", "no bugs"})
_KEYS = {"line", "kind", "kinds", "aliases", "tolerance"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Half for the line and half for the kind of the seeded bug; for clean code, 1 for "no bug" and 0 for an alarm.

    The answer is JSON with `line` and `kind` (null for none), or a text such as "line 7: off by one" or "no bug".
    Naming several lines or kinds counts as naming none; a list of findings scores only if it has exactly one. Passed
    at 1.
    """

    name: str = "findings"
    version: str = "2"

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score; details have the line and kind that were read, and whether it was a false alarm or a miss.

        Raises:
            TaskError: the target is malformed.
        """
        forms = _target(self.name, target)
        found = read_finding(output, forms)
        if found is None:
            return unparsed("no line, no kind, and no statement that there is no bug")
        line, kind, alarm, clean = found.line, found.kind, found.is_alarm, target["line"] is None
        details: dict[str, Json] = {
            "line": line,
            "kind": kind,
            "false_alarm": clean and alarm,
            "missed": not clean and not alarm,
        }
        shown = f"found line {line}, kind {kind}" if alarm else "found no bug"
        if clean:
            return right_or_wrong(is_right=not alarm, reason=f"{shown} in clean code", **details)
        is_near = line is not None and abs(line - target["line"]) <= target.get("tolerance", 0)
        value = (is_near + (kind == target["kind"])) / 2
        reason = f"{shown}; expected line {target['line']}, kind {target['kind']}"
        return graded(value, passed=value == 1.0, reason=reason, **details)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a review says.

    Attributes:
        line: the line; None where the review names none or several.
        kind: the kind; None in the same cases.
        is_alarm: whether the review says that there is a bug.
    """

    line: int | None = None
    kind: str | None = None
    is_alarm: bool = True


_NO_BUG = Finding(is_alarm=False)


def read_finding(output: str, forms: Mapping[str, str]) -> Finding | None:
    """Return what the answer says, or None if it names no line and no kind and does not say that there is no bug.

    `forms` maps each text that names a kind, in normalised form, to that kind.
    """
    value = find_json(output)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if value == []:
        return _NO_BUG
    if isinstance(value, list) and all(isinstance(entry, dict) and _from_json(entry, forms) for entry in value):
        return Finding()
    if isinstance(value, dict):
        return _from_json({str(key).lower(): part for key, part in value.items()}, forms)
    text = normalised(visible(output))
    final = normalised(final_answer(output))
    for part in (final, text):
        if found := _from_text(part, forms):
            return found
    return None


def _from_json(value: dict[str, Any], forms: Mapping[str, str]) -> Finding | None:
    if not {"line", "kind", "bug", "type"} & set(value):
        return None
    line = value.get("line", value.get("line_number"))
    if isinstance(line, str):
        digits = re.search(r"\d{1,6}", line)
        line = int(digits[0]) if digits else None
    named = value.get("kind", value.get("type", value.get("bug")))
    kind = _kind(normalised(named), forms) if isinstance(named, str) and normalised(named) not in _NONE else None
    number = line if isinstance(line, int) and not isinstance(line, bool) and line > 0 else None
    if number is None and kind is None and isinstance(named, str) and normalised(named) not in _NONE:
        return None
    return Finding(line=number, kind=kind, is_alarm=number is not None or kind is not None)


def _from_text(text: str, forms: Mapping[str, str]) -> Finding | None:
    lines = {int(found[1]) for found in _LINE.finditer(text)}
    if not lines and (bare := _BARE.match(text)):
        lines = {int(bare[1])}
    kind = _kind(text, forms)
    if text.strip(" .!*`\"'") in _NONE or (_CLEAN.search(text) and kind is None and not lines):
        return _NO_BUG
    if not lines and kind is None:
        return None
    return Finding(line=lines.pop() if len(lines) == 1 else None, kind=kind)


def _kind(text: str, forms: Mapping[str, str]) -> str | None:
    """Return the only kind that a text names, or None."""
    plain = f" {' '.join(_parts(text))} "
    found = {(form, kind) for form, kind in forms.items() if f" {form} " in plain}
    longest = {
        kind for form, kind in found if not any(form != other and f" {form} " in f" {other} " for other, _ in found)
    }
    return longest.pop() if len(longest) == 1 else None


def _parts(text: str) -> list[str]:
    return [part for word in words(text.replace("_", " ")) for part in word.split("-")]


def _target(scorer: str, target: Json) -> dict[str, str]:
    if not isinstance(target, dict) or not set(target) <= _KEYS or not {"line", "kind", "kinds"} <= set(target):
        raise malformed(scorer, "line, kind and kinds, and perhaps aliases and tolerance", target)
    line, kind, kinds, tolerance = target["line"], target["kind"], target["kinds"], target.get("tolerance", 0)
    if not isinstance(kinds, list) or not kinds or not all(isinstance(name, str) and _parts(name) for name in kinds):
        raise malformed(scorer, "kinds, a list of texts", target)
    is_line = isinstance(line, int) and not isinstance(line, bool) and line > 0
    if not (is_line and kind in kinds) and not (line is None and kind is None):
        raise malformed(scorer, "a line number, 1 or more, and one of its kinds, or null for both", target)
    if isinstance(tolerance, bool) or not isinstance(tolerance, int) or tolerance < 0:
        raise malformed(scorer, "tolerance, a whole number of lines", target)
    aliases = target.get("aliases", {})
    if not isinstance(aliases, dict) or not all(
        name in kinds and isinstance(texts, list) and all(isinstance(text, str) and _parts(text) for text in texts)
        for name, texts in aliases.items()
    ):
        raise malformed(scorer, "aliases, a list of texts for some kinds", target)
    forms = {" ".join(_parts(text)): name for name, texts in aliases.items() for text in texts}
    return forms | {" ".join(_parts(name)): name for name in kinds}
