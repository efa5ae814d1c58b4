"""A closed loop: a fixed number of requests in flight, each answer followed by the next request."""

from collections.abc import Sequence

from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.client.stream import StreamEvent
from harness.clock import Clock
from harness.domain.generation import ChatRequest, Generation
from harness.run.slot import Slots
from harness.stats.throughput import Flight, Window


def keep_in_flight(
    client: Client, requests: Sequence[ChatRequest], *, concurrency: int, clock: Clock
) -> tuple[Window, list[Generation]]:
    """Ask all requests, `concurrency` at a time; return when what happened, and the answers in the requests' order.

    Args:
        client: its clock is the same as `clock`.
        requests: at least one.
        concurrency: how many are in flight.
        clock: of the moments.

    Raises:
        HarnessError: of the first request that fails; the others are cancelled.
    """

    def ask(numbered: tuple[int, ChatRequest], exchange: Exchange) -> tuple[int, Flight, Generation]:
        number, request = numbered
        dispatched_at = clock.monotonic()
        deltas: list[float] = []

        def note(event: StreamEvent) -> None:
            if event.is_delta:
                deltas.append(event.at)

        answer = client.chat(request, stream=True, on_event=note, exchange=exchange)
        return number, _flight(answer, deltas, dispatched_at=dispatched_at, returned_at=clock.monotonic()), answer

    slots = Slots[tuple[int, ChatRequest], tuple[int, Flight, Generation]](ask, count=concurrency)
    started_at = clock.monotonic()
    try:
        done = sorted(slots.map(list(enumerate(requests))), key=lambda result: result[0])
    finally:
        slots.stop()
    flights = sorted((flight for _, flight, _ in done), key=lambda flight: flight.dispatched_at)
    window = Window(concurrency=concurrency, started_at=started_at, flights=flights)
    return window, [answer for *_, answer in done]


def _flight(answer: Generation, deltas: Sequence[float], *, dispatched_at: float, returned_at: float) -> Flight:
    """Return the moments of a request; of an answer that was not streamed only its beginning and end are known."""
    times = answer.times
    if deltas and times.ttft_s is not None:
        sent_at, ended_at = deltas[0] - times.ttft_s, deltas[-1]
    else:
        sent_at, ended_at = returned_at - times.total_s, returned_at
    return Flight(
        dispatched_at=dispatched_at,
        sent_at=sent_at,
        ended_at=ended_at,
        deltas=deltas,
        output_tokens=answer.stats.total_output_tokens or 0,
    )
