"""What `json_schema` accepts, and that no schema and no answer takes long."""

import json
import time
from typing import Any

import pytest

from harness.errors import TaskError
from harness.scoring.schema import Schema


def judge(answer: str, **schema: Any) -> float | None:
    return Schema()(answer, {"schema": schema}).value


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("42", "integer"),
        ("The answer is: 42", "integer"),
        ("```json\n4.5\n```", "number"),
        ('"red"', "string"),
        ("true", "boolean"),
        ("null", "null"),
        ("null", ["integer", "null"]),
        ("[1]", ["integer", "array"]),
    ],
)
def test_an_answer_may_be_a_scalar_where_the_type_allows_it(answer: str, kind: Any) -> None:
    assert judge(answer, type=kind) == 1.0


@pytest.mark.parametrize(
    ("answer", "kind"), [("red", "string"), ("4.5", "integer"), ('"4"', "integer"), ("4", "object")]
)
def test_a_scalar_of_another_type_is_wrong(answer: str, kind: str) -> None:
    assert judge(answer, type=kind) == 0.0


@pytest.mark.parametrize(
    ("name", "valid", "invalid"),
    [
        ("date", "2026-02-28", "2026-02-30"),
        ("time", "10:00:00Z", "10:00"),
        ("date-time", "2026-02-28T10:00:60.1234567Z", "2026-02-28 10:00"),
        ("duration", "P1DT2H", "1 day"),
        ("email", "ada@example.org", "ada"),
        ("ipv4", "127.0.0.1", "127.0.0.256"),
        ("ipv6", "::1", "::g"),
        ("uuid", "2b7b2b1c-3a3e-4d52-9f3b-0f5a8e6d7c11", "2b7b2b1c"),
        ("hostname", "example.org", "-x.org"),
        ("uri", "https://example.org/a", "https://a b"),
        ("uri-reference", "/a", "a b"),
        ("json-pointer", "/a/0", "a"),
        ("regex", "^a+$", "("),
    ],
)
def test_a_format_is_checked(name: str, valid: str, invalid: str) -> None:
    assert judge(json.dumps(valid), type="string", format=name) == 1.0
    assert judge(json.dumps(invalid), type="string", format=name) == 0.0


def test_unique_items_are_compared_as_json_schema_says() -> None:
    assert judge('[1, true, "1", [1], {"a": 1}, {"a": 2}]', type="array", uniqueItems=True) == 1.0
    assert judge("[1, 1.0]", type="array", uniqueItems=True) == 0.0
    assert judge('[{"a": 1, "b": 2}, {"b": 2, "a": 1}]', type="array", uniqueItems=True) == 0.0


def test_additional_properties_are_those_that_no_pattern_matches() -> None:
    schema: Any = {"type": "object", "properties": {"a": {}}, "patternProperties": {"^x": {"type": "integer"}}}
    assert judge('{"a": 1, "x1": 2}', **schema, additionalProperties=False) == 1.0
    assert judge('{"a": 1, "y": 2}', **schema, additionalProperties=False) == 0.0
    assert judge('{"x1": "2"}', **schema) == 0.0
    assert judge('{"y": 2}', **schema, additionalProperties={"type": "string"}) == 0.0


@pytest.mark.parametrize(
    "schema", [{"$ref": "#"}, {"$schema": "https://json-schema.org/draft/2020-12/schema", "$ref": "#"}]
)
def test_a_schema_that_refers_to_itself_without_end_is_the_tasks_error(schema: Any) -> None:
    with pytest.raises(TaskError, match="refers to itself"):
        judge("{}", **schema)


def test_a_recursive_schema_is_fine_and_a_very_deep_answer_is_wrong_at_worst() -> None:
    schema: Any = {"type": "object", "properties": {"n": {"$ref": "#"}}}
    assert judge('{"n": {"n": {}}}', **schema) == 1.0
    assert judge('{"n":' * 90 + "{}" + "}" * 90, **schema) in {0.0, 1.0}


@pytest.mark.parametrize("place", ["pattern", "patternProperties", "additionalProperties"])
def test_an_exponential_pattern_is_the_tasks_error_within_a_second(place: str) -> None:
    pattern = r"^(([a-z])+.)+[A-Z]([a-z])+$"
    text = "a" * 5_000
    schema: Any = {"type": "string", "pattern": pattern}
    if place != "pattern":
        schema = {"type": "object", "patternProperties": {pattern: {}}, "additionalProperties": False}
    answer = json.dumps(text if place == "pattern" else {text: 1})
    started = time.process_time()
    with pytest.raises(TaskError, match="takes too long"):
        judge(answer, **schema)
    assert time.process_time() - started < 1.0


@pytest.mark.parametrize(
    ("answer", "schema"),
    [
        (json.dumps([{"i": item} for item in range(15_000)]), {"type": "array", "uniqueItems": True}),
        (json.dumps([{"i": item} for item in range(15_000)]), {"type": "array", "items": {"type": "string"}}),
        (json.dumps("a" * 180_000), {"type": "string", "pattern": "^(a+)+$"}),
        (json.dumps({f"k{key}": key for key in range(10_000)}), {"type": "object", "additionalProperties": False}),
    ],
    ids=["unique", "items", "pattern", "names"],
)
def test_a_long_answer_is_judged_within_a_second(answer: str, schema: Any) -> None:
    judge("[1]", type="array")
    started = time.process_time()
    judge(answer, **schema)
    assert time.process_time() - started < 1.0


def test_a_schema_that_json_cannot_hold_is_the_tasks_error() -> None:
    with pytest.raises(TaskError, match="a schema in JSON"):
        Schema()("{}", {"schema": {"enum": {1, 2}}})
