"""Difficulty and discrimination of items."""

from collections.abc import Mapping, Sequence
from statistics import correlation as pearson

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.stats.item import analyse, correlation

SCORES = st.lists(st.floats(0, 1, width=16), min_size=3, max_size=20)


def respondents(table: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    return {
        f"model-{number}": {item: scores[number] for item, scores in table.items()}
        for number in range(len(next(iter(table.values()))))
    }


def test_an_item_that_good_models_pass_discriminates_and_one_that_they_fail_does_not() -> None:
    table: dict[str, list[float]] = {
        "good": [0, 0, 0, 1, 1, 1],
        "bad": [1, 1, 1, 0, 0, 0],
        "rest": [0.1, 0.2, 0.3, 0.7, 0.8, 0.9],
    }
    table["more"] = [0, 0.1, 0.2, 0.8, 0.9, 1]
    found = {item.item_id: item for item in analyse(respondents(table))}
    assert (found["good"].discrimination or 0) > 0.5
    assert (found["bad"].discrimination or 0) < 0
    assert found["good"].difficulty == 0.5
    assert found["good"].n == 6


def test_what_everybody_passes_or_fails_separates_nobody() -> None:
    easy, hard, _ = sorted(
        analyse(respondents({"easy": [1] * 6, "hard": [0] * 6, "x": [0, 1, 0, 1, 0, 1]})), key=lambda one: one.item_id
    )
    assert easy.is_passed_by_all
    assert hard.is_failed_by_all
    assert easy.discrimination is hard.discrimination is None


def test_few_models_tell_the_difficulty_and_no_discrimination() -> None:
    (item, _) = analyse(respondents({"a": [0, 1, 1], "b": [0, 1, 1]}))
    assert item.difficulty == pytest.approx(2 / 3)
    assert item.discrimination is None


def test_respondents_need_not_have_answered_the_same_items() -> None:
    found = analyse({"one": {"a": 1.0}, "two": {"b": 0.0}, "three": {"a": 0.0, "b": 1.0}})
    assert [(item.item_id, item.n, item.difficulty) for item in found] == [("a", 2, 0.5), ("b", 2, 0.5)]


@given(SCORES, st.data())
def test_the_correlation_is_pearsons(one: list[float], data: st.DataObject) -> None:
    other = data.draw(st.lists(st.floats(0, 1, width=16), min_size=len(one), max_size=len(one)))
    ours = correlation(one, other)
    assume(max(one) - min(one) > 1e-3)
    assume(max(other) - min(other) > 1e-3)
    assert ours == pytest.approx(pearson(one, other), abs=1e-6)
    assert -1 - 1e-9 <= (ours or 0) <= 1 + 1e-9
