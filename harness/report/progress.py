"""Shows the progress of a run: a live line on a terminal, plain lines elsewhere."""

import contextlib
import os
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
    """One line when a task begins and one at its end, as suits a log."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def note(self, line: str) -> None:
        """Print something other than progress on samples, such as that a model is being loaded."""
        self._say(one_line(line, limit=160))

    @contextlib.contextmanager
    def task(self, model_key: str, task: str, total: int) -> Iterator[Callable[[Scored], None]]:
        """Print what begins and how it ended; nothing where there is nothing to ask."""
        if not total:  # All answers are known already, or there is no time for any.
            yield lambda _: None
            return
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
        self._console: Any = None
        self._file = file

    def note(self, line: str) -> None:
        """Print a line that stays."""
        self._terminal().print(one_line(line, limit=160), markup=False, highlight=False)

    @contextlib.contextmanager
    def task(self, model_key: str, task: str, total: int) -> Iterator[Callable[[Scored], None]]:
        """Show the bar while the block runs."""
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns: list[Any] = [
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        ]
        with Progress(*columns, console=self._terminal(), transient=True) as bar:
            row = bar.add_task(f"{one_line(model_key, limit=40)} {task}", total=total)
            yield lambda _: bar.advance(row)

    def _terminal(self) -> Any:
        from rich.console import Console

        if self._console is None:
            # The width is passed in: the console would ask stdin and stdout, which pytest has replaced.
            self._console = Console(file=self._file, width=_columns(self._file))
        return self._console


def _columns(file: TextIO) -> int | None:
    try:
        return os.get_terminal_size(file.fileno()).columns or None
    except OSError:
        return None
