import json
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.errors import TaskError
from harness.scoring.fields import Fields

TARGET = {"name": "Anna Berg", "quantity": 12, "phone": None}


@pytest.mark.parametrize(
    "answer",
    [
        '{"name": "Anna Berg", "quantity": 12, "phone": null}',
        '{"name": "anna  berg", "quantity": 12.0}',
        'Sure! Here it is:\n```json\n{"quantity": 12, "name": "Anna Berg"}\n```\nAnything else?',
        '<think>{"name": "Bob"}</think>{"name": "Anna Berg", "quantity": 12}',
        'First {"name": "Bob"}, but corrected: {"name": "Anna Berg", "quantity": 12}',
    ],
)
def test_a_right_object_scores_one_however_it_is_wrapped(answer: str) -> None:
    score = Fields()(answer, TARGET)
    assert (score.value, score.passed, score.details["wrong"]) == (1.0, True, [])


@pytest.mark.parametrize(
    ("answer", "value", "wrong"),
    [
        ('{"name": "Anna Berg"}', 2 / 3, ["quantity"]),
        ('{"name": "Anna Berg", "quantity": "12"}', 0.5, ["quantity"]),
        ('{"name": "Anna Berg", "quantity": 13}', 0.5, ["quantity"]),
        ('{"name": "Anna Berg", "quantity": true}', 0.5, ["quantity"]),
        ('{"name": "Anna Berg", "quantity": 12, "phone": "555"}', 0.8, ["phone"]),
        ('{"name": "Anna Berg", "quantity": 12, "city": "Oslo"}', 0.8, ["city"]),
        ('{"name": ["Anna Berg"], "quantity": 12}', 0.5, ["name"]),
        ("{}", 0.0, ["name", "quantity"]),
    ],
)
def test_missing_wrong_and_invented_fields_cost_what_f1_says(answer: str, value: float, wrong: list[str]) -> None:
    score = Fields()(answer, TARGET)
    assert score.value == pytest.approx(value)
    assert not score.passed
    assert score.details["wrong"] == wrong


@pytest.mark.parametrize("answer", ["", "no idea", "[1, 2]", '"name"', '{"name": "Anna Berg"', '{"quantity": NaN}'])
def test_what_holds_no_object_is_unparsed_and_scores_zero(answer: str) -> None:
    score = Fields()(answer, TARGET)
    assert (score.value, score.passed, score.reason) == (0.0, False, "unparsed: no JSON object")


def test_where_nothing_is_given_inventing_nothing_scores_one() -> None:
    assert Fields()('{"phone": null}', {"phone": None}).value == 1.0
    assert Fields()('{"phone": "1"}', {"phone": None}).value == 0.0


@pytest.mark.parametrize("target", [{}, [], "x", {"a": [1]}, {"a": {"b": 1}}])
def test_a_malformed_target_is_the_tasks_error(target: Any) -> None:
    with pytest.raises(TaskError, match="fields"):
        Fields()("{}", target)


PLAIN = st.one_of(st.none(), st.booleans(), st.integers(-(10**9), 10**9), st.floats(-1e9, 1e9), st.text(max_size=20))
OBJECTS = st.dictionaries(st.text(min_size=1, max_size=8), PLAIN, min_size=1, max_size=5)


@example({"<think>": "```json"})
@given(OBJECTS)
def test_the_target_itself_scores_one(target: dict[str, Any]) -> None:
    assert Fields()(json.dumps(target), target).value == 1.0


@given(OBJECTS, OBJECTS)
def test_scores_lie_within_zero_and_one_and_are_one_only_without_a_wrong_field(
    target: dict[str, Any], answer: dict[str, Any]
) -> None:
    score = Fields()(json.dumps(answer), target)
    assert score.value is not None
    assert 0.0 <= score.value <= 1.0
    assert (score.value == 1.0) == score.passed


@given(st.text(max_size=400))
def test_no_text_raises(answer: str) -> None:
    assert Fields()(answer, TARGET).value is not None


@pytest.mark.parametrize(
    "piece", ["{", "}", '{"a":', '"', '\\"', "{}", "[", '{"name": "Anna Berg"}', "```json\n", "{{}"]
)
def test_a_megabyte_of_anything_is_judged_within_a_second(piece: str) -> None:
    started = time.process_time()
    Fields()(piece * (1_000_000 // len(piece)), TARGET)
    assert time.process_time() - started < 1.0
