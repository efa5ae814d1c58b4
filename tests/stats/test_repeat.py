import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.stats.repeat import NOT_MEASURED, flip_rate, item_rates, repeat_variance

items_of_scores = st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=5), min_size=2, max_size=8)


def test_one_epoch_measures_no_repeat_variance() -> None:
    variance = repeat_variance([[0.2], [0.8], []])
    assert (variance.between, variance.within, variance.reason) == (None, None, NOT_MEASURED)


def test_one_item_measures_nothing_between_items() -> None:
    variance = repeat_variance([[0.0, 1.0]])
    assert (variance.between, variance.within, variance.reason) == (None, 0.5, "one item only")


def test_repeats_that_agree_leave_all_variance_to_the_items() -> None:
    variance = repeat_variance([[0.0, 0.0], [1.0, 1.0], [1.0, 1.0], [0.0, 0.0]])
    assert variance.between == pytest.approx(1 / 3)
    assert variance.within == 0.0


def test_chance_alone_leaves_none_to_the_items() -> None:
    variance = repeat_variance([[0.0, 1.0], [1.0, 0.0]])
    assert variance.between == 0.0
    assert variance.within == pytest.approx(0.5)


@given(items_of_scores)
def test_the_ratio_of_the_mean_squares_is_scipys_f(items: list[list[float]]) -> None:
    variance = repeat_variance(items)
    if variance.between is None or variance.within is None or variance.within < 1e-6:
        return
    n0 = (variance.answers - sum(len(scores) ** 2 for scores in items) / variance.answers) / (variance.items - 1)
    f = stats.f_oneway(*items).statistic
    assert max(1.0, float(f)) == pytest.approx(1 + n0 * variance.between / variance.within, rel=1e-6)


def test_the_parts_are_recovered() -> None:
    rng = random.Random(4)

    def ask(items: int, epochs: int) -> list[list[float]]:
        rates = [rng.choice([0.2, 0.9]) for _ in range(items)]
        return [[float(rng.random() < rate) for _ in range(epochs)] for rate in rates]

    variance = repeat_variance(ask(4000, 3))
    assert variance.between == pytest.approx(0.35**2, rel=0.1)  # of the two rates
    assert variance.within == pytest.approx((0.2 * 0.8 + 0.9 * 0.1) / 2, rel=0.1)


def test_the_flip_rate_is_that_of_two_repeats() -> None:
    assert flip_rate([[True, False]]) == 1.0
    assert flip_rate([[True, True, False]]) == pytest.approx(2 / 3)
    assert flip_rate([[True, True], [False, False, False], [True]]) == 0.0
    assert flip_rate([[True], []]) is None


@pytest.mark.parametrize("epochs", [2, 5])
def test_the_flip_rate_does_not_depend_on_the_epochs(epochs: int) -> None:
    rng = random.Random(epochs)
    rate = flip_rate([[rng.random() < 0.8 for _ in range(epochs)] for _ in range(20_000)])
    assert rate == pytest.approx(2 * 0.8 * 0.2, abs=0.012)


def test_items_are_listed_with_the_least_passed_first() -> None:
    rates = item_rates({"b": [True, True], "a": [True], "c": [False, True], "d": []})
    assert list(rates.items()) == [("c", 0.5), ("a", 1.0), ("b", 1.0)]
