"""The right answer to an item of tools, and answers that only look like one."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from harness import Sample

Calls = list[dict[str, Any]]


def _right(sample: Sample) -> Calls:
    return [
        {
            "name": call["name"],
            "arguments": {
                name: values[0] for name, values in call["arguments"].items() if name not in call["optional"]
            },
        }
        for call in sample.target["calls"]
    ]


def reference(sample: Sample) -> str:
    """Return the right calls."""
    return json.dumps(_right(sample))


def _one_more(sample: Sample) -> str:
    return json.dumps([*_right(sample), {"name": sample.tools[0]["name"], "arguments": {}}])


def _too_many(sample: Sample) -> str:
    """Every call, with an argument that the function does not have."""
    calls = [{**call, "arguments": {**call["arguments"], "urgent": True}} for call in _right(sample)]
    return json.dumps(calls)


def _without_first(sample: Sample) -> str:
    calls = [{**call, "arguments": dict(list(call["arguments"].items())[1:])} for call in _right(sample)]
    return json.dumps(calls)


adversaries: Mapping[str, Callable[[Sample], str]] = {
    "the right calls and one more": _one_more,
    "an argument too many": _too_many,
    "the first argument is missing": _without_first,
    "every function": lambda sample: json.dumps(
        [{"name": function["name"], "arguments": {}} for function in sample.tools]
    ),
    "the definitions": lambda sample: json.dumps(sample.tools),
    "only the names": lambda sample: ", ".join(call["name"] for call in _right(sample)) or "call()",
}
guesses: Mapping[str, Callable[[Sample], str]] = {
    "always none": lambda _: "[]",
    "always the weather": lambda _: '[{"name": "get_weather", "arguments": {"city": "Oslo"}}]',
}
