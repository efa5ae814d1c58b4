"""What a run shows its user while it works."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from harness.domain.answer import Answer


class Progress(Protocol):
    """Shows the user how far a run has got."""

    def task(self, model_key: str, task: str, total: int) -> AbstractContextManager[Callable[[Answer], None]]:
        """Show a task while the block runs; the function that it yields is called with every answer."""
        ...

    def note(self, line: str) -> None:
        """Show one line."""
        ...
