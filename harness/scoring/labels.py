"""Judges a classification: exactly the right label, or exactly the right set of them.

Target: `{"label": …, "labels": […]}` as for `Choice`, or `{"right": […], "labels": […]}` as for `Choices`, so that one
task can ask for one label here and for several there.
"""

from dataclasses import dataclass, replace

from harness.domain.sample import Json
from harness.domain.score import Score
from harness.scoring.choice import Choice, Choices
from harness.scoring.verdict import malformed


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """1 when the answer chooses exactly the right labels, else 0: the mean is the accuracy (of sets: subset accuracy).

    Details have `right` and `chosen`, lists of labels, `chosen` None where the answer is unparsed; macro-F1 and the
    number of unparsed answers follow from them. Answers are read as `Choice` and `Choices` read them.
    """

    name: str = "labels"
    version: str = "3"

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score.

        Raises:
            TaskError: the target is malformed.
        """
        spec = target if isinstance(target, dict) else {}
        if ("label" in spec) == ("right" in spec):
            raise malformed(self.name, "either label or right, and labels", target)
        if "label" in spec:
            score = Choice()(output, target)
            label = score.details["chosen"]
            chosen: Json = None if label is None else [label]
            right: Json = [spec["label"]]
        else:
            score = Choices()(output, target)
            chosen, right = score.details["chosen"], sorted(spec["right"])
        details = {**score.details, "right": right, "chosen": chosen}
        return replace(score, value=float(bool(score.passed)), details=details)
