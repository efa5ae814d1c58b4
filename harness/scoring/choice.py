"""Judges an answer that should be one label, or a set of labels, out of a closed set.

Target of `Choice`: `{"label": …, "labels": […]}`, and where labels are letters of options also
`{"options": {"A": "Paris", …}}`, whose texts are then accepted for their labels. Target of `Choices`:
`{"right": […], "labels": […]}`; `right` may be empty.
"""

from dataclasses import dataclass

from harness.domain.sample import Json
from harness.domain.score import Score
from harness.scoring.label_answer import chosen_label, chosen_labels
from harness.scoring.text import stripped
from harness.scoring.verdict import graded, malformed, right_or_wrong, unparsed


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """1 when the answer chooses the right label, else 0.

    `harness.scoring.label_answer` describes how an answer is read. An answer that chooses several labels, or none, is
    unparsed and scores 0. An abstention or an out-of-scope label is a label like any other.
    """

    name: str = "choice"
    version: str = "4"

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score; details have what was chosen, `None` when unparsed.

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
    An answer that chooses every label scores 0, unless every label is right.
    """

    name: str = "choices"
    version: str = "3"

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


def _target(target: Json) -> tuple[str, list[str], dict[str, str]]:
    spec = target if isinstance(target, dict) else {}
    label, options = spec.get("label"), spec.get("options", {})
    labels = _labels("choice", target)
    if not isinstance(label, str) or label not in labels:
        raise malformed("choice", "label, one of its labels", target)
    if not isinstance(options, dict) or not all(
        option in labels and isinstance(text, str) and stripped(text) for option, text in options.items()
    ):
        raise malformed("choice", "options, the texts of some labels", target)
    return label, labels, options


def _set_target(target: Json) -> tuple[set[str], list[str]]:
    labels = _labels("choices", target)
    right = target.get("right")
    if not isinstance(right, list) or not all(isinstance(label, str) and label in labels for label in right):
        raise malformed("choices", "right, a list of some of its labels", target)
    return set(right), labels


def _labels(scorer: str, target: Json) -> list[str]:
    labels = target.get("labels") if isinstance(target, dict) else None
    if (
        not isinstance(labels, list)
        or not labels
        or not all(isinstance(label, str) and stripped(label) for label in labels)
    ):
        raise malformed(scorer, "labels, a list of texts", target)
    if len({stripped(label) for label in labels}) != len(labels):
        raise malformed(scorer, "distinct labels, whatever their case and punctuation", target)
    return labels
