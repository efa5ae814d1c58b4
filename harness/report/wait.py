"""Shows that something is in progress: a spinner with the elapsed seconds on a terminal, nothing elsewhere."""

import contextlib
from collections.abc import Iterator
from typing import Any, TextIO

from harness.report.stop import suspendable
from harness.report.text import one_line


@contextlib.contextmanager
def waiting(line: str, file: TextIO) -> Iterator[None]:
    """Show `line` and the elapsed time on `file`, if that is a terminal, while the block runs."""
    if not file.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns: list[Any] = [SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()]
    bar = Progress(*columns, console=Console(file=file), transient=True)
    bar.add_task(one_line(line, limit=80), total=None)
    with suspendable(bar):
        yield
