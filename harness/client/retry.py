"""The one loop that repeats requests, and the rule for which errors allow it.

A load is never repeated: the server may have carried it out although its answer was lost.
"""

from collections.abc import Callable
from http import HTTPStatus
from itertools import count
from typing import TypeVar

from harness.client.fault import is_about_load
from harness.clock import Clock
from harness.errors import ApiError, ConnectionLost, HarnessError, ServerFault, ServerUnreachable

ATTEMPTS = 3
"""How often a request is tried, including the first time."""

PASSING = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})
"""By definition these pass, whatever the body says: a gateway or a starting server sends them."""

_BACKOFF_S = 1.0
T = TypeVar("T")


def is_transient(error: HarnessError) -> bool:
    """Return whether the same request may succeed in a moment.

    It may after a connection that broke or was refused, after 502, 503 and 504, and after another fault of the server
    that the server does not explain. A request that the server refused, that would have needed a load which failed, or
    that ran into a deadline would most likely end the same way again.
    """
    if isinstance(error, ApiError) and error.status in PASSING:
        return True
    if isinstance(error, ServerFault):
        return not is_about_load(error.message)
    return isinstance(error, ConnectionLost | ServerUnreachable)


def may_connect_soon(error: HarnessError) -> bool:
    """Return whether a preflight that failed like this may succeed in a moment.

    It may where the server, or a gateway before it, is only busy; not where no server listens.
    """
    if isinstance(error.__cause__, ApiError) and error.__cause__.status in PASSING:
        return True  # A diagnosis such as `NotLMStudio` rests on this answer, and is as passing as it.
    return is_transient(error) and not isinstance(error, ServerUnreachable)


def retried(
    call: Callable[[int], T],
    *,
    clock: Clock,
    may_repeat: Callable[[HarnessError], bool] = is_transient,
    on_retry: Callable[[HarnessError, float], None] | None = None,
) -> T:
    """Return what `call` returns; it is tried up to three times, 1 s and 2 s apart.

    Args:
        call: called with the number of the attempt, from 1. It must change nothing at the server when it fails.
        clock: for the pauses.
        may_repeat: whether this error allows another attempt.
        on_retry: called with the error and the pause in seconds before each further attempt.

    Raises:
        HarnessError: of the last attempt; its message says how many attempts there were.
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
