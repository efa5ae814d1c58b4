"""What `make bench-engine` makes of the moments of answers."""

import pytest

from harness.stats.throughput import Flight
from tests.bench.engine.__main__ import bodies, decode, rows, whole


def flight(first_at: float, last_at: float) -> Flight:
    deltas = [first_at + number * (last_at - first_at) / 10 for number in range(11)]
    return Flight(dispatched_at=0.0, sent_at=0.0, ended_at=last_at, deltas=deltas, output_tokens=11)


def test_decoding_counts_only_while_all_answers_come_and_the_whole_counts_everything() -> None:
    together = [flight(0.5, 1.5), flight(1.0, 2.0)]
    assert decode(together[:1]) == pytest.approx(10.0)
    assert decode(together) == pytest.approx(20.0)
    assert whole(together) == pytest.approx(11.0)
    assert decode([flight(0.5, 1.0), flight(1.5, 2.0)]) is None


def test_a_row_has_the_ratio_of_pairs_and_says_how_many_there_were() -> None:
    pairs = [([flight(0.0, 1.0)], [flight(0.0, 1.0 + number / 100)]) for number in range(7)]
    decoded, total = rows(1, pairs)
    assert decoded == ["1 at once, decode", "7", "10.0", "9.7", "0.971 [0.94, 1.00]", ">= 0.95"]
    assert total[0] == "1 at once, whole"
    apart = ([flight(0.5, 1.0), flight(1.5, 2.0)],) * 2
    assert next(rows(4, [apart])) == ["4 at once, decode", "0", "n/a", "n/a", "n/a", ">= 0.90"]


def test_no_two_requests_begin_alike() -> None:
    asked = [str(body["messages"][0]) for number in (1, 2) for body in bodies(number, count=4, tokens=8)]
    assert len(set(asked)) == 8
