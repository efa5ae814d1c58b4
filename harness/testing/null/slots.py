"""The slots of a null server: who is answered, who waits, and what was counted."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol


class Alarm(Protocol):
    """A call that was scheduled."""

    def cancel(self) -> None:
        """Do not call."""
        ...


class Loop(Protocol):
    """What slots need of an event loop."""

    def time(self) -> float:
        """Return the monotonic time, in seconds."""
        ...

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any) -> Alarm:
        """Call after so many seconds."""
        ...


@dataclass(slots=True, kw_only=True, eq=False)
class Job:
    """One chat on its way: `begin` is called when it gets its slot, `finish` when it has had it for its time."""

    begin: Callable[[], None]
    finish: Callable[[], None]
    is_warm_up: bool = False
    arrived: float = 0.0
    begun: float | None = None
    alarm: Alarm | None = None


@dataclass(slots=True, kw_only=True)
class Counts:
    """What was seen since the last reset. Times are of the loop's clock.

    Attributes:
        in_flight: chats that are waiting or in a slot now.
        queue_s: for how long all chats together waited for a slot.
        busy_s: for how long all slots together answered.
        warm_ups: how many of the next chats are left out of `busy_s` and of the time that it is compared with.
        first: when the first chat arrived.
        first_counted: when the first one arrived that was not a warm-up.
        last: when the last one left its slot.
        prompts: hashes of the chats' bodies.
    """

    answered: int = 0
    abandoned: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    max_busy: int = 0
    queue_s: float = 0.0
    busy_s: float = 0.0
    warm_ups: int = 0
    first: float | None = None
    first_counted: float | None = None
    last: float | None = None
    connections: int = 0
    other_requests: int = 0
    prompts: set[int] = field(default_factory=set)


class Slots:
    """At most `slots` chats are answered at a time, each for `answer_s`; the others wait in the order they came."""

    def __init__(self, loop: Loop, *, slots: int, answer_s: float) -> None:
        self._loop = loop
        self._waiting: deque[Job] = deque()
        self._busy: set[Job] = set()
        self.slots = slots
        self.answer_s = answer_s
        self.counts = Counts()

    def arrive(self, job: Job) -> None:
        """Give the chat a slot now, or when it is its turn."""
        counts = self.counts
        job.arrived = self._loop.time()
        if counts.first is None:
            counts.first = job.arrived
        if counts.warm_ups:
            counts.warm_ups -= 1
            job.is_warm_up = True
        elif counts.first_counted is None:
            counts.first_counted = job.arrived
        counts.in_flight += 1
        counts.max_in_flight = max(counts.max_in_flight, counts.in_flight)
        if len(self._busy) < self.slots:
            self._begin(job)
        else:
            self._waiting.append(job)

    def abandon(self, job: Job) -> None:
        """Take out a chat whose client left, wherever it is; harmless if it was answered."""
        if job in self._busy:
            if job.alarm is not None:
                job.alarm.cancel()
            self._leave(job)
        elif job in self._waiting:
            self._waiting.remove(job)
        else:
            return
        self.counts.in_flight -= 1
        self.counts.abandoned += 1

    def reset(self, *, slots: int, answer_s: float, warm_ups: int = 0) -> None:
        """Count from zero, with other slots from now on; chats on their way keep the time that they were given."""
        self.slots = slots
        self.answer_s = answer_s
        self.counts = Counts(in_flight=self.counts.in_flight, warm_ups=warm_ups)

    def figures(self) -> dict[str, Any]:
        """Return the counts, with the window and the occupancy."""
        counts = self.counts
        first, last = counts.first_counted, counts.last
        window_s = last - first if first is not None and last is not None else 0.0
        room_s = self.slots * window_s
        return {
            "slots": self.slots,
            "answer_s": self.answer_s,
            "answered": counts.answered,
            "distinct": len(counts.prompts),
            "abandoned": counts.abandoned,
            "in_flight": counts.in_flight,
            "max_in_flight": counts.max_in_flight,
            "max_busy": counts.max_busy,
            "queue_s": counts.queue_s,
            "busy_s": counts.busy_s,
            "window_s": window_s,
            "first_at": counts.first,
            "last_at": counts.last,
            "occupancy": counts.busy_s / room_s if self.answer_s and room_s else None,
            "connections": counts.connections,
            "other_requests": counts.other_requests,
        }

    def _begin(self, job: Job) -> None:
        job.begun = self._loop.time()
        self._busy.add(job)
        counts = self.counts
        counts.queue_s += job.begun - job.arrived
        counts.max_busy = max(counts.max_busy, len(self._busy))
        job.begin()
        if self.answer_s:
            job.alarm = self._loop.call_later(self.answer_s, self._finish, job)
        else:
            self._finish(job)

    def _finish(self, job: Job) -> None:
        job.finish()
        self.counts.answered += 1
        self.counts.in_flight -= 1
        self._leave(job)

    def _leave(self, job: Job) -> None:
        self._busy.discard(job)
        now = self._loop.time()
        counts = self.counts
        if job.begun is not None and not job.is_warm_up:
            counts.busy_s += now - job.begun
        counts.last = now
        if self._waiting and len(self._busy) < self.slots:
            self._begin(self._waiting.popleft())
