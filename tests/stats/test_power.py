"""Power against brute force, and the items that are printed against simulated runs of the whole decision."""

import random
from functools import partial

import pytest
from scipy import stats

from harness.stats.decision import Verdict, decide
from harness.stats.floor import decide_floor
from harness.stats.paired import mcnemar, tango
from harness.stats.pairing import Scores
from harness.stats.power import (
    floor_power,
    graded_floor_power,
    items_for_power,
    mcnemar_power,
    mean_power,
    tango_power,
)


def outcomes(n: int, won: float, lost: float) -> list[tuple[int, int, float]]:
    """Return all counts of items won and lost with their chance."""
    return [
        (b, c, float(stats.multinomial.pmf([b, c, n - b - c], n, [won, lost, 1 - won - lost])))
        for b in range(n + 1)
        for c in range(n + 1 - b)
    ]


@pytest.mark.parametrize(("won", "lost"), [(0.2, 0.1), (0.3, 0.0), (0.05, 0.05)])
def test_mcnemars_power_is_that_of_enumerating_every_outcome(won: float, lost: float) -> None:
    brute = sum(chance for b, c, chance in outcomes(30, won, lost) if b > c and mcnemar(b, c) < 0.05)
    assert mcnemar_power(30, candidate_only=won, reference_only=lost, alpha=0.05) == pytest.approx(brute, abs=1e-6)


@pytest.mark.parametrize(("won", "lost"), [(0.1, 0.1), (0.0, 0.05), (0.2, 0.05)])
def test_tangos_power_is_that_of_enumerating_every_outcome(won: float, lost: float) -> None:
    brute = sum(chance for b, c, chance in outcomes(24, won, lost) if tango(b, c, 24, level=0.9).low > -0.15)
    power = tango_power(24, candidate_only=won, reference_only=lost, margin=0.15, alpha=0.05)
    assert power == pytest.approx(brute, abs=1e-6)


def test_two_that_never_differ_take_52_items_for_a_margin_of_five_percent_and_25_for_ten() -> None:
    for margin, least in ((0.05, 52), (0.1, 25)):
        power = partial(tango_power, candidate_only=0, reference_only=0, margin=margin, alpha=0.05)
        assert items_for_power(power, least=1) == least
    assert mcnemar_power(1000, candidate_only=0, reference_only=0, alpha=0.05) == 0.0


@pytest.mark.parametrize(("n", "least"), [(30, 28), (60, 54), (100, 87)])
def test_the_power_against_a_floor_is_that_of_the_passes_that_reach_it(n: int, least: int) -> None:
    assert floor_power(n, rate=0.9, floor=0.8, alpha=0.05) == pytest.approx(stats.binom.sf(least - 1, n, 0.9))


def test_graded_scores_of_zeros_and_ones_take_about_as_many_items_as_passes() -> None:
    for rate, floor in ((0.9, 0.8), (0.7, 0.5)):
        exact = items_for_power(partial(floor_power, rate=rate, floor=floor, alpha=0.05), least=1)
        graded = items_for_power(
            partial(graded_floor_power, rate=rate, floor=floor, variance=rate * (1 - rate), alpha=0.05), least=1
        )
        assert exact is not None
        assert graded == pytest.approx(exact, rel=0.25)


def test_what_no_number_of_items_shows_is_not_asked_for() -> None:
    assert items_for_power(partial(floor_power, rate=0.8, floor=0.8, alpha=0.05), least=1) is None
    assert items_for_power(partial(floor_power, rate=1.0, floor=1.0, alpha=0.05), least=1) is None
    assert items_for_power(partial(graded_floor_power, rate=1, floor=1, variance=0, alpha=0.05), least=1) is None
    assert items_for_power(partial(mean_power, distance=0.0, variance=0.1, alpha=0.05), least=1) is None
    assert items_for_power(lambda n: float(n >= 7), least=1) == 7
    assert items_for_power(lambda n: float(n >= 7), least=9) == 9


def test_a_mean_without_spread_takes_what_tango_takes_without_a_discordant_item() -> None:
    assert items_for_power(partial(mean_power, distance=0.05, variance=0.0, alpha=0.05), least=1) == 52


def scores(values: list[float]) -> Scores:
    return {f"i{number:05}": [value] for number, value in enumerate(values)}


@pytest.mark.parametrize(
    ("won", "lost", "verdict"),
    [(0.15, 0.05, Verdict.BETTER), (0.0, 0.02, Verdict.NOT_WORSE), (0.04, 0.24, Verdict.WORSE)],
)
def test_so_many_items_as_are_printed_decide_in_four_of_five_runs(won: float, lost: float, verdict: Verdict) -> None:
    """Plan from the true rates, ask as many items as the plan says, and count how often that verdict comes out."""

    def pair(n: int, rng: random.Random | None) -> tuple[Scores, Scores]:
        draws = [rng.random() if rng else (number + 0.5) / n for number in range(n)]
        ours = [float(x < won or x >= won + lost) for x in draws]
        return scores(ours), scores([float(x >= won) for x in draws])

    items, margin = (50, 0.05) if verdict is Verdict.NOT_WORSE else (20 if won > lost else 25, None)
    plan = decide(*pair(items, None), margin=margin)
    assert plan.needed is not None
    assert plan.needed_for is verdict
    rng = random.Random(6)
    found = [decide(*pair(plan.needed, rng), margin=margin).verdict for _ in range(300)]
    assert 0.73 <= found.count(verdict) / 300 <= 0.92


def test_so_many_items_as_are_printed_reach_the_floor_in_four_of_five_runs() -> None:
    plan = decide_floor(scores([1.0] * 27 + [0.0] * 3), 0.8)
    assert plan.needed is not None
    rng = random.Random(8)
    found = [
        decide_floor(scores([float(rng.random() < 0.9) for _ in range(plan.needed)]), 0.8).verdict for _ in range(300)
    ]
    assert 0.75 <= found.count(Verdict.NOT_WORSE) / 300 <= 0.9
