import math
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.reducer import Reducer, majority, mean, named, pass_at_k, pass_hat_k

tries = st.integers(1, 12).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n)))


@given(tries)
def test_both_agree_with_drawing_every_set_of_k(numbers: tuple[int, int, int]) -> None:
    n, passed, k = numbers
    sets = list(combinations([True] * passed + [False] * (n - passed), k))
    assert pass_at_k(n=n, passed=passed, k=k) == pytest.approx(sum(any(drawn) for drawn in sets) / len(sets))
    assert pass_hat_k(n=n, passed=passed, k=k) == pytest.approx(sum(all(drawn) for drawn in sets) / len(sets))


@given(tries)
def test_all_of_k_is_at_most_the_rate_and_one_of_k_at_least(numbers: tuple[int, int, int]) -> None:
    n, passed, k = numbers
    assert pass_hat_k(n=n, passed=passed, k=k) <= passed / n + 1e-12
    assert pass_at_k(n=n, passed=passed, k=k) >= passed / n - 1e-12


@given(tries)
def test_failures_mirror_successes(numbers: tuple[int, int, int]) -> None:
    n, passed, k = numbers
    assert pass_at_k(n=n, passed=passed, k=k) == pytest.approx(1 - pass_hat_k(n=n, passed=n - passed, k=k))


def test_a_tie_is_no_majority() -> None:
    assert (majority([1, 0]), majority([1, 1, 0]), majority([0])) == (0.0, 1.0, 0.0)


def test_the_mean_takes_graded_scores() -> None:
    assert mean([0.2, 0.6]) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("name", "value"), [("mean", 0.5), ("majority", 0.0), ("pass@2", 1 - 1 / 6), ("pass^2", 1 / 6), ("pass@1", 0.5)]
)
def test_reducers_have_names(name: str, value: float) -> None:
    assert named(name)([1.0, 0.0, 1.0, 0.0]) == pytest.approx(value)


@pytest.mark.parametrize("name", ["", "max", "pass@0", "pass@", "pass^-1", "pass@2 ", "pass@99999", "pass@\u0663"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"expected mean, majority"):
        named(name)


def test_more_tries_than_repeats_are_refused() -> None:
    with pytest.raises(ValueError, match="k <= n"):
        named("pass@3")([1.0, 0.0])


@pytest.mark.parametrize("reduce", [majority, named("pass@1")])
@pytest.mark.parametrize("scores", [[], [0.5]])
def test_counting_wants_passes(reduce: Reducer, scores: list[float]) -> None:
    with pytest.raises(ValueError, match="each 0 or 1"):
        reduce(scores)


def test_the_mean_wants_a_score() -> None:
    with pytest.raises(ValueError, match="at least one"):
        mean([])


def test_large_numbers_do_not_overflow() -> None:
    assert math.isclose(pass_at_k(n=2000, passed=1, k=1000), 0.5)
