"""Judges an answer that should be one label, or a set of labels, out of a closed set.

Target of `Choice`: `{"label": …, "labels": […]}`, and where labels are letters of options also
`{"options": {"A": "Paris", …}}`, whose texts are then accepted for their labels. Target of `Choices`:
`{"right": […], "labels": […]}`; `right` may be empty.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.domain.sample import Json
from harness.domain.score import Score
from harness.scoring.answer import marked
from harness.scoring.text import normalised, stripped, visible
from harness.scoring.verdict import graded, malformed, right_or_wrong, unparsed

_MARKERS = ("answer", "label", "category", "class", "intent", "option", "choice", "sentiment", "language")
_NEGATED = re.compile(r"(?:\bnot|n't|\bneither|\bnor|\bnever|\brather than|\binstead of)(?: an?| the)?[ \"'(*]{1,3}$")
_SEVERAL = re.compile(r"[\s*_)\"'.]{0,4}(?:,|/|&|;|\bor\b|\band\b|(?=\())[\s*_(\"']{0,4}")
_NEGATION = 24
_NOTHING = frozenset({"", "none", "none of them", "none of these", "no label", "no labels", "nothing", "n/a", "null"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """1 when the answer chooses the right label, else 0.

    An answer chooses a label when the text after its last marker ("Answer: B", "The correct option is (B)"), all of
    it, its first line or its last line is that label or begins with it as with a letter of options ("B) Paris"), but
    for case, quotes and punctuation; or when it mentions exactly one of the labels as whole words ("not spam" is not a
    mention of "spam", whether or not it is a label). Choosing several, or none, is unparsed, and wrong. An abstention
    or out-of-scope label is a label like any other.
    """

    name: str = "choice"
    version: str = "3"

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score; details tell what was chosen, `None` when unparsed.

        Raises:
            TaskError: the target is malformed.
        """
        label, labels, options = _target(target)
        chosen = chosen_label(output, labels, options)
        if chosen is None:
            return unparsed("no single label", chosen=None)
        return right_or_wrong(is_right=chosen == label, reason=f"chose {chosen!r}, expected {label!r}", chosen=chosen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The F1 of the set of labels that the answer chooses; passed when the sets are equal.

    The answer is a JSON list, or a text that mentions labels; "none" chooses the empty set. Two empty sets are equal.
    Choosing every label where not every label is right is choosing nothing: 0.
    """

    name: str = "choices"
    version: str = "2"

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score; details have precision, recall and what was chosen.

        Raises:
            TaskError: the target is malformed.
        """
        right, labels = _set_target(target)
        chosen = chosen_labels(output, labels)
        if chosen is None:
            return unparsed("no labels", chosen=None)
        listed: list[Json] = sorted(chosen)
        if chosen == right:
            return graded(1.0, passed=True, reason="", chosen=listed, precision=1.0, recall=1.0)
        common = 0 if len(chosen) == len(labels) else len(chosen & right)
        return graded(
            2 * common / (len(chosen) + len(right)),
            passed=False,
            reason=f"chose {', '.join(sorted(chosen)) or 'none'}; expected {', '.join(sorted(right)) or 'none'}",
            chosen=listed,
            precision=common / len(chosen) if chosen else 0.0,
            recall=common / len(right) if right else 0.0,
        )


def chosen_label(output: str, labels: Sequence[str], options: Mapping[str, str] | None = None) -> str | None:
    """Return the label that the answer chooses, or None."""
    text = visible(output)
    by_form = _forms(labels, options or {})
    for part in marked(text, _MARKERS):
        chosen = _leading(part, by_form) or _mentions(part, by_form)
        if chosen:
            return chosen.pop() if len(chosen) == 1 else None
    lines = [line for line in text.splitlines() if line.strip()]
    alone = {by_form[form] for form in map(stripped, lines) if form in by_form}
    letters = {label for form, label in by_form.items() if len(form) == 1}
    if len(alone) > 1 or (len(letters) > 1 and _letters(text, by_form) >= letters):
        return None  # a list of the options is no choice
    for line in [text, *lines[:1], *lines[-1:]]:
        chosen = _leading(line, by_form) or set()
        if chosen:
            return chosen.pop() if len(chosen) == 1 else None
    mentioned = _mentions(text, by_form)
    return mentioned.pop() if len(mentioned) == 1 else None


def chosen_labels(output: str, labels: Sequence[str]) -> set[str] | None:
    """Return the set of labels that the answer chooses, or None where it neither mentions one nor says "none"."""
    text = visible(output)
    by_form = _forms(labels, {})
    part = next(iter(marked(text, (*_MARKERS, "answers", "labels", "categories"))), text)
    listed = _json_list(part)
    if listed is not None:
        return {by_form[stripped(one)] for one in listed if stripped(one) in by_form} if listed else set()
    if mentioned := _mentions(part, by_form) or _mentions(text, by_form):
        return mentioned
    return set() if stripped(part) in _NOTHING and part else None


def _json_list(text: str) -> list[str] | None:
    start, end = text.find("["), text.rfind("]")
    try:
        value = json.loads(text[start : end + 1]) if 0 <= start < end else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list) and all(isinstance(one, str) for one in value) else None


