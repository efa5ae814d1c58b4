"""Judges an answer that should be one label out of a closed set."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.domain.sample import Json
from harness.domain.score import Score
from harness.errors import TaskError
from harness.scoring.text import bounded, normalised, stripped, without_thinking


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """1 when the answer chooses the right label, else 0. The target is `{"label": …, "labels": […]}`.

    An answer chooses a label when it is that label, but for case, quotes and punctuation; or when its first line is;
    or when it mentions exactly one of the labels, as whole words ("not spam" is not a mention of "spam" where both are
    labels). Mentioning several, or none, chooses nothing: unparsed, and wrong.
    """

    name: str = "choice"
    version: str = "1"

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score; details tell what was chosen.

        Raises:
            TaskError: the target is malformed.
        """
        label, labels = _target(target)
        chosen = chosen_label(output, labels)
        if chosen is None:
            return Score(value=0.0, passed=False, reason="unparsed: no single label", details={"chosen": None})
        is_right = chosen == label
        reason = "" if is_right else f"chose {chosen!r}, expected {label!r}"
        return Score(value=float(is_right), passed=is_right, reason=reason, details={"chosen": chosen})


def chosen_label(output: str, labels: Sequence[str]) -> str | None:
    """Return the label that the answer chooses, or None."""
    text = without_thinking(bounded(output)).strip()
    by_form = {stripped(label): label for label in labels}
    first_line = text.partition("\n")[0]
    for candidate in (text, first_line):
        form = stripped(re.sub(r"(?i)^\W*(?:the )?(?:label|category|answer|class|intent)\W*(?:is\b)?", "", candidate))
        if form in by_form:
            return by_form[form]
    mentioned = _mentions(normalised(text), by_form)
    return by_form[mentioned.pop()] if len(mentioned) == 1 else None


def _mentions(text: str, forms: "dict[str, str]") -> set[str]:
    """Return the forms that occur as whole words; a longer one covers the shorter ones within it."""
    longest_first = sorted((form for form in forms if form), key=len, reverse=True)
    pattern = "|".join(re.escape(form) for form in longest_first)
    return set(re.findall(rf"(?<![\w-])(?:{pattern})(?![\w-])", text)) if pattern else set()


def _target(target: Json) -> tuple[str, list[str]]:
    label = target.get("label") if isinstance(target, dict) else None
    labels = target.get("labels") if isinstance(target, dict) else None
    if not isinstance(labels, list) or not all(isinstance(one, str) and stripped(one) for one in labels):
        raise TaskError(f"choice: expected a target with labels, a list of texts, got {target!r}")
    if not isinstance(label, str) or label not in labels or len({stripped(one) for one in labels}) != len(labels):
        raise TaskError(f"choice: expected one of distinct labels {labels}, got {label!r}")
    return label, labels
