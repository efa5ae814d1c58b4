import re

import pytest

from harness.client.retry import is_transient, may_connect_soon, retried
from harness.errors import (
    Cancelled,
    ConnectionLost,
    ContextOverflow,
    DeadlineExceeded,
    HarnessError,
    InvalidRequest,
    LoadFailed,
    MalformedAnswer,
    NotLMStudio,
    ServerFault,
    ServerUnreachable,
    UnknownResponseId,
)
from harness.testing.clock import FakeClock


class Flaky:
    """Fails with these errors, one a call, and then returns the number of the attempt."""

    def __init__(self, *errors: HarnessError) -> None:
        self.errors = list(errors)

    def __call__(self, attempt: int) -> int:
        if self.errors:
            raise self.errors.pop(0)
        return attempt


def test_what_works_at_once_is_asked_once_and_waits_for_nothing() -> None:
    clock = FakeClock()
    assert retried(Flaky(), clock=clock) == 1
    assert clock.slept == []


def test_a_second_and_a_third_attempt_come_after_one_and_two_seconds() -> None:
    clock, told = FakeClock(), []
    call = Flaky(ConnectionLost("gone"), ServerFault("broken", status=502))
    assert retried(call, clock=clock, on_retry=lambda exc, pause_s: told.append((exc.message, pause_s))) == 3
    assert clock.slept == [1.0, 2.0]
    assert told == [("gone", 1.0), ("broken", 2.0)]


def test_after_the_third_failure_the_error_says_how_often_it_was_tried() -> None:
    call = Flaky(*(ConnectionLost(f"gone {number}") for number in range(9)))
    with pytest.raises(ConnectionLost, match=r"gone 2 \(after 3 attempts\)"):
        retried(call, clock=FakeClock())
    assert len(call.errors) == 6


@pytest.mark.parametrize(
    "error",
    [
        ConnectionLost("x"),
        ServerUnreachable("x"),
        ServerFault("x", status=500),
        ServerFault("x", status=502),
        InvalidRequest("a body may say anything", status=503),
        LoadFailed("the same", status=504),
    ],
)
def test_faults_that_may_pass_are_transient(error: HarnessError) -> None:
    assert is_transient(error)


def test_a_preflight_is_tried_again_where_the_server_is_only_busy() -> None:
    def diagnosed(cause: HarnessError) -> HarnessError:
        error = NotLMStudio("x")
        error.__cause__ = cause
        return error

    assert may_connect_soon(ServerFault("x", status=503))
    assert may_connect_soon(diagnosed(ServerFault("x", status=502)))
    assert not may_connect_soon(diagnosed(ServerFault("x", status=500)))
    assert not may_connect_soon(ServerUnreachable("nothing listens"))


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequest("x", status=400),
        UnknownResponseId("x", status=400),
        LoadFailed("x", status=500),
        ServerFault("Failed to load model 'x': the reason", status=500),
        ContextOverflow("x", status=500),
        DeadlineExceeded("x", phase="total", after_s=1.0),
        DeadlineExceeded("x", phase="idle", after_s=1.0),
        Cancelled("x"),
        MalformedAnswer("x"),
    ],
)
def test_what_would_fail_again_is_asked_once(error: HarnessError) -> None:
    clock = FakeClock()
    with pytest.raises(type(error), match=rf"^{re.escape(error.message)}$"):
        retried(Flaky(error), clock=clock)
    assert clock.slept == []
