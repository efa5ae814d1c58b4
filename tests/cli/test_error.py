"""How a command that fails says so: in words for a person, with --json as one JSON object on standard error."""

import json

import pytest

from .conftest import Call


def test_with_json_an_error_is_one_object_on_standard_error(call: Call) -> None:
    result = call("preflight", "--url", "http://127.0.0.1:9", "--json")
    assert (result.code, result.out) == (3, "")
    (line,) = result.err.splitlines()
    error = json.loads(line)
    assert (error["error"], error["exit_code"]) == ("ServerUnreachable", 3)
    assert "http://127.0.0.1:9" in error["message"]
    assert "lms-harness serve" in error["hint"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("load", "--json"), "Missing argument 'KEY'"),
        (("models", "--json", "--wrong"), "No such option"),
        (("unload", "--json"), "either a model KEY or --instance ID"),
        (("chat", "m", "t", "--reasoning", "x", "--no-store", "--stateful", "--json"), "--no-store"),
        (("score", "nowhere.jsonl", "--scorer", "exact", "--json"), "nowhere.jsonl"),
    ],
)
def test_a_usage_error_is_one_too(call: Call, words: tuple[str, ...], message: str) -> None:
    result = call(*words)
    assert (result.code, result.out) == (2, "")
    error = json.loads(result.err)
    assert message in error["message"]
    assert error["exit_code"] == 2


def test_without_json_a_person_reads_the_usage_and_the_message(call: Call) -> None:
    assert call("unload").err.splitlines()[0] == "Usage: lms-harness unload [OPTIONS] [KEY]"
    assert call("chat", "m", "--", "--json").err.startswith("no downloaded model")
