"""Shows how far a run has got: a live line on a terminal, plain lines elsewhere."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol, TextIO

from harness.report.text import one_line


class Scored(Protocol):
    """What progress needs to know about an answer."""

    @property
    def outcome(self) -> str:
        """How it ended."""
        ...


class PlainProgress:
    """One line when a task begins and one at its end, as a log wants it."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    @contextlib.contextmanager
    def task(self, model_key: str, task: str, total: int) -> Iterator[Callable[[Scored], None]]:
        """Say what begins and how it ended."""
        name = f"{one_line(model_key, limit=60)} {task}"
        self._say(f"{name}: {total} samples ...")
        outcomes: dict[str, int] = {}

        def advance(answer: Scored) -> None:
            outcomes[str(answer.outcome)] = outcomes.get(str(answer.outcome), 0) + 1

        try:
            yield advance
        finally:
            self._say(f"{name}: " + ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items()))


class LiveProgress:
    """A bar with counts and time left that disappears when the task is done."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    @contextlib.contextmanager
    def task(self, model_key: str, task: str, total: int) -> Iterator[Callable[[Scored], None]]:
        """Show the bar while the block runs."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns: list[Any] = [
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        ]
        with Progress(*columns, console=Console(file=self._file), transient=True) as bar:
            row = bar.add_task(f"{one_line(model_key, limit=40)} {task}", total=total)
            yield lambda _: bar.advance(row)
