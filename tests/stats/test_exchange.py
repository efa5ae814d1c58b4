"""The exact test of tonight against earlier runs, and how alpha is divided among tests that can show something."""

import itertools
import random
from statistics import NormalDist, fmean, pvariance

import pytest

from harness.stats.exchange import exchange_test
from harness.stats.multiple import tarone
from harness.stats.paired import mcnemar, sign_flip


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (0, 5), (0, 6), (2, 9), (7, 1), (4, 4)])
def test_with_one_earlier_run_it_is_the_exact_mcnemar_test(gained: int, lost: int) -> None:
    units = [(1.0, 0.0)] * gained + [(0.0, 1.0)] * lost + [(1.0, 1.0)] * 10 + [(0.0, 0.0)] * 3
    found = exchange_test(units)
    assert found.p == pytest.approx(mcnemar(gained, lost))
    assert found.varying == gained + lost
    assert found.least == pytest.approx(min(1.0, 2.0 ** (1 - gained - lost)))


def test_with_one_earlier_run_of_graded_scores_it_is_the_sign_flip_test() -> None:
    dice = random.Random(1)
    units = [(dice.randint(0, 20) / 20, dice.randint(0, 20) / 20) for _ in range(12)]
    assert exchange_test(units).p == pytest.approx(sign_flip([ours - theirs for ours, theirs in units])[0])


def test_with_several_earlier_runs_it_counts_every_way_of_drawing_tonights_answer() -> None:
    units = [(0.0, 1.0, 1.0, 0.5), (0.25, 1.0, 0.75), (0.0, 0.0, 1.0), (1.0, 1.0), (0.5, 0.5, 0.0, 1.0)]
    sums = [sum(drawn) for drawn in itertools.product(*units)]
    observed = sum(scores[0] for scores in units)
    below = sum(total <= observed for total in sums) / len(sums)
    above = sum(total >= observed for total in sums) / len(sums)
    found = exchange_test(units)
    assert found.p == pytest.approx(min(1.0, 2 * min(below, above)))
    assert found.least == pytest.approx(2 * sums.count(min(sums)) / len(sums))


def test_thousands_of_graded_items_are_counted_as_hundreds_are() -> None:
    """Fourier transforms in place of products: of so many items p is that of a normal distribution."""
    dice = random.Random(2)
    units = [[dice.random() - 0.015, *(dice.random() for _ in range(7))] for _ in range(3000)]
    units = [[min(1.0, max(0.0, score)) for score in scores] for scores in units]
    distance = sum(scores[0] - fmean(scores) for scores in units) / sum(pvariance(scores) for scores in units) ** 0.5
    assert exchange_test(units).p == pytest.approx(2 * NormalDist().cdf(-abs(distance)), rel=0.05)


def test_without_items_or_without_any_change_nothing_is_shown() -> None:
    for units in ([], [(1.0, 1.0)] * 30):
        found = exchange_test(units)
        assert (found.p, found.least, found.varying) == (1.0, 1.0, 0)
    with pytest.raises(ValueError, match="one or more of earlier runs"):
        exchange_test([(1.0,)])


def test_tests_that_can_show_nothing_cost_the_others_nothing() -> None:
    assert tarone([1.0] * 29 + [0.001], 0.05) == 1
    assert tarone([0.001] * 30, 0.05) == 30
    assert tarone([0.04, 0.04, 0.03, 1.0], 0.05) == 2, "none of them could be below a half"
    assert tarone([], 0.05) == 1


def test_no_more_than_five_of_a_hundred_nights_show_a_false_change_though_many_things_are_looked_at() -> None:
    """Items that flip at random, each with a rate of its own; seven earlier runs. Gains and losses together."""
    dice = random.Random(3)
    nights, false = 200, 0
    for _ in range(nights):
        tests = []
        for _ in range(15):
            rates = [dice.choice((0.02, 0.5, 0.9, 0.98)) for _ in range(30)]
            units = [[float(dice.random() < rate) for _ in range(8)] for rate in rates]
            tests.append(exchange_test(units))
        share = 0.05 / tarone([test.least for test in tests], 0.05)
        false += any(test.p < share for test in tests)
    assert false / nights <= 0.05
