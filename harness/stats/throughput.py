"""Throughput of a closed loop, in which each answer is followed by the next request: from moments to figures.

Pure functions. docs/latency.md says what the figures mean, and why the ragged end of a load is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from harness.stats.latency import tpot_s

SATURATED = 0.95
"""Of the highest rate: the lowest concurrency that reaches this share of it is where more at a time adds little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """One request of a closed loop; all moments are seconds on one monotonic clock.

    Attributes:
        dispatched_at: a thread that had nothing else to do took it.
        sent_at: it was written.
        deltas: when each delta with text arrived.
        ended_at: when the last one did; of an answer without any, when it was complete.
        output_tokens: as the server counts them.
    """

    dispatched_at: float
    sent_at: float
    ended_at: float
    deltas: Sequence[float] = field(repr=False)
    output_tokens: int

    @property
    def ttft_s(self) -> float | None:
        """Written to the first delta; None without one."""
        return self.deltas[0] - self.sent_at if self.deltas else None

    @property
    def tpot_s(self) -> float | None:
        """Seconds for each output token after the first."""
        e2e_s = self.ended_at - self.sent_at
        return tpot_s(ttft_s=self.ttft_s, e2e_s=e2e_s, output_tokens=self.output_tokens)

    def queue_s(self, unqueued_s: float | None) -> float:
        """Return how long it waited at the server for a slot: as much as its TTFT is above `unqueued_s`.

        Args:
            unqueued_s: the TTFT with all slots in use and none waiting; None: it did not wait.
        """
        if unqueued_s is None:
            return 0.0
        return max(0.0, (self.ended_at - self.sent_at if self.ttft_s is None else self.ttft_s) - unqueued_s)

    def tokens_within(self, begin: float, end: float) -> float:
        """Return how many of its tokens came in this time: each delta stands for as many as any other."""
        if not self.deltas:
            return float(self.output_tokens) if begin < self.ended_at <= end else 0.0
        return self.output_tokens * sum(begin < at <= end for at in self.deltas) / len(self.deltas)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One closed loop.

    Attributes:
        concurrency: how many requests it kept in flight.
        started_at: when its first requests could have been dispatched.
        flights: in the order in which they were dispatched.
    """

    concurrency: int
    started_at: float
    flights: Sequence[Flight]

    @property
    def begin(self) -> float:
        """The moment from which all are in flight."""
        return max(flight.sent_at for flight in self.flights[: self.concurrency])

    @property
    def end(self) -> float:
        """The moment at which the first answer ended that no further request followed.

        What comes after it is the ragged end: fewer and fewer are in flight, because there is no more to ask.
        """
        return self._ends()[max(0, len(self.flights) - self.concurrency)]

    @property
    def length_s(self) -> float:
        """How long it was steady; 0 or less: never."""
        return self.end - self.begin

    def tokens_per_second(self) -> float | None:
        """Return the output tokens that arrived while it was steady, per second; None where it never was."""
        if self.length_s <= 0:
            return None
        return sum(flight.tokens_within(self.begin, self.end) for flight in self.flights) / self.length_s

    def occupancy(self, *, slots: int, unqueued_s: float | None = None) -> float | None:
        """Return which share of the slots' time was in use while it was steady; None where it never was.

        The sum of all time in flight / (slots x length), without what each request waited for a slot.

        Args:
            slots: of the instance.
            unqueued_s: as for `Flight.queue_s`; None: there are enough slots, so none waited.
        """
        if self.length_s <= 0:
            return None
        in_use_s = sum(
            max(0.0, min(flight.ended_at, self.end) - max(flight.sent_at + flight.queue_s(unqueued_s), self.begin))
            for flight in self.flights
        )
        return in_use_s / (slots * self.length_s)

    def queue_s(self, unqueued_s: float) -> float:
        """Return the median time that a request waited for a slot."""
        return median(flight.queue_s(unqueued_s) for flight in self.flights)

    def ttft_s(self) -> float | None:
        """Return the median TTFT, a wait for a slot included."""
        return _median([flight.ttft_s for flight in self.flights])

    def tpot_s(self) -> float | None:
        """Return the median time per output token."""
        return _median([flight.tpot_s for flight in self.flights])

    def client_s(self) -> float:
        """Return the median time from when a request could have been sent to when it was: the client's own part.

        The first ones could be sent at the start, each later one when an answer ended.
        """
        return median(flight.sent_at - due for flight, due in zip(self.flights, self._due(), strict=True))

    def dispatch_s(self) -> float:
        """Return the part of `client_s` before a thread took the request."""
        return median(flight.dispatched_at - due for flight, due in zip(self.flights, self._due(), strict=True))

    def _due(self) -> list[float]:
        first = min(self.concurrency, len(self.flights))
        return [self.started_at] * first + self._ends()[: len(self.flights) - first]

    def _ends(self) -> list[float]:
        return sorted(flight.ended_at for flight in self.flights)


def saturation(rates: Mapping[int, float]) -> int | None:
    """Return the lowest concurrency whose rate is at least 95 % of the highest; None without rates."""
    if not rates:
        return None
    enough = SATURATED * max(rates.values())
    return min(concurrency for concurrency, rate in rates.items() if rate >= enough)


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
