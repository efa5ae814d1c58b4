"""Tonight's times against earlier nights: nights differ too, and the margin says by how much they may."""

import math
import random

import pytest

from harness.stats.noise import is_within, noise_of, together
from harness.stats.slowdown import slowdown

MARGIN = 0.25


def test_the_ratio_is_that_of_the_medians_and_its_interval_holds_it() -> None:
    found = slowdown([2.0, 2.0, 9.0], [[1.0, 1.0, 5.0], [1.0]], margin=MARGIN)
    assert found.ratio == pytest.approx(2.0)
    assert found.interval.low < 2 < found.interval.high
    assert slowdown([1.0], [[1.0]], margin=MARGIN).p == pytest.approx(1.0)


def test_nights_that_differ_make_a_slowdown_less_sure_and_more_nights_make_it_surer() -> None:
    calm = slowdown([1.5], [[1.0]] * 3, margin=MARGIN)
    moody = slowdown([1.5], [[0.8], [1.0], [1.25]], margin=MARGIN)
    assert calm.p < slowdown([1.5], [[1.0]], margin=MARGIN).p
    assert calm.p < moody.p


def test_a_larger_margin_lets_nights_differ_more() -> None:
    assert slowdown([1.5], [[1.0]], margin=0.5).p > slowdown([1.5], [[1.0]], margin=0.1).p


@pytest.mark.parametrize("nights_differ", [0.0, 0.05, 0.1])
@pytest.mark.parametrize("runs", [1, 3, 7])
def test_the_same_machine_again_is_rarely_slower_and_half_the_speed_mostly_is(runs: int, nights_differ: float) -> None:
    """Five models with four times each, 1 % for all of them: what `gate` leaves to times."""
    rng = random.Random(runs)
    nights, claims, alpha = 40, 20, 0.01

    def rounds(factor: float = 1.0) -> list[float]:
        night = rng.gauss(0, nights_differ)
        return [factor * math.exp(night + rng.gauss(0, 0.06)) for _ in range(5)]

    def is_slower(tonight: list[float], earlier: list[list[float]]) -> bool:
        found = slowdown(tonight, earlier, margin=MARGIN)
        noisiest = max(map(noise_of, earlier), key=lambda noise: noise.value or 0.0)
        noise = together([noise_of(tonight), noisiest])
        return found.p * claims < alpha and found.ratio > 1 + MARGIN and not is_within(found.ratio, noise)

    false = sum(any(is_slower(rounds(), [rounds() for _ in range(runs)]) for _ in range(claims)) for _ in range(nights))
    found = sum(is_slower(rounds(2.0), [rounds() for _ in range(runs)]) for _ in range(nights))
    assert false <= 2
    assert found >= (0.6 if runs == 1 else 0.85) * nights
