"""Judges an answer by a row of IFEval's data set (Zhou et al. 2023, https://arxiv.org/abs/2311.07911).

Target: an object with the row's `instruction_id_list` and `kwargs`; other keys are ignored. Source of the four figures:
`print_report` in evaluation_lib.py of https://github.com/google-research/google-research, folder
instruction_following_eval. The instructions are in `harness.scoring.ifeval`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.domain.sample import Json
from harness.domain.score import Score
from harness.scoring.constraint import Constraints
from harness.scoring.verdict import graded, malformed


@dataclass(frozen=True, slots=True, kw_only=True)
class IfEval:
    """1 when the answer follows all instructions of the row, read strictly, else 0."""

    name: str = "ifeval"
    version: str = "1"

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score; details have how many instructions were followed, read strictly and loosely.

        Raises:
            TaskError: the target is not such a row, or a parameter is missing, unknown or malformed.
        """
        constraints = _constraints(target)
        score = Constraints(needs_all=True)(output, {"constraints": constraints})
        count = len(constraints)
        # An answer that is empty follows nothing, and has no shares.
        strict, loose = (round(float(score.details.get(way) or 0) * count) for way in ("strict", "loose"))
        return graded(
            float(score.passed is True),
            passed=score.passed is True,
            reason=score.reason,
            instructions=count,
            strict=strict,
            loose=loose,
            broken=score.details.get("broken", []),
        )

    def metrics(self, judged: Iterable[tuple[Json, Score]]) -> Mapping[str, float]:
        """Return the four accuracies of the paper: of prompts and of instructions, read strictly and loosely."""
        prompts, instructions = 0, 0
        whole, kept = {"strict": 0, "loose": 0}, {"strict": 0, "loose": 0}
        for target, score in judged:
            count = len(_constraints(target))
            prompts, instructions = prompts + 1, instructions + count
            for way in whole:
                followed: Any = score.details.get(way, 0)
                kept[way] += followed
                whole[way] += followed == count
        return {
            f"{level}_{way}": done[way] / total
            for way in whole
            for level, done, total in (("prompt", whole, prompts), ("instruction", kept, instructions))
            if total
        }


def _constraints(target: Json) -> list[dict[str, Any]]:
    row = target if isinstance(target, dict) else {}
    names, parameters = row.get("instruction_id_list"), row.get("kwargs")
    if (
        not isinstance(names, list)
        or not names
        or not isinstance(parameters, list)
        or len(names) != len(parameters)
        or not all(isinstance(given, dict | None) for given in parameters)
    ):
        raise malformed("ifeval", "instruction_id_list and kwargs, lists of one length", target)
    return [{**(given or {}), "kind": name} for name, given in zip(names, parameters, strict=True)]
