"""What a round of a run has settled, what it asks next, and what that saves, as lines for the terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.domain.count import counted
from harness.report.text import one_line, task_label
from harness.report.yardstick import Primary, keeps
from harness.store.cell import CellKey
from harness.verdict.choose import AnswerKind
from harness.verdict.spending import is_decided
from harness.verdict.task_choice import TaskChoice


@dataclass(frozen=True, slots=True, kw_only=True)
class NextRound:
    """Which round is to begin: its number, of how many, the samples that it asks in all, whether the time is over."""

    number: int
    rounds: int
    size: int
    is_late: bool = False


def render_round(
    before: NextRound | None,
    choices: Sequence[TaskChoice],
    *,
    asked: Mapping[str, Sequence[str]],
    cells: Mapping[CellKey, int],
) -> str:
    """Return what is settled and open so far, and what the next round asks.

    Args:
        before: the round that is to begin; None: the last one has ended.
        choices: the answers so far.
        asked: by model, the tasks that it will be asked more of.
        cells: how many answers each cell lacks for the round.
    """
    settled = [f"{_task(found)} ({_answer(found)})" for found in choices if is_decided(found.choice)]
    still = [_task(found) for found in choices if not is_decided(found.choice)]
    lines = [f"Settled: {', '.join(settled) or 'nothing yet'}."]
    if still:
        lines.append(f"Open: {', '.join(still)}.")
    if before is None:
        return "\n".join([f"The rounds are over: {counted(sum(cells.values()), 'answer')} saved.", *lines])
    wanted = sum(cells.get(CellKey(key, name), 0) for key, names in asked.items() for name in names)
    saved = sum(cells.values()) - wanted
    round_ = f"Round {before.number} of {before.rounds}, {counted(before.size, 'sample')}"
    if before.is_late:
        return "\n".join([f"{round_}: left out, the budget is used up.", *lines])
    models = ", ".join(f"{one_line(key, limit=60)} {len(names)}" for key, names in asked.items() if names)
    asks = f"asks {counted(wanted, 'answer')} of {sum(cells.values()):,}, {saved:,} saved"
    head = f"{round_}: {asks}. Tasks by model: {models}."
    return "\n".join([head, *lines])


def _task(found: TaskChoice) -> str:
    return task_label(found.evidence.task, limit=60)


def _answer(found: TaskChoice) -> str:
    if found.choice.answer is AnswerKind.PRIMARY:
        return keeps(Primary.of(found))
    return one_line(found.choice.key or "", limit=60)
