"""The slots of a null server, on a clock that the test moves."""

import heapq
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from harness.testing.null.slots import Job, Slots


class Alarm:
    def __init__(self) -> None:
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Loop:
    """An event loop whose time passes only in `run`."""

    def __init__(self) -> None:
        self.now = 100.0
        self._order = count()
        self._due: list[tuple[float, int, Alarm, Callable[[], Any]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any) -> Alarm:
        alarm = Alarm()
        heapq.heappush(self._due, (self.now + delay, next(self._order), alarm, lambda: callback(*args)))
        return alarm

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self._due and self._due[0][0] <= end:
            self.now, _, alarm, call = heapq.heappop(self._due)
            if not alarm.is_cancelled:
                call()
        self.now = end


class Chats:
    """Makes jobs, and notes what becomes of them."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.finished: list[str] = []

    def job(self, name: str) -> Job:
        return Job(begin=lambda: self.begun.append(name), finish=lambda: self.finished.append(name))


def test_chats_beyond_the_slots_wait_in_the_order_of_their_arrival() -> None:
    loop, chats = Loop(), Chats()
    slots = Slots(loop, slots=2, answer_s=1.0)
    for name in "abcd":
        slots.arrive(chats.job(name))
    assert chats.begun == ["a", "b"]
    loop.run(1.0)
    assert (chats.finished, chats.begun) == (["a", "b"], ["a", "b", "c", "d"])
    loop.run(1.0)
    figures = slots.figures()
    assert chats.finished == ["a", "b", "c", "d"]
    assert (figures["answered"], figures["max_in_flight"], figures["max_busy"]) == (4, 4, 2)
    assert (figures["queue_s"], figures["busy_s"], figures["window_s"]) == (2.0, 4.0, 2.0)
    assert figures["occupancy"] == 1.0


def test_a_slot_that_waits_for_its_client_lowers_the_occupancy() -> None:
    loop, chats = Loop(), Chats()
    slots = Slots(loop, slots=1, answer_s=3.0)
    slots.arrive(chats.job("a"))
    loop.run(4.0)
    slots.arrive(chats.job("b"))
    loop.run(3.0)
    assert slots.figures()["occupancy"] == pytest.approx(6 / 7)


def test_a_client_that_leaves_frees_its_slot_or_its_place() -> None:
    loop, chats = Loop(), Chats()
    slots = Slots(loop, slots=1, answer_s=1.0)
    first, second, third = (chats.job(name) for name in "abc")
    for job in (first, second, third):
        slots.arrive(job)
    slots.abandon(second)
    slots.abandon(first)
    loop.run(1.0)
    slots.abandon(third)  # It was answered.
    figures = slots.figures()
    assert chats.finished == ["c"]
    assert (figures["answered"], figures["abandoned"], figures["in_flight"]) == (1, 2, 0)


def test_answers_that_take_no_time_have_no_occupancy() -> None:
    loop, chats = Loop(), Chats()
    slots = Slots(loop, slots=1, answer_s=0.0)
    slots.arrive(chats.job("a"))
    assert chats.finished == ["a"]
    assert slots.figures()["occupancy"] is None


def test_a_warm_up_that_is_announced_is_left_out_of_the_occupancy() -> None:
    loop, chats = Loop(), Chats()
    slots = Slots(loop, slots=1, answer_s=1.0)
    slots.reset(slots=1, answer_s=1.0, warm_ups=1)
    slots.arrive(chats.job("a warm-up"))
    loop.run(5.0)
    slots.arrive(chats.job("a"))
    loop.run(1.0)
    figures = slots.figures()
    assert (figures["answered"], figures["busy_s"], figures["window_s"]) == (2, 1.0, 1.0)
    assert figures["last_at"] - figures["first_at"] == 6.0


def test_a_reset_counts_from_zero_and_keeps_what_is_in_flight() -> None:
    loop, chats = Loop(), Chats()
    slots = Slots(loop, slots=2, answer_s=1.0)
    slots.arrive(chats.job("a"))
    slots.reset(slots=3, answer_s=2.0)
    figures = slots.figures()
    assert (figures["slots"], figures["answer_s"], figures["answered"], figures["in_flight"]) == (3, 2.0, 0, 1)
    loop.run(1.0)
    assert slots.figures()["answered"] == 1
