"""Whether this machine and this client are the bottleneck: what they add to a request, against a server of no cost."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.clock import SystemClock
from harness.domain.generation import ChatRequest, Generation
from harness.domain.model import InstanceId
from harness.errors import ServerUnreachable
from harness.run.machine import busy_cores, governor, load_average, power_source
from harness.run.slot import Slots
from harness.stats.noise import is_busy
from harness.testing.null.server import KEY, NullServer

MANY = 16
"""How many requests are asked at a time, besides one."""
SLOTS, ANSWER_S = 4, 0.05
"""The server whose use of slots is measured: so many, each busy so long with an answer."""

_WARM_UP, _ONE, _MANY, _FILLING = 20, 200, 320, 48
_ONE_AT_MOST_S = 3.0
_SLOWEST_S = 0.02
_LEAST_SLOT_USE = 0.85
_COARSEST_S = 0.001
_NOTHING = 0.01
"""What a client adds is nothing beside an answer of which it is 1 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a request costs against a server that answers at once.

    Attributes:
        concurrency: requests at a time.
        requests: that were asked.
        wall_s: of one request: the median with one at a time; with several, the time of all / their number.
        cpu_s: of this process, for each request.
    """

    concurrency: int
    requests: int
    wall_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfCheck:
    """What was found.

    Attributes:
        one, many: the cost of a request, one at a time and `MANY` at a time.
        slot_use: which part of the server's slots' time was used, with as many requests as slots (at most 1).
        clock_s: the smallest step of the clock that durations are taken from.
        cores: of this machine.
        busy: how many of them other processes kept busy before; None: not readable.
        load_average, governor, power: None: not readable.
    """

    one: Cost
    many: Cost
    slot_use: float
    clock_s: float
    cores: int
    busy: float | None
    load_average: float | None
    governor: str | None
    power: str | None

    @property
    def nothing_from_s(self) -> float:
        """From which duration of an answer on what is added is nothing: 1 %."""
        return self.one.wall_s / _NOTHING

    @property
    def problems(self) -> list[str]:
        """What makes times from here doubtful, and what to do about it; empty: nothing does."""
        found = []
        if self.busy is not None and is_busy(self.busy, self.cores):
            found.append(
                f"Other processes keep {self.busy:.1f} of {self.cores} CPU cores busy, so times come out too long. End "
                "them, or wait, and check again."
            )
        if self.one.wall_s > _SLOWEST_S:
            found.append(
                f"A request takes {1000 * self.one.wall_s:.0f} ms without any model; expected were less than "
                f"{1000 * _SLOWEST_S:.0f} ms. Measure from a faster or less busy machine."
            )
        if self.slot_use < _LEAST_SLOT_USE:
            found.append(
                f"Only {self.slot_use:.0%} of the slots' time was used; expected were {_LEAST_SLOT_USE:.0%} or more. "
                "Throughput from here comes out too low: measure from a faster or less busy machine."
            )
        if self.clock_s > _COARSEST_S:
            found.append(
                f"The clock moves in steps of {1000 * self.clock_s:.1f} ms, too coarse for the time of a token. Trust "
                "the server's own figures."
            )
        return found


def self_check() -> SelfCheck:
    """Return what this machine and this client add to a request; takes a few seconds.

    Raises:
        ServerUnreachable: the process that answers did not start.
        HarnessError: a request failed.
    """
    busy = busy_cores(SystemClock())
    load = load_average()  # Before our own work is part of it.
    try:
        server = NullServer(slots=MANY)
    except (OSError, RuntimeError) as exc:
        raise ServerUnreachable(
            f"cannot measure: {exc}", hint="It is a process of our own on 127.0.0.1: does anything forbid that here?"
        ) from exc
    with server, Client(server.url) as client:
        _ask(client, 1, _WARM_UP)
        one = _one_at_a_time(client)
        _ask(client, MANY, 2 * MANY)
        many = _many_at_a_time(client)
        server.reset(slots=SLOTS, answer_s=ANSWER_S)
        _ask(client, SLOTS, _FILLING)
        slot_use = server.figures().occupancy or 0.0
    return SelfCheck(
        one=one,
        many=many,
        slot_use=slot_use,
        clock_s=_step(time.monotonic),
        cores=busy[1] if busy else os.cpu_count() or 1,
        busy=busy[0] if busy else None,
        load_average=load,
        governor=governor(),
        power=power_source(),
    )


def _one_at_a_time(client: Client) -> Cost:
    walls: list[float] = []
    cpu, began = time.process_time(), time.monotonic()
    while len(walls) < _ONE and time.monotonic() - began < _ONE_AT_MOST_S:
        before = time.monotonic()
        client.chat(_request(len(walls)), stream=True)
        walls.append(time.monotonic() - before)
    cpu_s = (time.process_time() - cpu) / len(walls)
    return Cost(concurrency=1, requests=len(walls), wall_s=median(walls), cpu_s=cpu_s)


def _many_at_a_time(client: Client) -> Cost:
    cpu, began = time.process_time(), time.monotonic()
    _ask(client, MANY, _MANY)
    wall_s = (time.monotonic() - began) / _MANY
    return Cost(concurrency=MANY, requests=_MANY, wall_s=wall_s, cpu_s=(time.process_time() - cpu) / _MANY)


def _ask(client: Client, concurrency: int, count: int) -> None:
    """Ask so many requests, so many at a time, in the threads that a run uses."""

    def ask(request: ChatRequest, exchange: Exchange) -> Generation:
        return client.chat(request, stream=True, exchange=exchange)

    slots = Slots[ChatRequest, Generation](ask, count=concurrency)
    try:
        for _ in slots.map(_requests(count)):
            pass
    finally:
        slots.stop()


def _requests(count: int) -> Sequence[ChatRequest]:
    return [_request(number) for number in range(count)]


def _request(number: int) -> ChatRequest:
    return ChatRequest(model=InstanceId(KEY), input=f"Question {number}: say this again.", max_output_tokens=32)


def _step(clock: Callable[[], float]) -> float:
    """Return the smallest step in which a clock was seen to move."""
    smallest = 1.0
    for _ in range(50):
        before = now = clock()
        while now == before:
            now = clock()
        smallest = min(smallest, now - before)
    return smallest
