"""A picture of the whole run at the bottom of a terminal, and a line that stays for everything that has ended."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TextIO

from rich.console import Console

from harness.clock import Clock
from harness.domain.answer import Answer, KeptAnswer
from harness.domain.candidate import candidate_of
from harness.domain.count import counted
from harness.domain.record import SummaryRecord
from harness.report.figure import seconds
from harness.report.live.picture import Screen, draw
from harness.report.live.region import Region
from harness.report.live.standing import PlannedModel, Standing
from harness.report.no_score import why_no_score
from harness.report.text import one_line

_STOP_S = 0.5
"""How long a process that is to stop waits at most for the thread that draws."""
_IDLE_S = 1.0
"""How often the picture is drawn where nothing has changed but the time."""


class LiveProgress:
    """Draws how far the run has got, while `shown`; at most four times a second, from one thread.

    What goes wrong in drawing ends the drawing, never the run.

    Args:
        file: writes to the terminal; nothing captures it.
        say: prints lines for the user above the picture, and knows how.
        clock: for the times.
        column: returns in which column the cursor stands while nothing is drawn.
        size: returns the terminal's size at this moment.
        tick_s: how often to look whether to draw, in seconds.
    """

    def __init__(
        self,
        file: TextIO,
        *,
        say: Callable[[str], None],
        clock: Clock,
        column: Callable[[], int],
        size: Callable[[], Screen],
        tick_s: float = 0.25,
    ) -> None:
        self._say = say
        self._clock = clock
        self._column = column
        self._began = clock.monotonic()
        self._standing = Standing()
        self._title = ""
        self._time_left: Callable[[], float] | None = None
        self._console = Console(file=file, highlight=False, markup=False, emoji=False)
        self._size = size
        self._tick_s = tick_s
        self._region = Region(file, size)
        # Two locks: a terminal that the user has stopped (Ctrl-S) holds up who draws, not who counts answers.
        self._counting, self._drawing = threading.RLock(), threading.RLock()
        self._is_shown = self._is_still = self._is_changed = self._is_suspended = False
        self._drawer: int | None = None
        self._later: Callable[[], None] | None = None
        self._drawn_at = 0.0
        self._last = 0, 0.0
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def note(self, line: str) -> None:
        """Print a line that stays."""
        self.print(one_line(line, limit=160))

    def print(self, text: str) -> None:
        """Print lines that stay, above the picture."""
        with self.hidden():
            self._say(text)

    def expect(
        self, models: Sequence[PlannedModel], *, title: str = "", time_left: Callable[[], float] | None = None
    ) -> None:
        """Show from now on how much of this is done."""
        with self._counted():
            self._title, self._time_left = title, time_left
            self._standing.expect(models, self._clock.monotonic())

    def doing(self, model_key: str, what: str) -> None:
        """Show what a model does besides its tasks."""
        with self._counted():
            self._standing.turn_to(model_key, self._clock.monotonic(), doing=what)

    @contextlib.contextmanager
    def task(
        self, model_key: str, task: str, total: int, known: Sequence[KeptAnswer] = ()
    ) -> Iterator[Callable[[Answer], None]]:
        """Count the answers to a task while the block runs; the line about its end comes with the summary."""
        with self._counted():
            self._standing.begin(model_key, task, total, known, self._clock.monotonic())
        asked, began = 0, self._clock.monotonic()

        def advance(answer: Answer) -> None:
            nonlocal asked
            asked += not answer.is_left_out
            with self._counted():
                self._standing.add(answer, self._clock.monotonic())

        try:
            yield advance
        except BaseException:  # Ctrl-C too: a log would end in the middle of a line.
            self.note(f"{model_key} {task}: stopped after {asked} of {counted(total, 'sample')}")
            raise
        finally:
            now = self._clock.monotonic()
            self._last = asked, now - began
            with self._counted():
                self._standing.end(now)

    def ended(self, cell: SummaryRecord) -> None:
        """Print the line of a task that stays, unless nothing of it was asked."""
        asked, took_s = self._last
        if not asked:
            return
        score = "no score" if cell.score is None or why_no_score(cell) else f"score {cell.score:.2f}"
        others = ", ".join(f"{count} {outcome}" for outcome, count in cell.outcomes.items() if outcome != "ok")
        line = f"{candidate_of(cell)} {cell.task}: {score}, {counted(asked, 'sample')} in {seconds(took_s)}"
        self.note(f"{line} ({others})" if others else line)

    @contextlib.contextmanager
    def shown(self, *, is_still: bool = False) -> Iterator[None]:
        """Show the picture while the block runs; nobody else prints then.

        Args:
            is_still: draw it once, so that it takes no time from what is being measured.
        """
        before = self._is_shown, self._is_still
        self._show(is_shown=True, is_still=is_still)
        try:
            yield
        finally:
            self._show(is_shown=before[0], is_still=before[1])

    @contextlib.contextmanager
    def hidden(self) -> Iterator[None]:
        """Take the picture away while the block runs, so that others can print."""
        with self._drawn():
            before = self._is_shown, self._is_still
            self._show(is_shown=False, is_still=False)
            try:
                yield
            finally:
                self._show(is_shown=before[0], is_still=before[1])

    def close(self) -> None:
        """Take the picture away for good."""
        self._closed.set()
        with self._harmless(), self._drawn():
            self._is_shown = False
            self._region.close()

    def suspend(self, later: Callable[[], None]) -> bool:
        """Take the picture away until `resume`; called by the handler of a signal, so perhaps in the middle of drawing.

        While this thread draws, return False, and call `later` once it has drawn. If the terminal holds up who draws
        (Ctrl-S), the picture stays; so it does if this is called again before that.
        """
        is_drawing = self._drawer == threading.get_ident()
        if is_drawing and self._later is None:
            self._later = later
            return False
        self._later, self._is_suspended = None, True
        if not is_drawing and self._drawing.acquire(timeout=_STOP_S):
            with self._harmless():
                self._region.erase()
            self._drawing.release()
        return True

    def resume(self) -> None:
        """Draw the picture again after `suspend`."""
        self._is_suspended, self._is_changed = False, True
        if self._drawer != threading.get_ident() and self._drawing.acquire(timeout=_STOP_S):
            with self._harmless():
                if self._is_shown:
                    self._draw()
            self._drawing.release()

    @contextlib.contextmanager
    def _drawn(self) -> Iterator[None]:
        """Nobody else draws or prints while the block runs."""
        with self._drawing:
            before, self._drawer = self._drawer, threading.get_ident()
            try:
                yield
            finally:
                self._drawer = before
        if before is None and self._later is not None and threading.current_thread() is threading.main_thread():
            later, self._later = self._later, None
            later()

    def _show(self, *, is_shown: bool, is_still: bool) -> None:
        with self._harmless(), self._drawn():
            self._is_shown, self._is_still = is_shown and not self._closed.is_set(), is_still
            if not self._is_shown:
                self._region.erase()
                return
            self._draw()
            if self._thread is None:
                self._thread = threading.Thread(target=self._tick, name="live-view", daemon=True)
                self._thread.start()

    def _tick(self) -> None:
        while not self._closed.wait(self._tick_s):
            with self._harmless(), self._drawn():
                is_due = self._is_changed or self._clock.monotonic() - self._drawn_at >= _IDLE_S
                if self._is_shown and not self._is_still and is_due:
                    self._draw()

    def _draw(self) -> None:
        if self._is_suspended:
            return
        now = self._clock.monotonic()
        with self._counting:
            self._is_changed, self._drawn_at = False, now
            lines = draw(
                self._standing,
                self._console,
                self._size(),
                now=now,
                began=self._began,
                budget_s=self._time_left() if self._time_left else None,
                title=self._title,
            )
        self._region.draw(lines, column=self._column())

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        with self._harmless(), self._counting:
            yield
            self._is_changed = True

    @contextlib.contextmanager
    def _harmless(self) -> Iterator[None]:
        """Give up the picture, not the run, where something goes wrong with it."""
        try:
            yield
        except Exception:  # noqa: BLE001  (a picture of the run must never end it)
            self._closed.set()
            self._is_shown = False
            with contextlib.suppress(Exception):
                self._region.close()
