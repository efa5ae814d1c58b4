import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.pairing import Scores, pair
from harness.stats.reducer import named


def test_items_are_paired_by_id_and_their_repeats_averaged() -> None:
    pairs = pair({"b": [1, 0], "a": [0.5]}, {"a": [1], "b": [0, 0]})
    assert pairs.items == ("a", "b")
    assert (pairs.against.candidate, pairs.against.reference) == ((0.5, 0.5), (1.0, 0.0))
    assert pairs.favour == pairs.against
    assert (pairs.unscored, pairs.refusal) == (0, "")


def test_the_unscored_count_against_and_in_favour() -> None:
    many: Scores = {f"i{i}": [0.5] for i in range(40)}
    pairs = pair({**many, "x": [None, 1]}, {**many, "x": [1.0, None]})
    assert (pairs.against.candidate[-1], pairs.against.reference[-1]) == (0.5, 1.0)
    assert (pairs.favour.candidate[-1], pairs.favour.reference[-1]) == (1.0, 0.5)
    assert (pairs.unscored, pairs.refusal) == (2, "")


def test_an_item_that_one_model_was_not_asked_is_unscored_for_it() -> None:
    pairs = pair({"a": [1.0]}, {"a": [1.0], "b": [1.0, 0.0], "c": []})
    assert pairs.items == ("a", "b")
    assert pairs.against.candidate == (1.0, 0.0)
    assert pairs.unscored == 2
    assert pairs.refusal == "2 of 3 answers of the candidate are unscored (above 5 %)"


def test_five_percent_are_accepted_and_more_are_not() -> None:
    full: Scores = {str(i): [1.0] for i in range(20)}
    assert pair({**full, "0": [None]}, full).refusal == ""
    assert "2 of 20 answers of the reference" in pair(full, {**full, "0": [None], "1": [None]}).refusal


def test_nothing_at_all_is_refused() -> None:
    assert pair({}, {"a": []}).refusal == "no items"


def test_an_item_without_a_cluster_is_its_own() -> None:
    pairs = pair({"a": [1], "b": [1], "c": [1]}, {}, clusters={"a": "t", "b": "t"})
    assert pairs.clusters == ("t", "t", "item c")


def test_any_reducer_will_do() -> None:
    pairs = pair({"a": [1, 0, 1]}, {"a": [0, 0, 1]}, reduce=named("majority"))
    assert (pairs.against.candidate, pairs.against.reference) == ((1.0,), (0.0,))


@given(
    st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.lists(st.none() | st.floats(0, 1), max_size=3)),
    st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.lists(st.none() | st.floats(0, 1), max_size=3)),
    st.randoms(use_true_random=False),
)
def test_favour_is_never_below_against_and_the_order_does_not_matter(
    ours: dict[str, list[float | None]], theirs: dict[str, list[float | None]], rng: random.Random
) -> None:
    pairs = pair(ours, theirs)
    assert all(low <= high for low, high in zip(pairs.against.candidate, pairs.favour.candidate, strict=True))
    assert all(high >= low for high, low in zip(pairs.against.reference, pairs.favour.reference, strict=True))
    shuffled = list(ours.items())
    rng.shuffle(shuffled)
    assert pair(dict(shuffled), theirs) == pairs


def test_a_reducer_that_refuses_says_why() -> None:
    with pytest.raises(ValueError, match="each 0 or 1"):
        pair({"a": [0.5]}, {"a": [1.0]}, reduce=named("majority"))
