"""Judges each answer by the scorer that its own target names, for tasks whose items are of several kinds.

Target: `{"kind": "number", "target": 42}`; the kind is the name of another scorer, the target is for that one.
"""

from dataclasses import dataclass

from harness.domain.sample import Json
from harness.domain.score import Score
from harness.scoring.registry import make_scorer, scorer_names
from harness.scoring.verdict import malformed


@dataclass(frozen=True, slots=True, kw_only=True)
class ByKind:
    """The score that the named scorer gives; details also have the kind.

    Attributes:
        kinds: the scorers that its targets may name, whose versions are part of its own; empty: any but itself.
    """

    kinds: tuple[str, ...] = ()
    name: str = "by_kind"

    @property
    def version(self) -> str:
        """Its own version, and those of the scorers that it may call."""
        return "1/" + ",".join(f"{kind}-{make_scorer(kind).version}" for kind in self._kinds)

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score.

        Raises:
            TaskError: the target names none of the kinds, or the target within is malformed for that scorer.
        """
        kind = target.get("kind") if isinstance(target, dict) else None
        if kind not in self._kinds or set(target) != {"kind", "target"}:
            raise malformed(self.name, f"kind, one of {', '.join(self._kinds)}, and target", target)
        score = make_scorer(kind)(output, target["target"])
        return Score(
            value=score.value, passed=score.passed, reason=score.reason, details={"kind": kind, **score.details}
        )

    @property
    def _kinds(self) -> tuple[str, ...]:
        return self.kinds or tuple(name for name in scorer_names() if name != self.name)
