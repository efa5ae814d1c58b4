"""What is believed of means after n items."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import beta, betabinom

from harness.stats import posterior
from harness.stats.posterior import beta_reaches, expected, mean_draws, reaches, reaches_other, settled, sum_is_positive

SCORES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("passes", "n", "is_enough"), [(6, 6, False), (28, 30, True), (27, 30, False), (53, 60, True), (52, 60, False)]
)
def test_a_floor_of_80_percent_at_90_percent_takes(passes: int, n: int, *, is_enough: bool) -> None:
    found = reaches([1.0] * passes + [0.0] * (n - passes), 0.8)
    assert (found >= 0.9) is is_enough
    assert found == pytest.approx(beta.sf(0.8, 1 + passes, 1 + n - passes))


def test_six_of_six_are_not_enough() -> None:
    assert reaches([1.0] * 6, 0.8) == pytest.approx(1 - 0.8**7)


def test_no_items_are_the_prior() -> None:
    assert reaches([], 0.8) == pytest.approx(0.2)
    assert mean_draws(np.empty((0, 2))).mean(axis=0) == pytest.approx([0.5, 0.5], abs=0.02)


@pytest.mark.parametrize(("passed", "n", "items"), [(0, 0, 3), (1, 1, 13), (9, 9, 9), (24, 30, 900), (3, 9, 9_000)])
def test_the_chance_to_be_settled_counts_all_futures(passed: int, n: int, items: int) -> None:
    further = np.arange(items - n + 1)
    chances = betabinom.pmf(further, items - n, passed + 1, n - passed + 1)
    after = beta.sf(0.8, 1 + passed + further, 1 + items - passed - further)
    counted = chances[(after >= 0.9) | (after <= 0.1)].sum()
    assert settled(passed, n, items, floor=0.8, confidence=0.9) == pytest.approx(counted, abs=1e-9)


@given(SCORES, st.integers(0, 11), st.floats(0, 1))
def test_a_lower_score_never_makes_a_floor_likelier(scores: list[float], place: int, floor: float) -> None:
    worse = list(scores)
    worse[place % len(worse)] = 0.0
    assert reaches(worse, floor) <= reaches(scores, floor) + 1e-7


@given(SCORES, st.randoms())
def test_the_order_of_the_items_makes_no_difference(scores: list[float], random: Random) -> None:
    shuffled = list(scores)
    random.shuffle(shuffled)
    assert reaches(shuffled, 0.6) == pytest.approx(reaches(scores, 0.6), abs=1e-9)


@pytest.mark.parametrize(("passes", "n"), [(0, 0), (1, 1), (3, 9), (28, 30), (300, 400)])
def test_the_exact_sum_is_the_beta_distribution_for_passes_and_fails(passes: int, n: int) -> None:
    scores = np.array([1.0] * (passes + 1) + [0.0] * (n - passes + 1))
    for floor in (0.2, 0.5, 0.8, 0.95):
        assert sum_is_positive(scores - floor) == pytest.approx(beta.sf(floor, passes + 1, n - passes + 1), abs=1e-7)


def test_graded_scores_and_pairs_are_what_draws_say() -> None:
    rng = np.random.default_rng(8)
    mine, theirs = rng.beta(5, 1, 25), rng.beta(4, 1, 25)
    drawn = mean_draws(np.column_stack([mine, theirs]), draws=100_000)
    assert reaches(list(mine), 0.8) == pytest.approx((drawn[:, 0] >= 0.8).mean(), abs=0.006)
    gap = drawn[:, 0] - drawn[:, 1]
    assert reaches_other(list(mine), list(theirs), 0.05) == pytest.approx((gap >= -0.05).mean(), abs=0.006)


def test_draws_have_the_mean_and_the_spread_of_beta_for_passes_and_fails() -> None:
    scores = np.array([[1.0, 0.0, 1.0]] * 20 + [[0.0, 0.0, 1.0]] * 10)
    drawn = mean_draws(scores, draws=40_000)
    for place, passes in enumerate((20, 0, 30)):
        exact = beta(1 + passes, 31 - passes)
        assert drawn[:, place].mean() == pytest.approx(exact.mean(), abs=0.003)
        assert drawn[:, place].std() == pytest.approx(exact.std(), rel=0.03)


def test_adding_a_model_leaves_the_others_distribution_alone() -> None:
    one = np.array([[1.0]] * 8 + [[0.0]] * 4)
    four = np.hstack([one, np.random.default_rng(1).integers(0, 2, (12, 3))])
    alone, together = (mean_draws(scores, draws=40_000)[:, 0] for scores in (one, four))
    assert np.quantile(together, [0.05, 0.5, 0.95]) == pytest.approx(np.quantile(alone, [0.05, 0.5, 0.95]), abs=0.006)


def test_models_that_pass_the_same_items_are_drawn_together() -> None:
    rng = np.random.default_rng(3)
    passes = rng.integers(0, 2, 40).astype(float)
    drawn = mean_draws(np.column_stack([passes, passes, 1 - passes]))
    assert np.corrcoef(drawn[:, 0], drawn[:, 1])[0, 1] > 0.9
    assert np.corrcoef(drawn[:, 0], drawn[:, 2])[0, 1] < -0.9


def test_an_item_that_was_not_asked_is_not_a_fail() -> None:
    scores = np.array([[1.0, 1.0]] * 10 + [[1.0, np.nan]] * 30)
    drawn = mean_draws(scores, draws=40_000)
    assert drawn[:, 1].mean() == pytest.approx(11 / 12, abs=0.01)
    assert drawn[:, 0].mean() == pytest.approx(41 / 42, abs=0.01)


def test_items_of_one_cluster_count_as_one() -> None:
    scores = np.array([[1.0]] * 30 + [[0.0]] * 30)
    clusters = [f"document {number // 10}" for number in range(60)]
    free, bound = (mean_draws(scores, clusters=names).std() for names in (None, clusters))
    assert bound > 2 * free


def test_pairs_of_clustered_items_are_what_draws_say() -> None:
    rng = np.random.default_rng(9)
    mine, theirs = rng.beta(5, 1, 25), rng.beta(4, 1, 25)
    clusters = [f"document {min(number // 4, 4)}" for number in range(25)]
    drawn = mean_draws(np.column_stack([mine, theirs]), clusters=clusters, draws=100_000)
    gap = drawn[:, 0] - drawn[:, 1]
    bound = reaches_other(list(mine), list(theirs), 0.05, clusters=clusters)
    assert bound == pytest.approx((gap >= -0.05).mean(), abs=0.006)
    alone = [f"item {number}" for number in range(25)]
    free = reaches_other(list(mine), list(theirs), 0.05)
    assert reaches_other(list(mine), list(theirs), 0.05, clusters=alone) == pytest.approx(free)
    assert abs(free - bound) > 0.02


def test_very_many_items_are_grouped_and_believed_the_same() -> None:
    scores = np.array([[1.0, 0.0]] * 3_000 + [[1.0, 1.0]] * 6_000 + [[0.0, 1.0]] * 1_000)
    drawn = mean_draws(scores)
    assert drawn[:, 0].mean() == pytest.approx(0.9, abs=0.001)
    assert drawn[:, 0].std() == pytest.approx(0.003, rel=0.1)


def test_graded_scores_have_about_the_beta_distribution_of_equal_moments() -> None:
    scores = np.random.default_rng(5).beta(4, 1, 30)
    for floor in (0.7, 0.75, 0.8, 0.85):
        quick = float(beta_reaches(scores.sum(), (scores**2).sum(), len(scores), floor))
        assert quick == pytest.approx(reaches(list(scores), floor), abs=0.03)


def test_what_is_expected_is_laplaces_rule() -> None:
    assert expected([1.0, 1.0, 0.0]) == pytest.approx(3 / 5)


@pytest.mark.parametrize("wrong", [1.5, -0.1, float("nan")])
def test_scores_outside_0_to_1_are_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="0 to 1"):
        reaches([wrong], 0.8)
    with pytest.raises(ValueError, match="0 to 1"):
        reaches([1.0], wrong)


def test_against_a_primary_many_items_take_no_longer_than_their_different_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every evaluation of the integral goes through all terms: 20,000 items took 5 seconds a model."""
    rng = np.random.default_rng(4)
    sizes: list[int] = []

    def counted(terms: NDArray[np.float64], shapes: NDArray[np.float64]) -> float:
        sizes.append(len(terms))
        return sum_is_positive(terms, shapes)

    monkeypatch.setattr(posterior, "sum_is_positive", counted)
    mine, theirs = rng.random((2, 2_500))
    theirs += (1 - theirs) * 0.02
    priors = np.array([1.0, -1.0, -1.0, 1.0])
    for ours, other in ((mine, theirs), (mine.round(), theirs.round())):
        terms = np.concatenate([ours - other, priors]) + 0.02
        exact = sum_is_positive(terms, np.concatenate([np.ones(2_500), np.full(4, 0.5)]))
        assert reaches_other(list(ours), list(other), 0.02) == pytest.approx(exact, abs=0.001)
    assert sizes == [7]
