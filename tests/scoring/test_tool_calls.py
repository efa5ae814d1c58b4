"""Exactly the calls of the target are right; what is wrong is named."""

import json
import time
from typing import Any

import pytest

from harness.errors import TaskError
from harness.scoring.tool_calls import ToolCalls, ideal_calls

WEATHER = {"name": "get_weather", "arguments": {"city": ["Oslo", "Oslo, Norway"], "days": [2], "unit": ["C"]}}
TARGET = {"calls": [{**WEATHER, "optional": ["unit"]}]}
LAMPS = [{"name": "lamp", "arguments": {"room": rooms}} for rooms in (["hall", "attic"], ["hall"])]
NONE: dict[str, Any] = {"calls": []}


def call(name: str = "get_weather", **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


@pytest.mark.parametrize(
    "answer",
    [
        [call(city="Oslo", days=2)],
        call(city="oslo,  norway", days=2.0, unit="c"),
        {
            "tool_calls": [
                {"type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Oslo","days":2}'}}
            ]
        },
        {"name": "get_weather", "parameters": {"city": "Oslo", "days": 2}},
        [{"function": "get_weather", "arguments": {"city": "Oslo", "days": 2}}],
        [{"tool": "get_weather", "tool_input": {"city": "Oslo", "days": 2}}],
        {"function_call": {"name": "get_weather", "arguments": '{"city":"Oslo","days":2}'}},
        {"calls": call(city="Oslo", days=2)},
        [call(city="Oslo", days=2, unit=None)],
        [{"get_weather": {"city": "Oslo", "days": 2}}],
    ],
)
def test_the_same_call_counts_in_each_usual_form(answer: Any) -> None:
    score = ToolCalls()(json.dumps(answer), TARGET)
    assert (score.value, score.passed, score.details["wrong"]) == (1.0, True, None)


@pytest.mark.parametrize(
    ("answer", "wrong", "said"),
    [
        ([], "count", "expected 1 call, got 0"),
        ([call(city="Oslo", days=2)] * 2, "count", "got 2"),
        ([call("get_news", city="Oslo")], "name", "got get_news"),
        ([call(city="Oslo")], "missing", "days is missing"),
        ([call(city="Oslo", days=None)], "type", "days is null"),
        ([call(city="Oslo", days="2")], "type", 'days is "2"'),
        ([call(city="Oslo", days=True)], "type", "days is true"),
        ([call(city="Bergen", days=2)], "value", 'city is "Bergen"'),
        ([call(city="Oslo", days=2, hour=7)], "unknown", "no argument hour is expected"),
        ([{"name": "get_weather", "arguments": "{broken"}], "form", "are not JSON"),
        ([{"name": "get_weather", "arguments": "[" * 5000}], "form", "are not JSON"),
        ([{"name": "get_weather", "arguments": "[" * 200 + "]" * 200}], "form", "nested too deeply"),
        ([{"name": "get_weather", "arguments": [2]}], "form", "are not an object"),
        ([7], "form", "expected a call with a name, got 7"),
        ([[call(city="Oslo", days=2)]], "form", "expected a call with a name, got [{"),
        ([{"name": "get_weather", "city": "Oslo", "days": 2}], "missing", "city is missing"),
        ({"get_weather": "Oslo"}, "form", 'expected a call with a name, got {"get_weather"'),
        ([{"name": "\ud800", "arguments": {}}], "name", "got ?"),
    ],
)
def test_what_is_wrong_is_named(answer: Any, wrong: str, said: str) -> None:
    score = ToolCalls()(json.dumps(answer), TARGET)
    assert (score.value, score.passed, score.details["wrong"]) == (0.0, False, wrong)
    assert said in score.reason
    json.dumps([score.reason, score.details], ensure_ascii=False).encode()


def test_order_matters_only_where_the_target_says_so_and_each_call_has_its_own() -> None:
    in_order, swapped = (
        json.dumps([call("lamp", room=room) for room in rooms]) for rooms in (("attic", "hall"), ("hall", "attic"))
    )
    free, ordered = {"calls": LAMPS}, {"calls": LAMPS, "ordered": True}
    assert [ToolCalls()(text, free).value for text in (in_order, swapped)] == [1.0, 1.0]
    assert [ToolCalls()(text, ordered).value for text in (in_order, swapped)] == [1.0, 0.0]
    twice = {"calls": [call("lamp", room=["hall"]), call("lamp", room=["attic"])]}
    assert ToolCalls()(json.dumps([call("lamp", room="hall")] * 2), twice).details["wrong"] == "arguments"


def test_where_no_call_is_right_text_is_right_and_silence_is_not() -> None:
    answers = (
        "[]",
        "None of these functions helps.",
        "",
        json.dumps([call(city="Oslo", days=2)]),
        "{}",
        '[{"name": "g',
    )
    assert [ToolCalls()(text, NONE).value for text in answers] == [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    assert ToolCalls()("It rains in Oslo.", TARGET).reason == "unparsed: text without a call of get_weather"


@pytest.mark.parametrize(
    "answer",
    [
        '```\n{"name": "get_weather", "arguments": {"city": ',
        '{"type": "json", "data": {"type": "json", ',
        'lamp[]\n\n[\n{"name": "lamp',
        'get_weather(city="Oslo", days=2)',
        "```python\nprint(get_weather('Oslo'))\n```",
        'I would call [get_weather(city="Oslo")].',
        "[{'name': 'get_weather', 'arguments': {'city': 'Oslo', 'days': 2}}]",
    ],
)
def test_a_call_that_cannot_be_read_is_neither_a_right_call_nor_no_call(answer: str) -> None:
    for target in (TARGET, NONE):
        assert ToolCalls()(answer, target).reason in {
            "unparsed: the calls are not JSON",
            "unparsed: the list of calls breaks off",
        }


def test_brackets_that_hold_no_call_are_prose() -> None:
    line = json.dumps(call(city="Oslo", days=2))
    for text in (f"{line} [note", f"As [1] says: {line}", f"{line} [1]", f"[TOOL_CALLS][{line}]"):
        assert ToolCalls()(text, TARGET).value == 1.0, text
    for text in ("[No function fits]", 'There is no "name" to call (sorry).'):
        assert ToolCalls()(text, NONE).value == 1.0, text


def test_lists_one_after_the_other_are_calls_and_a_corrected_list_is_not() -> None:
    first, second = (json.dumps([call("lamp", room=room)]) for room in ("attic", "hall"))
    both, one = {"calls": LAMPS}, {"calls": LAMPS[1:]}
    for between in ("\n", ", ", "\n```\n```json\n"):
        assert ToolCalls()(f"{first}{between}{second}", both).value == 1.0, between
    assert ToolCalls()(f"{first}\nNo, the hall:\n{second}", one).value == 1.0


def test_calls_without_a_list_all_count_and_a_list_that_breaks_off_does_not() -> None:
    line = json.dumps(call(city="Oslo", days=2))
    assert ToolCalls()(line, TARGET).value == 1.0
    assert ToolCalls()(f"{line}\n{line}", TARGET).details["wrong"] == "count"
    assert ToolCalls()(f"```json\n{line}\n{line}\n```", {"calls": TARGET["calls"] * 2}).value == 1.0
    within = f'{{"name": "plan", "arguments": {line}, "then": '
    for cut in (f"[{line}", f"[{line}, {line[:20]}", f'{{"calls": [{line}, ', f"[{line}]\n[{line[:20]}", within):
        assert ToolCalls()(cut, TARGET).reason == "unparsed: the list of calls breaks off", cut


def test_a_megabyte_of_arguments_is_judged_in_a_second() -> None:
    for answer in (
        json.dumps([call(city="O" * 1_000_000, days=2)]),
        json.dumps([{"name": "get_weather", "arguments": json.dumps({"city": "O" * 1_000_000})}]),
        json.dumps([call(city="Oslo", days=2)] * 20_000),
    ):
        begun = time.process_time()
        assert ToolCalls()(answer, TARGET).value == 0.0
        assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    "target",
    [
        None,
        {},
        {"calls": [{"name": "a"}]},
        {"calls": [call(a=1)]},
        {"calls": [call(a=[])]},
        {"calls": [{**call(a=[1]), "optional": ["b"]}]},
    ],
)
def test_a_target_of_another_form_is_the_tasks_error(target: Any) -> None:
    with pytest.raises(TaskError, match="expected a target with"):
        ToolCalls()("[]", target)


BFCL: dict[str, Any] = {
    "calls": [
        {
            "name": "book",
            "arguments": {"day": ["May 1, 2024"], "seat": [{"row": [1, 2], "side": ["left", ""]}], "note": ["none"]},
            "optional": ["note"],
        }
    ],
    "form": "bfcl",
}


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        ({"day": "may 1 2024", "seat": {"row": 2}}, 1.0),
        ({"day": "May 1,2024", "seat": {"row": 1.0, "side": "Left"}}, 1.0),
        ({"day": "May 1, 2024", "seat": {"row": 3}}, 0.0),
        ({"day": "May 1, 2024", "seat": {"side": "left"}}, 0.0),
        ({"day": "May 1, 2024", "seat": {"row": 1, "aisle": 2}}, 0.0),
        ({"day": "May 1, 2024", "seat": [1]}, 0.0),
        ({"day": "May 1, 2024", "seat": {"row": 2}, "note": None}, 0.0),
    ],
)
def test_in_the_form_of_bfcl_values_are_compared_as_its_authors_do(arguments: Any, value: float) -> None:
    answer = json.dumps([call("book", **arguments)])
    assert ToolCalls()(answer, BFCL).value == value
    assert ToolCalls()(answer, {**BFCL, "form": "plain"}).value == 0.0


def test_the_ideal_calls_are_right_and_a_target_of_another_form_has_none() -> None:
    for target in (TARGET, NONE, BFCL):
        assert ToolCalls()(ideal_calls(target) or "", target).passed
    forms: list[Any] = ["other", [], 1]
    for form in forms:
        assert ideal_calls({**BFCL, "form": form}) is None
        with pytest.raises(TaskError, match='"form": "plain" or "bfcl"'):
            ToolCalls()("[]", {**BFCL, "form": form})
