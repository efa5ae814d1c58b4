"""Judges a worked solution as GSM8K's authors do (Cobbe et al. 2021, https://arxiv.org/abs/2110.14168).

Source: `extract_answer` and `is_correct` in grade_school_math/dataset.py of https://github.com/openai/grade-school-math:
the first number after `#### `, without commas, must be the target's, digit by digit. The solutions that they published
(example_model_solutions.jsonl) end in a line `A: 18` instead, so that is read as well.
"""

import re
from dataclasses import dataclass

from harness.domain.sample import Json
from harness.domain.score import Score
from harness.errors import TaskError
from harness.scoring.number import Number
from harness.scoring.pattern import lazy_pattern
from harness.scoring.text import visible
from harness.scoring.verdict import malformed, right_or_wrong, unparsed

_ANSWER = lazy_pattern(r"(?:####|^A:) (-?[0-9.,]+)", re.MULTILINE)
_PLAIN = lazy_pattern(r"-?[0-9.,]*[0-9][0-9.,]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gsm8k:
    """1 when the number after `####` is the target's, else 0; an answer without one is unparsed.

    Details have what was read, and whether the answer is right when it is read as leniently as `Number` does.
    """

    name: str = "gsm8k"
    version: str = "1"

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score.

        Raises:
            TaskError: the target is neither a solution with a final number, nor a number.
        """
        wanted = final_number(target)
        found = _final(visible(output))
        lenient = _lenient(output, wanted)
        if found is None:
            return unparsed("no number after ####", read=None, lenient=lenient)
        return right_or_wrong(
            is_right=found == wanted, reason=f"read {found}, expected {wanted}", read=found, lenient=lenient
        )


def _final(text: str) -> str | None:
    found = _ANSWER.search(text)
    return None if found is None else found[1].replace(",", "")


def final_number(target: Json) -> str:
    """Return the number that a target says is right.

    Raises:
        TaskError: the target is neither a solution with a final number, nor a number.
    """
    if isinstance(target, int | float) and not isinstance(target, bool):
        return f"{target:g}" if isinstance(target, float) else str(target)
    if isinstance(target, str):
        if (final := _final(target)) is not None:
            return final
        if _PLAIN.fullmatch(target.strip()):
            return target.strip().replace(",", "")
    raise malformed("gsm8k", "a solution that ends in '#### 18', or its number", target)


def _lenient(output: str, wanted: str) -> float | None:
    try:
        return Number()(output, wanted).value
    except TaskError:  # A target such as "1.2.3" is compared digit by digit only.
        return None
