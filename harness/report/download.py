"""Shows the progress of a download: a bar on a terminal, plain lines elsewhere."""

import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

from harness.domain.download import DOWNLOADING, Download
from harness.report.figure import seconds, size
from harness.report.stop import suspendable
from harness.report.text import one_line

_LINE_EVERY = 0.1


class DownloadProgress(Protocol):
    """A context in which each state of a download is shown."""

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End."""
        ...

    def show(self, download: Download) -> None:
        """Show it."""
        ...


class DownloadLines:
    """A line when the status changes and after every tenth of the way, as suits a log."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._status = ""
        self._share = 0.0

    def __enter__(self) -> Self:
        """Begin; there is nothing to do."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End; there is nothing to do."""

    def show(self, download: Download) -> None:
        """Print it, unless little has changed since the last line."""
        share = (download.downloaded_bytes or 0) / (download.total_bytes or 1)
        if download.status != self._status or share - self._share >= _LINE_EVERY:
            self._status, self._share = download.status, share
            self._say(describe(download))


class DownloadBar:
    """A bar with bytes, speed and time left; it disappears at the end."""

    def __init__(self, file: TextIO, name: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        columns: list[Any] = [TextColumn("{task.description}", markup=False), BarColumn(bar_width=None)]
        columns += [DownloadColumn(), TimeRemainingColumn()]
        self._bar = Progress(*columns, console=Console(file=file), transient=True)
        self._shown = contextlib.ExitStack()
        self._name = one_line(name, limit=40)
        self._row = self._bar.add_task(self._name, total=None)

    def __enter__(self) -> Self:
        """Show the bar."""
        self._shown.enter_context(suspendable(self._bar))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Remove the bar."""
        self._shown.close()

    def show(self, download: Download) -> None:
        """Move the bar; a status other than downloading is written beside it."""
        status = "" if download.status == DOWNLOADING else f" ({one_line(download.status, limit=20)})"
        self._bar.update(
            self._row,
            description=f"{self._name}{status}",
            total=download.total_bytes,
            completed=download.downloaded_bytes or 0,
        )


def describe(download: Download) -> str:
    """Return a line: "downloading: 0.9 GB of 2.5 GB (36 %), 41 MB/s, 39.0 s left"."""
    line = one_line(download.status.replace("_", " "), limit=40)
    done, total = download.downloaded_bytes, download.total_bytes
    if done is not None and total:
        line += f": {size(done) if done else '0 MB'} of {size(total)} ({100 * done / total:.0f} %)"
    elif total:
        line += f": {size(total)} in total"
    if download.bytes_per_second:
        line += f", {size(int(download.bytes_per_second))}/s"
        if total and done is not None:
            line += f", {seconds((total - done) / download.bytes_per_second)} left"
    return line
