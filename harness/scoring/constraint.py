"""Judges whether an answer keeps verifiable instructions, in the spirit of IFEval (https://arxiv.org/abs/2311.07911).

Target: `{"constraints": [{"kind": "words", "min": 50, "max": 80}, {"kind": "no_comma"}, …]}`. The kinds and their
parameters are in `harness.scoring.constraint_kind`, and in docs/scorers.md.
"""

from dataclasses import dataclass

from harness.domain.sample import Json
from harness.domain.score import Score
from harness.errors import TaskError
from harness.scoring.constraint_kind import KINDS, Check
from harness.scoring.text import visible
from harness.scoring.verdict import graded, malformed, unparsed


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """The share of the instructions that the answer keeps; passed when it keeps all. An empty answer keeps none.

    Strict judges the answer as it is. Loose also tries it without its first line, its last line, both, and each of
    these without Markdown's asterisks; an instruction is kept when any of these keeps it. Details always have both.

    Attributes:
        is_loose: whether the value and `passed` are the loose ones.
        needs_all: whether the value is 0 unless all are kept; the shares stay in the details.
    """

    is_loose: bool = False
    needs_all: bool = False
    version: str = "3"

    @property
    def name(self) -> str:
        """`constraints`, `constraints_loose`, `constraints_all` or `constraints_all_loose`."""
        return f"constraints{'_all' if self.needs_all else ''}{'_loose' if self.is_loose else ''}"

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score; details name the instructions that are broken.

        Raises:
            TaskError: a kind is unknown, or a parameter is missing, unknown or malformed.
        """
        checks = _target(target)
        text = visible(output)
        if not text:
            return unparsed("the answer is empty")
        strict = [check(text) for check in checks]
        variants = _variants(text)
        loose = [
            not why or any(not check(variant) for variant in variants)
            for check, why in zip(checks, strict, strict=True)
        ]
        kept = loose if self.is_loose else [not why for why in strict]
        kinds = [constraint["kind"] for constraint in target["constraints"]]
        broken = [f"{kind}: {why}" for kind, why, is_kept in zip(kinds, strict, kept, strict=True) if not is_kept]
        return graded(
            float(not broken) if self.needs_all else sum(kept) / len(kept),
            passed=not broken,
            reason="; ".join(broken),
            broken=[why[:150] for why in broken],
            strict=sum(not why for why in strict) / len(strict),
            loose=sum(loose) / len(loose),
        )


def _variants(text: str) -> list[str]:
    """Return other readings: without the first line, the last, or both, and all of these without asterisks."""
    lines = text.split("\n")
    cuts = ["\n".join(cut).strip() for cut in (lines[1:], lines[:-1], lines[1:-1])]
    variants = dict.fromkeys([*cuts, *(part.replace("*", "") for part in (text, *cuts))])
    return [variant for variant in variants if variant.strip() and variant != text]


def _target(target: Json) -> list[Check]:
    constraints = target.get("constraints") if isinstance(target, dict) else None
    if not isinstance(constraints, list) or not constraints:
        raise malformed("constraints", "constraints, a list of objects with a kind", target)
    checks = []
    for constraint in constraints:
        kind = constraint.get("kind") if isinstance(constraint, dict) else None
        if not isinstance(kind, str) or kind not in KINDS:
            raise malformed("constraints", f"a kind out of {', '.join(sorted(KINDS))}", constraint)
        try:
            checks.append(KINDS[kind](**{key: value for key, value in constraint.items() if key != "kind"}))
        except TaskError:
            raise
        except (TypeError, ValueError) as exc:
            raise malformed("constraints", f"the parameters of {kind} ({exc})", constraint) from exc
    return checks
