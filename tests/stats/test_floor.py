"""A model against a floor."""

import random

import pytest

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
    one = decide_floor(passes(9, 9), 0.5, clusters=dict.fromkeys(passes(9, 9), "same"))
    assert (one.verdict, one.needed) == (Verdict.NOT_DECIDED, None)
    assert "share one cluster" in one.reason


def test_epochs_are_reduced_first() -> None:
    scores: Scores = {f"{i:02d}": [1.0, 1.0, 0.0] for i in range(30)}
    assert decide_floor(scores, 0.8).verdict is Verdict.WORSE
    assert decide_floor(scores, 0.8, reduce=majority).verdict is Verdict.NOT_WORSE


@pytest.mark.parametrize("rate", [0.8, 0.9])
def test_a_rate_at_the_floor_is_called_either_way_in_five_percent_at_most(rate: float) -> None:
    # Wilson's one-sided coverage swings around 95 % from one n to the next; over several n it is close to it.
    rng, found = random.Random(21), dict.fromkeys(Verdict, 0)
    for number in range(3000):
        n = 30 + number % 60
        found[decide_floor(passes(n, sum(rng.random() < rate for _ in range(n))), rate).verdict] += 1
    assert found[Verdict.NOT_WORSE] / 3000 <= 0.06
    assert found[Verdict.WORSE] / 3000 <= 0.06
    assert found[Verdict.BETTER] == 0


def test_impossible_numbers_are_refused() -> None:
    for floor, alpha in ((-0.1, 0.05), (1.1, 0.05), (0.5, 0.0), (0.5, 0.5)):
        with pytest.raises(ValueError, match="floor"):
            decide_floor(passes(5, 5), floor, alpha=alpha)
