"""The answer for one task of the runs that were read, and by which rule a run's own end gives it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.domain.record import RunRecord
from harness.settings import Settings
from harness.store.run_file import RunFile
from harness.verdict.choose import Recommendation, choose
from harness.verdict.contender import DEFAULT_RULE, Contender, Rule
from harness.verdict.evidence import TaskEvidence, certified, gather, yardstick_of
from harness.verdict.spending import to_ask
from harness.verdict.supply import Supply


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskChoice:
    """The answer for one task, and what it rests on.

    Attributes:
        evidence: what is known of the models.
        choice: the answer.
        primary: the yardstick, where its answers to the task are known.
        primary_name: what the user named as used now; it may have no answers to this task.
    """

    evidence: TaskEvidence
    choice: Recommendation
    primary: Contender | None = None
    primary_name: str | None = None

    def to_ask(self) -> tuple[str, ...]:
        """Return the keys of the models that are asked more: with candidates their yardstick, on the same items."""
        keys = to_ask(self.choice)
        return (*keys, self.primary.key) if keys and self.primary is not None else keys


def recommended(
    evidence: TaskEvidence,
    rule: Rule,
    *,
    primary: Contender | None = None,
    primary_name: str | None = None,
    supply: Supply | None = None,
) -> TaskChoice:
    """Return who takes a task.

    Args:
        evidence: what is known of the models.
        rule: how to choose.
        primary: what is used now, with its answers: the yardstick, and no candidate.
        primary_name: what the user named as used now.
        supply: how many items the task can give; no more are asked for. None: any number.
    """
    local = [certified(candidate, rule, primary) for candidate in evidence.candidates if candidate is not primary]
    choice = choose(local, rule, primary=primary)
    if choice.needed is not None and supply is not None and not supply.has(evidence.task, choice.needed):
        choice = replace(choice, needed=None)
    return TaskChoice(evidence=evidence, choice=choice, primary=primary, primary_name=primary_name)


def choices_of(run: RunFile, supply: Supply | None = None) -> Sequence[TaskChoice]:
    """Return the answers that a run ends with: by the usual rule, with the floors, margin and primary of its user."""
    primary = run.header.settings.get("primary") if run.header else None
    return [
        recommended(
            evidence,
            rule_of(run.header, evidence.task),
            primary=yardstick_of(evidence, primary or ""),
            primary_name=primary or None,
            supply=supply,
        )
        for evidence in gather([run])
    ]


def with_own_floor(rule: Rule, run: RunRecord | None, task: str) -> Rule:
    """Return the rule with the floor that the task itself has, where it has one."""
    return with_floor(rule, run.plan.get("floors", {}).get(task) if run else None)


def with_floor(rule: Rule, floor: object) -> Rule:
    """Return the rule with this floor; as it is where that is not a number from 0 to 1."""
    if not isinstance(floor, int | float) or isinstance(floor, bool) or not 0 <= floor <= 1:
        return rule
    return replace(rule, floor=floor)


def rule_of(run: RunRecord | None, task: str) -> Rule:
    """Return the rule for a task of a run: the user's floor and margin, where they set them, else the defaults.

    A floor of the task's own goes before the default.
    """
    if run is None:
        return DEFAULT_RULE
    floors = run.settings.get("floors") or {}
    margin = run.settings.get("margin", Settings().margin)
    # By value: a resumed run has all settings of its parent, those that were defaults too.
    return Rule(
        floor=floors.get(task, with_own_floor(DEFAULT_RULE, run, task).floor),
        margin=DEFAULT_RULE.margin if margin == Settings().margin else margin,
    )
