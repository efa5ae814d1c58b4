"""What a model has to reach, and what "your primary" is: the words for the rule behind each answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from harness.verdict.choose import AnswerKind, Recommendation
from harness.verdict.contender import Contender, Rule
from harness.verdict.task_choice import TaskChoice

_MOST_NAMED = 4
YOUR_PRIMARY, NONE_SUFFICES = "your primary", "none suffices"


@dataclass(frozen=True, slots=True, kw_only=True)
class Primary:
    """What is used now, as far as a task is concerned.

    Attributes:
        name: the key or name that the user gave; None: none was named.
        answers: what it scored on the task, which is then the yardstick; None: the task's floor is.
    """

    name: str | None = None
    answers: Contender | None = None

    @classmethod
    def of(cls, found: TaskChoice) -> Self:
        """Return the primary that an answer rests on."""
        return cls(name=found.primary_name, answers=found.primary)

    @property
    def is_without_answers(self) -> bool:
        """Whether one is named that says nothing of this task, such as a chat model of a task for embedding models."""
        return self.name is not None and self.answers is None


NOT_NAMED = Primary()


def keeps(primary: Primary) -> str:
    """Return what the table says where no model suffices."""
    return NONE_SUFFICES if primary.is_without_answers else YOUR_PRIMARY


def kept(primary: Primary, best: str, name: Callable[[str], str]) -> str:
    """Return the same as a sentence, with the best model that was asked."""
    if primary.is_without_answers:
        return f"none suffices; the best is {best}"
    if primary.name is None:
        return f"keep your primary, as none of these suffices; the best is {best}"
    return f"keep your primary, {name(primary.name)}; the best of the others is {best}"


def from_which_score(choice: Recommendation, primary: Primary, rule: Rule, name: Callable[[str], str]) -> str:
    """Return from which score a model suffices, and by which rule."""
    if primary.answers is not None and primary.name is not None:
        why = f"{primary.answers.score or 0.0:.2f} of {name(primary.name)} less {rule.margin:.2f}"
    elif primary.name is not None:
        why = f"the floor, as {name(primary.name)} has no answers to this task"
    else:
        why = "the floor"
    return f"a score of {choice.yardstick:.2f} ({why})"


def legend(shown: Sequence[tuple[str, Primary, Recommendation]], rule: Rule, name: Callable[[str], str]) -> str:
    """Return what "your primary" means in a table of tasks, and where another rule holds; "" where neither matters."""
    named = next((primary.name for _, primary, _ in shown if primary.name is not None), None)
    is_kept = any(
        choice.answer is AnswerKind.PRIMARY and not primary.is_without_answers for _, primary, choice in shown
    )
    if named is None:
        return f"{YOUR_PRIMARY}: kept, as none suffices." * is_kept
    parts = []
    if is_kept:
        parts.append(f"{YOUR_PRIMARY}: {name(named)}, as no other model reaches its score less {rule.margin:.2f}.")
    if floored := [(task, choice) for task, primary, choice in shown if primary.is_without_answers]:
        tasks = ", ".join(f"{task} ({choice.yardstick:.2f})" for task, choice in floored[:_MOST_NAMED])
        tasks += f" and {len(floored) - _MOST_NAMED} more" * (len(floored) > _MOST_NAMED)
        parts.append(f"{name(named)} has no answers to these tasks, where a floor is to be reached instead: {tasks}.")
        if any(choice.answer is AnswerKind.PRIMARY for _, choice in floored):
            parts.append(f"{NONE_SUFFICES}: no model reaches it, so keep what you use now.")
    return " ".join(parts)
