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


@pytest.mark.parametrize("target", [{}, [], "x", {"a": {"$date": "3.3.2026"}}, {"a": [{"$any": "x"}]}])
def test_a_malformed_target_is_the_tasks_error(target: Any) -> None:
    with pytest.raises(TaskError, match="fields"):
        Fields()("{}", target)


PLAIN = st.one_of(st.none(), st.booleans(), st.integers(-(10**9), 10**9), st.floats(-1e9, 1e9), st.text(max_size=20))
NAMES = st.text(min_size=1, max_size=8).filter(lambda name: not name.startswith("$"))  # Those mean something.
OBJECTS = st.dictionaries(NAMES, PLAIN, min_size=1, max_size=5)


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


ORDER = {"items": [{"sku": "a", "qty": 1}, {"sku": "b", "qty": 2}], "to": {"city": "Oslo", "zip": None}}


def test_list_elements_may_come_in_any_order() -> None:
    answer = {"items": ORDER["items"][::-1], "to": {"city": "oslo"}}  # type: ignore[index]
    assert Fields()(json.dumps(answer), ORDER).value == 1.0


def test_a_missing_and_an_added_element_cost_their_fields() -> None:
    one = Fields()(json.dumps({"items": [{"sku": "b", "qty": 2}], "to": {"city": "Oslo"}}), ORDER)
    assert one.value == pytest.approx(2 * 3 / (5 + 3))
    assert one.details["wrong"] == ["items[0].qty", "items[0].sku"] or one.details["wrong"] == ["items[0]"]
    more = Fields()(json.dumps({**ORDER, "items": [*ORDER["items"], {"sku": "c"}]}), ORDER)
    assert more.value == pytest.approx(2 * 5 / (5 + 6))


@pytest.mark.parametrize(
    ("target", "right", "wrong"),
    [
        ({"$date": "2026-03-04"}, ["2026-03-04", "4 March 2026", "March 4th, 2026", "04.03.2026"], ["03/04/2026", 4]),
        ({"$date": "2026-03-13"}, ["13/03/2026", "3/13/2026", "2026-03-13T10:00:00Z"], ["2026-13-03", "March"]),
        ({"$amount": 1250}, [1250, 1250.0, "\u20ac1,250.00", "1.250,00 EUR", "$1250"], ["1,25", True, "1250 of 1300"]),
        ({"$any": ["NYC", "New York"]}, ["nyc", "New  York"], ["York", ["NYC"]]),
        ("3 March 2026", ["3 march 2026"], ["2026-03-03"]),
        (1250, [1250], ["1250"]),
    ],
)
def test_only_a_declared_type_accepts_other_ways_to_write_it(target: Any, right: list[Any], wrong: list[Any]) -> None:
    assert [value for value in right if Fields()(json.dumps({"a": value}), {"a": target}).value != 1.0] == []
    assert [value for value in wrong if Fields()(json.dumps({"a": value}), {"a": target}).value != 0.0] == []
