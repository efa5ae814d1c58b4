"""Figures of closed loops whose moments are made up, so that the right figures are known."""

from collections.abc import Sequence

import pytest

from harness.stats.throughput import Flight, Window, saturation


def flight(sent_at: float, first_at: float, ended_at: float, *, tokens: int = 11, late_s: float = 0.0) -> Flight:
    """Return a request whose tokens come evenly, one a delta."""
    gap_s = (ended_at - first_at) / (tokens - 1)
    deltas = [first_at + number * gap_s for number in range(tokens)]
    return Flight(
        dispatched_at=sent_at - late_s, sent_at=sent_at, ended_at=ended_at, deltas=deltas, output_tokens=tokens
    )


def window(concurrency: int, *flights: Flight) -> Window:
    return Window(concurrency=concurrency, started_at=0.0, flights=flights)


def test_the_ragged_end_is_no_lost_capacity() -> None:
    """Two in flight give 22 tokens a second; the last answer alone takes another 9 s, which nothing could fill."""
    quick = [flight(0.0, 0.0, 1.0), flight(0.0, 0.0, 1.0), flight(1.0, 1.0, 2.0)]
    slow = flight(1.0, 1.0, 11.0, tokens=101)
    found = window(2, *quick, slow)
    assert (found.begin, found.end) == (0.0, 2.0)
    # The very first token of each of the first two arrives as the window begins, and is not counted.
    assert found.tokens_per_second() == pytest.approx((10 + 10 + 11 + 11) / 2)
    assert found.occupancy(slots=2) == pytest.approx(1.0)
    assert found.occupancy(slots=4) == pytest.approx(0.5)


def test_what_the_client_takes_between_two_requests_is_its_own_and_leaves_slots_empty() -> None:
    found = window(1, flight(0.1, 0.2, 1.0), flight(1.5, 1.6, 2.5, late_s=0.1), flight(3.0, 3.1, 4.0))
    assert found.client_s() == pytest.approx(0.5)  # of .1, .5 and .5
    assert found.dispatch_s() == pytest.approx(0.4)
    assert found.occupancy(slots=1) == pytest.approx(2.9 / 3.9)


def test_a_wait_for_a_slot_is_a_queue_and_no_use_of_a_slot() -> None:
    """One slot, two in flight: each but the first waits for the one before."""
    found = window(2, flight(0.0, 0.1, 1.0), flight(0.0, 1.1, 2.0), flight(1.0, 2.1, 3.0), flight(2.0, 3.1, 4.0))
    assert found.end == 3.0
    assert [one.queue_s(0.1) for one in found.flights] == pytest.approx([0.0, 1.0, 1.0, 1.0])
    assert found.queue_s(0.1) == pytest.approx(1.0)
    assert found.occupancy(slots=1, unqueued_s=0.1) == pytest.approx(1.0)
    assert found.ttft_s() == pytest.approx(1.1)
    assert found.tpot_s() == pytest.approx(0.09)


def test_what_was_never_steady_has_no_rate() -> None:
    """The second request was written only after the first answer had ended, and no other followed."""
    found = window(2, flight(0.0, 0.1, 1.0), flight(1.5, 1.6, 2.0))
    assert found.tokens_per_second() is None
    assert found.occupancy(slots=2) is None


def test_an_answer_that_came_in_one_piece_counts_when_it_is_complete() -> None:
    whole = Flight(dispatched_at=0.0, sent_at=0.0, ended_at=2.0, deltas=(), output_tokens=8)
    found = window(1, whole, Flight(dispatched_at=2.0, sent_at=2.0, ended_at=4.0, deltas=(), output_tokens=8))
    assert found.tokens_per_second() == pytest.approx(4.0)
    assert (found.ttft_s(), found.tpot_s()) == (None, None)
    assert whole.queue_s(0.5) == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("rates", "enough"),
    [((10, 20, 40, 41), 4), ((10, 20, 40, 60), 8), ((10, 9.6, 9, 8), 1), ((10, 10.1, 10.2, 10.3), 1)],
)
def test_the_lowest_concurrency_that_gives_almost_the_highest_rate_is_enough(
    rates: Sequence[float], enough: int
) -> None:
    assert saturation(dict(zip((1, 2, 4, 8), rates, strict=True))) == enough
    assert saturation({}) is None
