"""Shows that something takes its time: a spinner with the seconds on a terminal, nothing elsewhere."""

import contextlib
from collections.abc import Iterator
from typing import Any, TextIO

from harness.report.text import one_line


@contextlib.contextmanager
def waiting(line: str, file: TextIO) -> Iterator[None]:
    """Show `line` and the elapsed time on `file` while the block runs, if it is a terminal; gone at the end."""
    if not file.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns: list[Any] = [SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()]
    with Progress(*columns, console=Console(file=file), transient=True) as bar:
        bar.add_task(one_line(line, limit=80), total=None)
        yield
