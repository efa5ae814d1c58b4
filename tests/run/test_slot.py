import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest

from harness.client.exchange import Exchange
from harness.errors import Cancelled, HarnessError, TaskError
from harness.run.slot import Slots


def test_all_jobs_are_done_over_the_slots_at_once() -> None:
    together = threading.Barrier(4, timeout=60)

    def work(job: int, _: Exchange) -> int:
        together.wait()  # Passes only when four jobs are in flight at the same time.
        return job * 10

    assert sorted(Slots(work, count=4).map(range(8))) == [0, 10, 20, 30, 40, 50, 60, 70]


def test_never_more_jobs_at_a_time_than_slots() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def work(_: int, __: Exchange) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1

    list(Slots(work, count=3).map(range(20)))
    assert most <= 3


def test_stopping_cancels_what_is_in_flight_and_starts_nothing_more() -> None:
    begun: list[int] = []

    def work(job: int, exchange: Exchange) -> str:
        begun.append(job)
        if job == 0:
            return "done"
        while not exchange.is_cancelled:
            time.sleep(0.005)
        return "cancelled"

    slots = Slots(work, count=3)
    results = slots.map(range(100))
    assert next(results) == "done"
    end = time.monotonic() + 60
    while len(begun) < 4:  # A slot may begin later than the first one has done its job.
        assert time.monotonic() < end, "the slots do not begin"
        time.sleep(0.005)
    assert slots.stop() == ["cancelled"] * 3
    assert len(begun) == 4
    assert slots.stop() == []


def test_what_a_job_raises_reaches_the_caller() -> None:
    def work(_: int, __: Exchange) -> None:
        raise HarnessError("broken task")

    slots = Slots(work, count=2)
    with pytest.raises(HarnessError, match="broken task"):
        list(slots.map([1, 2]))
    slots.stop()


def test_stopping_before_anything_began_is_harmless() -> None:
    assert Slots(lambda job, _: job, count=2).stop() == []


def test_a_cancelled_exchange_says_so() -> None:
    exchange = Exchange()
    before = exchange.is_cancelled
    exchange.cancel()
    assert (before, exchange.is_cancelled) == (False, True)
    assert issubclass(Cancelled, HarnessError)


def test_an_interruption_while_the_slots_start_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[threading.Thread] = []
    really_start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        if started:
            raise KeyboardInterrupt
        started.append(thread)
        really_start(thread)

    slots: Slots[int, int] = Slots(lambda job, _: job, count=4)
    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(slots.map(range(8)))
    slots.stop()
    assert not started[0].is_alive()


class Made(Sequence[list[int]]):
    """Jobs that are made when they are looked at; the last one cannot be made."""

    def __init__(self) -> None:
        self.made = 0

    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int | slice) -> Any:
        self.made += 1
        if index == 9:
            raise TaskError("gone")
        return [self.made]


def test_a_job_is_made_when_its_turn_comes() -> None:
    jobs = Made()
    results = Slots[list[int], int](lambda job, _: jobs.made - job[0], count=1).map(jobs)
    assert [next(results) for _ in range(9)] == [0] * 9
    with pytest.raises(TaskError, match="gone"):
        next(results)


def test_a_result_is_finished_while_its_slot_does_its_next_job() -> None:
    began, finished = threading.Event(), threading.Event()

    def work(job: int, exchange: Exchange) -> int:
        if job:
            exchange.on_sent()
            began.set()
            assert finished.wait(60)
        return job

    def finish(result: int) -> int:
        if not result:
            assert began.wait(60)
            finished.set()
        return result + 10

    assert [*Slots(work, count=1, finish=finish).map([0, 1])] == [10, 11]


def test_a_result_is_finished_though_its_slot_cannot_send_its_next_request() -> None:
    finished = threading.Event()

    def work(job: int, _: Exchange) -> int:
        if job == 1:
            assert finished.wait(60)
        return job

    def finish(result: int) -> int:
        finished.set()
        return result

    assert [*Slots(work, count=1, finish=finish).map([0, 1])] == [0, 1]


def test_nor_is_one_forgotten_while_other_slots_are_busy() -> None:
    finished = threading.Event()
    first: list[str] = []

    def work(job: int, _: Exchange) -> int:
        name = threading.current_thread().name
        if job == 0:
            first.append(name)
        elif first == [name]:
            assert finished.wait(60)  # Its next request cannot be sent, and the other slot goes on all the time.
        time.sleep(0.01)
        return job

    def finish(result: int) -> int:
        if result == 0:
            finished.set()
        return result

    assert sorted(Slots(work, count=2, finish=finish).map(range(100))) == list(range(100))


def test_what_finishing_raises_reaches_the_caller() -> None:
    def finish(_: int) -> int:
        raise ZeroDivisionError

    slots = Slots[int, int](lambda job, _: job, count=2, finish=finish)
    with pytest.raises(ZeroDivisionError):
        list(slots.map([1, 2, 3]))
    slots.stop()


def test_stopping_returns_what_is_being_finished() -> None:
    may_end = threading.Event()

    def finish(result: int) -> int:
        assert may_end.wait(60)
        return result

    slots = Slots[int, int](lambda job, _: job, count=2, finish=finish)
    results = slots.map([1, 2])
    threading.Timer(0.1, may_end.set).start()
    first = next(results)
    assert sorted([first, *slots.stop()]) == [1, 2]
