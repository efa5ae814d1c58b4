"""Who takes a task: one answer per task, with its risk, where `comparison` would often have to say "not decided".

A claim needs proof, but a person must choose anyway. So the answer rests on what is believed after the items seen
(`harness.stats.posterior`), and says how much it may cost:

- a **model**, if it suffices with enough confidence; of those that do, the one with the greatest expected utility;
- **primary**: keep what you use now, because no local model suffices, with the same confidence;
- **open**: neither is sure enough; the best so far is named, and how many items would probably settle it.

A model *suffices* when its mean score on items such as these reaches the yardstick: a fixed floor, or the primary's
mean less a margin where its answers to the same items are known. Utility is the score less a price for time.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.domain.candidate import height, level_of
from harness.verdict.board import Board, Standing, Yardstick
from harness.verdict.contender import DEFAULT_RULE, Contender, Rule, refusal


class AnswerKind(StrEnum):
    """The kinds of answer."""

    MODEL = "model"
    PRIMARY = "primary"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """The answer for one task.

    Attributes:
        answer: which kind it is.
        key: the model; the best so far where the answer is open or primary; None: there is no candidate.
        yardstick: the score to reach.
        standings: of all models, best first.
        regret: what the model may lose against the best one within the limits, expected utility.
        nothing_much_better: the probability that no model within the limits is more than `MUCH_BETTER` better.
        loss_to_largest: expected loss of score against the largest model; None: it is that one.
        runner_up: the next best; None: there is none.
        needed: items in all that would probably settle an open answer; None: settled, or more are unlikely to.
        is_certified: the claims hold for the model.
    """

    answer: AnswerKind
    key: str | None
    yardstick: float
    standings: tuple[Standing, ...] = ()
    regret: float | None = None
    nothing_much_better: float | None = None
    loss_to_largest: float | None = None
    runner_up: str | None = None
    needed: int | None = None
    is_certified: bool = False

    @property
    def chosen(self) -> Standing | None:
        """The standing of the model that is named."""
        return next((standing for standing in self.standings if standing.candidate.key == self.key), None)


def choose(
    candidates: Sequence[Contender],
    rule: Rule = DEFAULT_RULE,
    *,
    primary: Contender | None = None,
    most_items: int | None = None,
    seed: int = 0,
) -> Recommendation:
    """Return who takes the task.

    Nothing depends on the order of the candidates or of their items; a candidate's probability to suffice depends on
    its own answers (and the primary's) alone.

    Args:
        candidates: the models.
        rule: how to choose.
        primary: what is used now, with its answers to the same items: its mean less the margin is the yardstick.
        most_items: how many distinct items there can be; None: any number.
        seed: of the draws.

    Raises:
        ValueError: a score is outside 0 to 1, or a key occurs twice.
    """
    if len({candidate.key for candidate in candidates}) < len(candidates):
        raise ValueError("expected each model once")
    # By what was measured, not by name: renaming models changes no draw.
    ordered = sorted(candidates, key=lambda candidate: (candidate.values, candidate.size_bytes or 0, candidate.key))
    yardstick = Yardstick(rule, primary)
    standings = [
        Standing(candidate=candidate, suffices=yardstick.reached_by(candidate), refusal=refusal(candidate, rule))
        for candidate in ordered
    ]
    if all(standing.refusal for standing in standings):
        return Recommendation(answer=AnswerKind.OPEN, key=None, yardstick=yardstick.value, standings=tuple(standings))
    board = Board([standing.candidate for standing in standings if not standing.refusal], rule, seed)
    standings = sorted(map(board.placed, standings), key=_rank, reverse=True)
    eligible = [standing for standing in standings if not standing.refusal]
    sure = [standing for standing in eligible if standing.suffices >= rule.confidence]
    named = _safest(sure) if rule.is_safe else next(iter(sure), None)
    best = named or eligible[0]
    answer = AnswerKind.MODEL if named else AnswerKind.OPEN
    if named is None and all(standing.suffices <= 1 - rule.confidence for standing in eligible):
        answer = AnswerKind.PRIMARY
    return Recommendation(
        answer=answer,
        key=best.candidate.key,
        yardstick=yardstick.value,
        standings=tuple(standings),
        regret=board.regret(best.candidate),
        nothing_much_better=board.nothing_much_better(best.candidate),
        loss_to_largest=board.loss_to_largest(best.candidate),
        runner_up=next((standing.candidate.key for standing in eligible if standing is not best), None),
        needed=board.items_to_settle(yardstick, most_items) if answer is AnswerKind.OPEN else None,
        is_certified=best.candidate.is_certified,
    )


def _rank(standing: Standing) -> tuple[float, float, int, int, str]:
    """Return what standings are ordered by: utility, then certainty, then the smaller file, then less thought."""
    size = standing.candidate.size_bytes or 0
    return (
        -math.inf if standing.utility is None else standing.utility,
        standing.suffices,
        -size,
        -height(level_of(standing.candidate.key)),
        standing.candidate.key,
    )


def _safest(sure: Sequence[Standing]) -> Standing | None:
    """Return the best certified model, else the largest that suffices."""
    certified = [standing for standing in sure if standing.candidate.is_certified]
    if certified:
        return certified[0]
    return max(sure, key=lambda standing: standing.candidate.size_bytes or 0, default=None)
