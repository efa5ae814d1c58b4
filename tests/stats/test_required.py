import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.interval import wilson
from harness.stats.paired import mcnemar
from harness.stats.required import items_for_difference, items_for_floor, least_discordant, planning_variance


def test_the_example_of_the_paper_holds() -> None:
    # Miller 2024, section 5: sigma omega = 1/9 and no repeat variance, a difference of 0.03, power 0.8: 969 items.
    assert items_for_difference(variance=1 / 9, difference=0.03) == 969


@given(st.floats(0.01, 1), st.floats(0.01, 0.5))
def test_half_the_difference_takes_four_times_the_items(variance: float, difference: float) -> None:
    whole = items_for_difference(variance=variance, difference=difference)
    half = items_for_difference(variance=variance, difference=difference / 2)
    assert whole is not None
    assert half is not None
    assert 4 * (whole - 1) <= half <= 4 * whole


def test_one_side_takes_fewer_and_no_n_tells_no_difference() -> None:
    one = items_for_difference(variance=0.2, difference=0.1, sides=1)
    two = items_for_difference(variance=0.2, difference=0.1)
    assert one is not None
    assert two is not None
    assert one < two
    assert items_for_difference(variance=0.2, difference=0) is None


def test_so_many_items_find_the_difference_in_four_of_five_cases() -> None:
    # 20 % of the items discordant, won 15 to 5.
    n = items_for_difference(variance=0.2 - 0.1**2, difference=0.1)
    assert n is not None
    rng = random.Random(6)
    found = 0
    for _ in range(1500):
        draws = [rng.random() for _ in range(n)]
        found += mcnemar(sum(x < 0.15 for x in draws), sum(0.15 <= x < 0.2 for x in draws)) < 0.05
    # The exact test is a little careful, so it has a little less power than the formula says.
    assert 0.72 <= found / 1500 <= 0.85


@pytest.mark.parametrize(("rate", "floor"), [(0.9, 0.8), (0.95, 0.8), (0.7, 0.5), (1.0, 0.8), (1.0, 0.95)])
def test_so_many_items_show_the_floor_in_about_four_of_five_cases(rate: float, floor: float) -> None:
    n = items_for_floor(rate=rate, floor=floor)
    assert n is not None
    chance = math.fsum(
        math.comb(n, k) * rate**k * (1 - rate) ** (n - k) for k in range(n + 1) if wilson(k, n, level=0.9).low >= floor
    )
    assert chance >= 0.74


def test_a_rate_at_or_below_the_floor_is_never_shown_to_be_above() -> None:
    assert items_for_floor(rate=0.8, floor=0.8) is None
    assert items_for_floor(rate=0.7, floor=0.8) is None
    assert items_for_floor(rate=0.7, floor=0.0) is not None


@pytest.mark.parametrize(("alpha", "least"), [(0.05, 6), (0.01, 8), (0.5, 3), (0.9, 2)])
def test_the_fewest_discordant_items_are_mcnemars(alpha: float, least: int) -> None:
    assert least_discordant(alpha) == least
    assert mcnemar(least, 0) < alpha <= mcnemar(least - 1, 0)


def test_items_without_any_difference_do_not_plan_for_zero_items() -> None:
    assert planning_variance([0.0] * 10) == pytest.approx(2 / 12)
    assert planning_variance([]) == 1.0
    with pytest.raises(ValueError, match="as many clusters"):
        planning_variance([0.0], clusters=[])


@pytest.mark.parametrize(
    "wrong", [{"variance": -1.0}, {"alpha": 0.0}, {"power": 1.0}, {"sides": 3}], ids=lambda wrong: next(iter(wrong))
)
def test_impossible_plans_are_refused(wrong: dict[str, float]) -> None:
    numbers: dict[str, float] = {"variance": 0.1, "difference": 0.1, **wrong}
    with pytest.raises(ValueError, match="expected"):
        items_for_difference(**numbers)  # type: ignore[arg-type]


def test_impossible_floors_are_refused() -> None:
    with pytest.raises(ValueError, match="expected"):
        items_for_floor(rate=1.1, floor=0.5)
    with pytest.raises(ValueError, match="alpha"):
        least_discordant(1.0)