def _forms(labels: Sequence[str], options: Mapping[str, str]) -> dict[str, str]:
    """Return the label of every form in which it may be given."""
    return {stripped(text): label for label, text in options.items()} | {stripped(label): label for label in labels}


def _leading(text: str, by_form: Mapping[str, str]) -> set[str] | None:
    """Return the label that a text is or begins with as an option, with those that "or", "," or "/" add; else None."""
    whole = stripped(text)
    if whole in by_form:
        return {by_form[whole]}
    single = {form: label for form, label in by_form.items() if len(form) <= 2}  # noqa: PLR2004  (A to Z, 1 to 20)
    if not single:
        return None
    letters = "|".join(re.escape(form) for form in sorted(single, key=len, reverse=True))
    first = re.compile(rf"(?i)[\s*_(\[\"'#]{{0,6}}(?:(?:option|choice)\s)?[*(\[]{{0,3}}({letters})(?![\w'-])").match(
        text
    )
    if first is None:
        return None
    chosen, end = {single[first[1].casefold()]}, first.end()
    while (joint := _SEVERAL.match(text, end)) and (
        more := re.compile(rf"(?:(?:option|choice)\s)?({letters})(?![\w'-])", re.IGNORECASE).match(text, joint.end())
    ):
        chosen.add(single[more[1].casefold()])
        end = more.end()
    # "A review of …" begins with an article, not with an option.
    is_dressed = re.match(r"[)\].:,*_\"'\s]*$|[)\].:,*]|\s+(?:is|because|since|-)", text[end : end + 20])
    is_word = first[1] in {"a", "I", "i", "A"} and first[0] == first[1]
    return chosen if len(chosen) > 1 or not is_word or is_dressed else None


def _mentions(text: str, by_form: Mapping[str, str]) -> set[str]:
    """Return the labels mentioned as whole words and not negated; a longer form covers the shorter ones within it."""
    longest_first = sorted((form for form in by_form if len(form) > 1), key=len, reverse=True)
    mentioned = _letters(text, by_form)
    if longest_first:
        plain = normalised(text)
        pattern = "|".join(re.escape(form) for form in longest_first)
        for found in re.finditer(rf"(?<![\w-])(?:{pattern})(?![\w-])", plain):
            if not _NEGATED.search(plain, max(0, found.start() - _NEGATION), found.start()):
                mentioned.add(by_form[found[0]])
    return mentioned


def _letters(text: str, by_form: Mapping[str, str]) -> set[str]:
    """Return the one-letter labels mentioned as capitals; "A" and "I" are words but for an option's dress: "(A)"."""
    letters = "".join(re.escape(form.upper()) for form in by_form if len(form) == 1)
    if not letters:
        return set()
    return {
        by_form[found[0].lower()]
        for found in re.finditer(rf"(?<![\w'-])[{letters}](?![\w'-])", text)
        if not _NEGATED.search(text, max(0, found.start() - _NEGATION), found.start())
        and (found[0] not in "AI" or _is_option(text, found.start(), found.end()))
    }


def _is_option(text: str, start: int, end: int) -> bool:
    before = text[max(0, start - 8) : start].lower()
    return before.endswith(("(", "**", "[", "option ", "choice ", "letter ")) or text[end : end + 1] in {")", ":"}


def _target(target: Json) -> tuple[str, list[str], dict[str, str]]:
    spec = target if isinstance(target, dict) else {}
    label, options = spec.get("label"), spec.get("options", {})
    labels = _labels("choice", target)
    if not isinstance(label, str) or label not in labels:
        raise malformed("choice", "label, one of its labels", target)
    if not isinstance(options, dict) or not all(
        one in labels and isinstance(text, str) and stripped(text) for one, text in options.items()
    ):
        raise malformed("choice", "options, the texts of some labels", target)
    if len({stripped(text) for text in options.values()}) != len(options):
        raise malformed("choice", "options whose texts are distinct", target)
    return label, labels, options


def _set_target(target: Json) -> tuple[set[str], list[str]]:
    labels = _labels("choices", target)
    right = target.get("right")
    if not isinstance(right, list) or not all(isinstance(one, str) and one in labels for one in right):
        raise malformed("choices", "right, a list of some of its labels", target)
    return set(right), labels


def _labels(scorer: str, target: Json) -> list[str]:
    labels = target.get("labels") if isinstance(target, dict) else None
    if not isinstance(labels, list) or not labels or not all(isinstance(one, str) and stripped(one) for one in labels):
        raise malformed(scorer, "labels, a list of texts", target)
    if len({stripped(one) for one in labels}) != len(labels):
        raise malformed(scorer, "distinct labels, whatever their case and punctuation", target)
    return labels
