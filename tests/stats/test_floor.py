"""A model against a floor."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.stats.decision import Verdict
from harness.stats.floor import decide_floor
from harness.stats.pairing import Scores
from harness.stats.reducer import majority


def passes(n: int, passed: int) -> Scores:
    return {f"{i:04d}": [float(i < passed)] for i in range(n)}


@pytest.mark.parametrize(
    ("passed", "verdict"), [(30, Verdict.NOT_WORSE), (26, Verdict.NOT_DECIDED), (15, Verdict.WORSE)]
)
def test_it_is_reached_missed_or_not_decided(passed: int, verdict: Verdict) -> None:
    one = decide_floor(passes(30, passed), 0.8)
    assert (one.verdict, one.n, one.unscored) == (verdict, 30, 0)
    assert (one.needed is None) == (verdict is not Verdict.NOT_DECIDED)


def test_the_items_it_takes_are_symmetric_around_one_half_and_none_on_the_floor() -> None:
    above, below = decide_floor(passes(30, 17), 0.5), decide_floor(passes(30, 13), 0.5)
    assert above.needed == below.needed
    assert above.needed is not None
    assert above.needed > 30
    assert decide_floor(passes(30, 15), 0.5).needed is None


def test_lost_answers_count_against_either_claim_and_above_five_percent_nothing_is_claimed() -> None:
    for value, verdict in ((1.0, Verdict.NOT_WORSE), (0.0, Verdict.WORSE)):
        few: Scores = {f"{i:02d}": [None if i < 2 else value] for i in range(40)}
        many: Scores = {f"{i:02d}": [None if i < 3 else value] for i in range(40)}
        assert decide_floor(few, 0.5).verdict is verdict
        assert decide_floor(many, 0.5).verdict is Verdict.NOT_DECIDED
    assert decide_floor({f"{i:02d}": [None if i == 0 else 1.0] for i in range(20)}, 0.85).verdict is Verdict.NOT_DECIDED
    assert decide_floor(passes(20, 20), 0.85).verdict is Verdict.NOT_WORSE


def test_without_items_or_a_second_cluster_nothing_is_claimed() -> None:
    assert decide_floor({}, 0.5).reason == "no items"
    one = decide_floor(passes(90, 90), 0.5, clusters=dict.fromkeys(passes(90, 90), "same"))
    assert (one.verdict, one.reason) == (Verdict.NOT_DECIDED, "scores 0.05 to 1 (floor 0.5)")


def test_a_cluster_counts_as_one_item() -> None:
    clusters = {item: item[:3] for item in passes(300, 300)}  # 30 clusters of 10
    assert decide_floor(passes(300, 280), 0.8, clusters=clusters).verdict is Verdict.NOT_WORSE
    fewer = decide_floor(passes(300, 255), 0.8, clusters=clusters)
    assert fewer.verdict is Verdict.NOT_DECIDED
    assert fewer.needed is not None
    assert fewer.needed > 300
    assert decide_floor(passes(300, 255), 0.8).verdict is Verdict.NOT_WORSE


@given(st.integers(1, 120).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1))), st.floats(0.05, 0.99))
def test_one_more_failure_never_reaches_a_floor_and_one_more_pass_never_misses_it(
    numbers: tuple[int, int], floor: float
) -> None:
    n, passed = numbers
    fewer, more = (decide_floor(passes(n, count), floor).verdict for count in (passed, passed + 1))
    order = [Verdict.WORSE, Verdict.NOT_DECIDED, Verdict.NOT_WORSE]
    assert order.index(fewer) <= order.index(more)


@pytest.mark.parametrize("n", [6, 10, 30, 60, 100])
def test_a_rate_at_the_floor_is_called_either_way_in_five_percent_at_most_exactly_enumerated(n: int) -> None:
    for rate in (0.5, 0.7, 0.8, 0.9, 0.95):
        found = dict.fromkeys(Verdict, 0.0)
        for passed in range(n + 1):
            found[decide_floor(passes(n, passed), rate).verdict] += float(stats.binom.pmf(passed, n, rate))
        assert found[Verdict.NOT_WORSE] <= 0.05
        # Missed: strictly below, so the floor itself may be called missed in 5 % as well.
        assert found[Verdict.WORSE] <= 0.05


def false_floors(kind: str, *, n: int, runs: int, seed: int) -> tuple[float, float]:
    """How often a mean exactly at the floor is called reached, and missed."""
    rng = random.Random(seed)
    found = dict.fromkeys(Verdict, 0)
    for _ in range(runs):
        clusters: dict[str, str] | None = None
        if kind == "graded, rare failures":  # Beta(18, 1), and 5 % that fail completely
            values = [0.0 if rng.random() < 0.05 else rng.betavariate(18, 1) for _ in range(n)]
            floor = 0.95 * 18 / 19
        elif kind == "graded":
            values, floor = [rng.betavariate(4, 1) for _ in range(n)], 0.8
        else:  # clusters of 5 with an intraclass correlation of .3: Beta(a, b) with a + b = 1 / .3 - 1
            rates = [rng.betavariate(0.8 * 7 / 3, 0.2 * 7 / 3) for _ in range(n // 5)]
            values, floor = [float(rng.random() < rates[number // 5]) for number in range(n)], 0.8
            clusters = {f"{number:04}": f"c{number // 5}" for number in range(n)}
        scored: Scores = {f"{number:04}": [value] for number, value in enumerate(values)}
        found[decide_floor(scored, floor, clusters=clusters).verdict] += 1
    return found[Verdict.NOT_WORSE] / runs, found[Verdict.WORSE] / runs


@pytest.mark.parametrize("kind", ["graded, rare failures", "graded", "clustered"])
@pytest.mark.parametrize("n", [10, 30, 100])
def test_graded_and_clustered_scores_at_the_floor_are_called_either_way_in_five_percent_at_most(
    kind: str, n: int
) -> None:
    reached, missed = false_floors(kind, n=n, runs=400, seed=n)
    assert reached <= 0.05
    assert missed <= 0.05


@pytest.mark.torture
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", ["graded, rare failures", "graded", "clustered"])
@pytest.mark.parametrize("n", [10, 20, 30, 60, 100])
def test_floors_keep_five_percent_in_twenty_thousand_runs(kind: str, n: int) -> None:
    reached, missed = false_floors(kind, n=n, runs=20_000, seed=n)
    assert max(reached, missed) <= 0.055


def test_epochs_are_reduced_first() -> None:
    scores: Scores = {f"{i:02d}": [1.0, 1.0, 0.0] for i in range(30)}
    assert decide_floor(scores, 0.85).verdict is Verdict.WORSE
    assert decide_floor(scores, 0.85, reduce=majority).verdict is Verdict.NOT_WORSE


def test_impossible_numbers_are_refused() -> None:
    for floor, alpha in ((-0.1, 0.05), (1.1, 0.05), (0.5, 0.0), (0.5, 0.5)):
        with pytest.raises(ValueError, match="floor"):
            decide_floor(passes(5, 5), floor, alpha=alpha)
