"""A double of what a run shows."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from harness.domain.answer import Answer, KeptAnswer
from harness.domain.record import SummaryRecord
from harness.report.live.standing import PlannedModel


class Silent:
    """Shows no progress, and remembers what it should have shown."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.expected: list[tuple[Sequence[PlannedModel], str]] = []

    def note(self, line: str) -> None:
        self.notes.append(line)

    def expect(
        self, models: Sequence[PlannedModel], *, title: str = "", time_left: Callable[[], float] | None = None
    ) -> None:
        self.expected.append((models, title))

    def doing(self, model_key: str, what: str) -> None:
        """Show nothing."""

    def ended(self, cell: SummaryRecord) -> None:
        """Show nothing."""

    @contextmanager
    def task(
        self, model_key: str, task: str, total: int, known: Sequence[KeptAnswer] = ()
    ) -> Iterator[Callable[[Answer], None]]:
        yield lambda _: None
