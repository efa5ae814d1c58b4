"""What a run shows its user while it works."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from harness.domain.answer import Answer, KeptAnswer
from harness.domain.record import SummaryRecord
from harness.report.live.standing import PlannedModel


class Progress(Protocol):
    """Shows the user how far a run has got."""

    def expect(
        self, models: Sequence[PlannedModel], *, title: str = "", time_left: Callable[[], float] | None = None
    ) -> None:
        """Learn what is asked from now on, in this order.

        Args:
            models: that are asked, and what.
            title: such as the number of the round.
            time_left: returns the time left in the budget, in seconds; None: there is no budget.
        """
        ...

    def doing(self, model_key: str, what: str) -> None:
        """Show what a model does besides its tasks, such as loading."""
        ...

    def task(
        self, model_key: str, task: str, total: int, known: Sequence[KeptAnswer] = ()
    ) -> AbstractContextManager[Callable[[Answer], None]]:
        """Show a task while the block runs; the function that it yields is called with every answer.

        Args:
            model_key: the model that is asked.
            task: its name.
            total: how many answers are asked for.
            known: the answers that there are already.
        """
        ...

    def ended(self, cell: SummaryRecord) -> None:
        """Show what became of the task that has just been asked."""
        ...

    def note(self, line: str) -> None:
        """Show one line."""
        ...
