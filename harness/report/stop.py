"""Ctrl-Z: a process that is stopped leaves the shell a whole terminal, and draws again once it continues."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Protocol


class Picture(Protocol):
    """What is drawn, and can be taken away for a while."""

    def suspend(self, later: Callable[[], None]) -> bool:
        """Take it away until `resume`; while this thread is drawing it, return False, and call `later` soon."""

    def resume(self) -> None:
        """Draw it again."""


class Startable(Protocol):
    """A display of rich, such as its `Progress`."""

    def start(self) -> None:
        """Draw it."""

    def stop(self) -> None:
        """Take it away."""


@contextlib.contextmanager
def suspendable(display: Startable) -> Iterator[None]:
    """Show a display of rich while the block runs; Ctrl-Z takes it away for as long as the process is stopped."""
    undo = stops_cleanly(_Display(display))
    try:
        display.start()
        yield
    finally:
        undo()
        display.stop()


class _Display:
    def __init__(self, display: Startable) -> None:
        self._display = display

    def suspend(self, later: Callable[[], None]) -> bool:  # noqa: ARG002  (rich draws in a thread of its own)
        self._display.stop()
        return True

    def resume(self) -> None:
        self._display.start()


def stops_cleanly(picture: Picture) -> Callable[[], None]:
    """Take the picture away before SIGTSTP stops the process; return what undoes this.

    Nothing is changed where the signal is ignored or handled already, on systems without it, or outside the main
    thread. SIGKILL and SIGSTOP cannot be handled: after them, `tput cnorm` shows the cursor again.
    """
    if not hasattr(signal, "SIGTSTP") or threading.current_thread() is not threading.main_thread():
        return lambda: None
    if signal.getsignal(signal.SIGTSTP) is not signal.SIG_DFL:
        return lambda: None

    def stop(number: int, _: FrameType | None) -> None:
        if not picture.suspend(later=lambda: signal.raise_signal(number)):
            return
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)  # The process stops in here, and continues after SIGCONT.
        signal.signal(number, stop)
        picture.resume()

    def undo() -> None:
        if signal.getsignal(signal.SIGTSTP) is stop:
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)

    signal.signal(signal.SIGTSTP, stop)
    return undo
