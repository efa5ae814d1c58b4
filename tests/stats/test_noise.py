"""How far a figure is from itself, and that what is claimed beyond it is rarely false."""

import math
import random
from collections.abc import Callable, Sequence

import pytest

from harness.stats.latency import unpaired_ratio_estimate
from harness.stats.noise import Noise, is_busy, is_within, noise_of, together
from harness.verdict.noise import TimeClaim, time_claim


def test_two_blocks_that_alternate_and_two_halves_are_compared_by_their_medians() -> None:
    found = noise_of([1.0, 1.1, 1.0, 1.1, 9.0, 1.1, 1.0, 1.1])
    assert found.in_turn == pytest.approx(math.log(1.1))
    assert found.over_time == pytest.approx(2 * math.log(1.1 / 1.05))
    assert found.share == pytest.approx(0.1)
    assert noise_of([1.0] * 6).value == 0
    assert noise_of([1.0, 1.0, 1.0, 1.0, 9.0, 1.0]).value == 0, "one slow round is no noise of a median"


def test_a_machine_that_becomes_slower_shows_over_time_and_not_in_turn() -> None:
    found = noise_of([1.0, 1.0, 1.0, 1.0, 1.2, 1.2, 1.2, 1.2])
    assert found.in_turn == pytest.approx(math.log(1.1 / 1.1))
    assert found.over_time == pytest.approx(2 * math.log(1.2))


def test_a_block_measured_much_later_is_compared_as_it_is() -> None:
    found = noise_of([1.0] * 5, late=[1.3, 1.3, 1.3])
    assert found.over_time == found.value == pytest.approx(math.log(1.3))


def test_too_few_rounds_say_so_and_leave_the_noise_of_what_is_compared_open() -> None:
    found = noise_of([1.0, 2.0, 3.0])
    assert (found.value, found.share, found.reason) == (None, None, "3 rounds; two blocks take 4")
    assert together([found, noise_of([1.0] * 4)]) is None
    assert together([Noise(in_turn=0.1), Noise(over_time=0.2)]) == pytest.approx(0.3)
    assert not is_within(1.0, None), "what was not measured excuses nothing"
    with pytest.raises(ValueError, match="above 0"):
        noise_of([1.0, 0.0, 1.0, 1.0])


def test_neither_order_nor_unit_matters() -> None:
    rounds = [1.0, 1.3, 0.9, 1.1, 1.2]
    assert noise_of([1000 * value for value in rounds]).value == pytest.approx(noise_of(rounds).value)
    assert is_within(1.25, 0.3) == is_within(1 / 1.25, 0.3) is True


def test_a_busy_core_counts_where_there_are_few() -> None:
    assert is_busy(0.5, 2)
    assert not is_busy(0.5, 8)
    assert is_busy(1.0, 64)


def _steady(rng: random.Random, n: int) -> list[float]:
    return [rng.gauss(0, 0.08) for _ in range(n)]


def _outliers(rng: random.Random, n: int) -> list[float]:
    return [rng.gauss(0, 0.08) + (rng.random() < 0.08) * rng.uniform(0.3, 1.2) for _ in range(n)]


def _echoing(rng: random.Random, n: int) -> list[float]:
    values = [0.0]
    while len(values) <= n:
        values.append(0.5 * values[-1] + rng.gauss(0, 0.08))
    return values[1:]


def _wandering(rng: random.Random, n: int) -> list[float]:
    values = [0.0]
    while len(values) <= n:
        values.append(values[-1] + rng.gauss(0, 0.02))
    return [value + rng.gauss(0, 0.08) for value in values[1:]]


def _warming(rng: random.Random, n: int) -> list[float]:
    return [rng.gauss(0, 0.03) + 0.2 * number / n for number in range(n)]


@pytest.mark.parametrize("rounds", [5, 30])
@pytest.mark.parametrize("machine", [_steady, _outliers, _echoing, _wandering, _warming])
def test_a_model_is_rarely_called_slower_or_quicker_than_itself_whatever_the_machine_does(
    machine: Callable[[random.Random, int], Sequence[float]], rounds: int
) -> None:
    """The same model twice, one after the other; the interval alone is false in up to all of these runs."""
    rng = random.Random(1)
    runs, false, found = 300, 0, 0
    for _ in range(runs):
        times = [math.exp(value) for value in machine(rng, 2 * rounds)]
        before, after = times[:rounds], times[rounds:]
        noise = together([noise_of(before), noise_of(after)])
        says = time_claim(unpaired_ratio_estimate(after, before), noise)
        false += says in {TimeClaim.SLOWER, TimeClaim.QUICKER}
        twice = unpaired_ratio_estimate([2 * time_s for time_s in after], before)
        found += time_claim(twice, noise) is TimeClaim.SLOWER
    assert false <= (0.05 + 0.025) * runs  # 2 standard errors of 300 runs
    assert found >= (0.5 if rounds == 5 else 0.95) * runs
