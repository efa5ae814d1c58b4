"""Ticks stand at round numbers, few enough to be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.chart.scale import duration_scale, score_scale, seconds_tick, time_scale


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (0, ["0", "0.2 s", "0.4 s", "0.6 s", "0.8 s", "1 s"]),
        (1.3, ["0", "0.5 s", "1 s"]),
        (47, ["0", "10 s", "20 s", "30 s", "40 s"]),
        (0.0041, ["0", "0.001 s", "0.002 s", "0.003 s", "0.004 s"]),
        (700, ["0", "5 min", "10 min"]),
        (30_000, ["0", "2 h", "4 h", "6 h", "8 h"]),
    ],
)
def test_ticks_of_durations_are_round_in_their_own_unit(most: float, ticks: list[str]) -> None:
    scale = duration_scale(most, start=0, end=100, most_ticks=5)
    assert [seconds_tick(tick, most=scale.high) for tick in scale.ticks] == ticks


@pytest.mark.parametrize(
    ("scores", "ticks"),
    [
        ([], [0, 0.2, 0.4, 0.6, 0.8, 1]),
        ([0.0, 0.9], [0, 0.2, 0.4, 0.6, 0.8, 1]),
        ([0.3, 0.9], [0.2, 0.4, 0.6, 0.8, 1]),
        ([0.0], [0, 0.1, 0.2, 0.3, 0.4]),
        ([1.0], [0.6, 0.7, 0.8, 0.9, 1]),
        ([0.6, 0.8], [0.6, 0.7, 0.8, 0.9, 1]),
        ([-3.0, 7.0], [0, 0.2, 0.4, 0.6, 0.8, 1]),
    ],
)
def test_scores_are_shown_between_the_fifths_around_them(scores: list[float], ticks: list[float]) -> None:
    assert score_scale(scores, start=0, end=1).ticks == pytest.approx(ticks)


def test_times_that_differ_by_much_are_on_a_logarithmic_scale() -> None:
    scale = time_scale([0.4, 40.0], start=0, end=100, most_ticks=8)
    assert scale.is_logarithmic
    assert scale.ticks == pytest.approx([0.5, 1, 2, 5, 10, 20, 50])
    assert scale(0.5) - scale(0.4) == pytest.approx(scale(50) - scale(40))
    assert not time_scale([1.0, 2.0], start=0, end=100, most_ticks=8).is_logarithmic


@pytest.mark.parametrize(
    ("times", "ticks"),
    [
        ([1.4, 1.8, 2.2], ["1 s", "1.5 s", "2 s", "2.5 s"]),
        ([1.4], ["1 s", "1.2 s", "1.4 s", "1.6 s", "1.8 s"]),
        ([0.0, 2.0], ["0", "0.5 s", "1 s", "1.5 s", "2 s", "2.5 s", "3 s"]),
        ([0.0], ["0", "0.2 s", "0.4 s", "0.6 s", "0.8 s", "1 s"]),
    ],
)
def test_times_that_are_alike_have_room_around_them(times: list[float], ticks: list[str]) -> None:
    scale = time_scale(times, start=0, end=100, most_ticks=6)
    assert [seconds_tick(tick, most=scale.high) for tick in scale.ticks] == ticks


@given(
    values=st.lists(st.floats(min_value=0, max_value=1e6), min_size=0, max_size=12),
    most_ticks=st.integers(min_value=2, max_value=8),
)
def test_every_time_has_a_place_and_there_are_never_too_many_ticks(values: list[float], most_ticks: int) -> None:
    scale = time_scale(values, start=10, end=200, most_ticks=most_ticks)
    assert all(10 <= scale(value) <= 200 for value in values)
    assert len(scale.ticks) <= most_ticks + 1
    assert all(scale.low <= tick <= scale.high for tick in scale.ticks)
