"""Shows the progress of a run in plain lines, as suits a log. On a terminal, `live` does more."""

import contextlib
from collections.abc import Callable, Iterator, Sequence

from harness.domain.answer import Answer, KeptAnswer
from harness.domain.count import counted
from harness.domain.record import SummaryRecord
from harness.report.live.standing import PlannedModel
from harness.report.text import one_line


class PlainProgress:
    """One line when a task begins and one at its end, as suits a log."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def note(self, line: str) -> None:
        """Print something other than progress on samples, such as that a model is being loaded."""
        self._say(one_line(line, limit=160))

    def expect(
        self, models: Sequence[PlannedModel], *, title: str = "", time_left: Callable[[], float] | None = None
    ) -> None:
        """Print nothing: the plan was printed already."""

    def doing(self, model_key: str, what: str) -> None:
        """Print nothing: what takes long is also noted."""

    def ended(self, cell: SummaryRecord) -> None:
        """Print nothing: the end of the task was printed."""

    @contextlib.contextmanager
    def task(
        self,
        model_key: str,
        task: str,
        total: int,
        known: Sequence[KeptAnswer] = (),  # noqa: ARG002  (as the protocol)
    ) -> Iterator[Callable[[Answer], None]]:
        """Print what begins and how it ended; nothing where there is nothing to ask."""
        if not total:  # All answers are known already, or there is no time for any.
            yield lambda _: None
            return
        name = f"{one_line(model_key, limit=60)} {task}"
        self._say(f"{name}: {counted(total, 'sample')} ...")
        outcomes: dict[str, int] = {}

        def advance(answer: Answer) -> None:
            outcomes[str(answer.outcome)] = outcomes.get(str(answer.outcome), 0) + 1

        try:
            yield advance
        finally:
            answered, counts = sum(outcomes.values()), [f"{count} {outcome}" for outcome, count in outcomes.items()]
            # Ctrl-C, a crash of the server, or the end of a budget.
            stopped = [f"stopped after {answered} of {total}"] if answered < total else []
            self._say(f"{name}: {', '.join([*stopped, *counts])}")
