"""The one loop that asks again, and what may be asked again. Never a load: its answer may be lost, and it done."""

from collections.abc import Callable
from itertools import count
from typing import TypeVar

from harness.clock import Clock
from harness.errors import ConnectionLost, HarnessError, ServerFault, ServerUnreachable

ATTEMPTS = 3
"""How often something is tried, the first time included."""

_BACKOFF_S = 1.0
T = TypeVar("T")


def is_transient(error: HarnessError) -> bool:
    """Tell whether the same request may well succeed in a moment.

    That is a connection that broke or was refused by a server that has been up, and a fault of the server without a
    known reason. What the server refused, and what ran into a deadline, would do so again.
    """
    return isinstance(error, ConnectionLost | ServerUnreachable | ServerFault)


def retried(
    call: Callable[[int], T],
    *,
    clock: Clock,
    may_repeat: Callable[[HarnessError], bool] = is_transient,
    on_retry: Callable[[HarnessError, float], None] | None = None,
) -> T:
    """Return what `call` returns; it is tried up to three times, 1 s and 2 s apart.

    Args:
        call: gets the number of the attempt, from 1. Must change nothing at the server when it fails.
        clock: for the pauses.
        may_repeat: whether this error allows another attempt.
        on_retry: gets the error and the pause in seconds before each further attempt.

    Raises:
        HarnessError: of the last attempt; where there were several, its message says how many.
    """
    for attempt in count(1):
        try:
            return call(attempt)
        except HarnessError as exc:
            if attempt == ATTEMPTS or not may_repeat(exc):
                if attempt > 1:
                    exc.message = f"{exc.message} (after {attempt} attempts)"
                raise
            pause_s = _BACKOFF_S * attempt
            if on_retry is not None:
                on_retry(exc, pause_s)
        clock.sleep(pause_s)
    raise AssertionError("counting never ends")
