"""Ctrl-C and SIGTERM: the first one stops the run and releases its models, the second leaves that to the reaper."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType


@contextlib.contextmanager
def interruptible(*, on_second: Callable[[], None]) -> Iterator[None]:
    """Let SIGINT and SIGTERM raise `KeyboardInterrupt` in the main thread while the block runs.

    Python does that for SIGINT by itself; SIGTERM would end the process without any release.

    Args:
        on_second: called before the second and every later interruption is raised. What it raises is ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Python lets only the main thread set handlers.
        return
    count = 0

    def interrupt(_: int, __: FrameType | None) -> None:
        nonlocal count
        count += 1
        if count > 1:
            # Whatever goes wrong here, the interruption itself must be raised.
            with contextlib.suppress(Exception):
                on_second()
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
