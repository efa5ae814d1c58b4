"""One model on one task: what is asked, which answers are known already, what came back, and when to stop."""

from collections.abc import Collection, Mapping, Sequence

from harness.domain.answer import Answer, Job, KeptAnswers, kept
from harness.domain.generation import Outcome
from harness.domain.model import Model
from harness.domain.score import HasMetrics
from harness.run.ask.job import only
from harness.run.plan.pace import Pace
from harness.task.task import Task

_SERVER_ERRORS_IN_A_ROW = 5


class Cell:
    """One model on one task, while it is being asked.

    Args:
        task: of the samples.
        model: that is asked.
        jobs: all that belong to the cell, in planned order.
        known: answers from a run that is resumed, by the place of their job.
        pace: says what fits into the budget; None: there is no budget.

    Attributes:
        todo: the jobs to ask, in order.
        answers: what is kept of all answers so far, the known ones included.
        count: how many answers the whole cell has.
        left_out: how many of them the budget had no time for.
    """

    def __init__(
        self,
        task: Task,
        model: Model,
        jobs: Sequence[Job],
        known: Mapping[tuple[str, int], Answer],
        *,
        pace: Pace | None,
    ) -> None:
        self.answers = KeptAnswers()
        self._with_target = isinstance(task.scorer, HasMetrics)
        self.count = len(jobs)
        self.todo = _missing(task, model, jobs, known, pace)
        for answer in known.values():
            self.add(answer)
        self.left_out = len(jobs) - len(known) - len(self.todo)

    @property
    def planned(self) -> int:
        """How many answers it should rest on: all but those that the budget had no time for."""
        return self.count - self.left_out

    @property
    def is_over(self) -> bool:
        """Whether to ask nothing more: the model has crashed."""
        return self.answers.last_outcomes(_SERVER_ERRORS_IN_A_ROW) == [Outcome.SERVER_ERROR] * _SERVER_ERRORS_IN_A_ROW

    def add(self, answer: Answer) -> bool:
        """Take in the answer to a job, and tell whether the job was asked at all."""
        if answer.is_left_out:
            self.left_out += 1
            return False
        self.answers.append(kept(answer, with_target=self._with_target))
        return True


def _missing(
    task: Task, model: Model, jobs: Sequence[Job], known: Collection[tuple[str, int]], pace: Pace | None
) -> Sequence[Job]:
    if pace is not None:
        return pace.begin_cell(task, model, jobs, known)
    return only(jobs, lambda job: job.place not in known) if known else jobs
