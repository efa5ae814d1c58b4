"""Judges intents as the paper of CLINC150 reports them (Larson et al. 2019, https://arxiv.org/abs/1909.02027).

Target: `{"label": …, "labels": […]}`, as for `choice`; the label of a request that has none of the intents is `oos`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean

from harness.domain.sample import Json
from harness.domain.score import Score
from harness.scoring.choice import Choice

OUT_OF_SCOPE = "oos"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinc150:
    """1 when the answer chooses the right intent, else 0; read as `Choice` does."""

    name: str = "clinc150"
    version: str = field(default_factory=lambda: f"1-{Choice().version}")

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score; details have what was chosen, `None` when unparsed.

        Raises:
            TaskError: the target is malformed.
        """
        return Choice()(output, target)

    def metrics(self, judged: Iterable[tuple[Json, Score]]) -> Mapping[str, float]:
        """Return the accuracy on requests within scope, and the share of the others that was found to be out of it."""
        right: dict[bool, list[float]] = {False: [], True: []}
        for target, score in judged:
            right[target["label"] == OUT_OF_SCOPE].append(score.value or 0.0)
        named = {"in_scope_accuracy": right[False], "out_of_scope_recall": right[True]}
        return {name: fmean(values) for name, values in named.items() if values}
