"""OpenAI's bodies: what is known must make sense, what is unknown is ignored, and texts come out as strings."""

import json
from typing import Any

import pytest

from harness.serving.openai_body import completion_body, embeddings_body
from harness.serving.refusal import Refusal

USER = {"role": "user", "content": "x"}


def completion(**more: Any) -> dict[str, Any]:
    return completion_body(json.dumps({"messages": [USER], **more}).encode())


def test_unknown_keys_and_null_are_left_out() -> None:
    found = completion(model="m", ttl=60, draft_model="d", n_probs=10**9, grammar="x", stop=None, seed=1)
    assert found == {"model": "m", "messages": [USER], "seed": 1}


def test_parts_of_a_content_become_one_text() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    (message,) = completion(messages=[{"role": "user", "content": parts}])["messages"]
    assert message["content"] == "a\nb"


def test_calls_and_their_results_are_kept() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "1", "content": "4"}]
    assert completion(messages=messages)["messages"] == [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        messages[1],
    ]


MALFORMED: list[dict[str, Any]] = [
    {"messages": None},
    {"messages": "x"},
    {"messages": ["x"]},
    {"messages": [{}]},
    {"messages": [{"role": "nobody", "content": "x"}]},
    {"messages": [{"role": ["user"], "content": "x"}]},
    {"messages": [{"role": "user", "content": 5}]},
    {"messages": [{"role": "user", "content": {"type": "text", "text": "x"}}]},
    {"messages": [{"role": "user", "content": ["x"]}]},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": ["x"]}]}]},
    {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]},
    {"messages": [{"role": "assistant", "tool_calls": "x"}]},
    {"messages": [{"role": "assistant", "tool_calls": {"function": {}}}]},
    {"messages": [{"role": "assistant", "tool_calls": [5]}]},
    {"messages": [{"role": "assistant", "tool_calls": [{"function": "f"}]}]},
    {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": 5}}]}]},
    {"messages": [{"role": "tool", "tool_call_id": 5, "content": "x"}]},
    {"model": ["m"]},
    {"temperature": "hot"},
    {"temperature": [1]},
    {"temperature": True},
    {"max_tokens": 1.5},
    {"max_tokens": 10**30},
    {"max_tokens": -2},
    {"top_logprobs": 10**6},
    {"logprobs": 5},
    {"logit_bias": []},
    {"logit_bias": {"1": "x"}},
    {"logit_bias": {str(at): 1 for at in range(2000)}},
    {"stop": 5},
    {"stop": [5]},
    {"stop": ["x"] * 1000},
    {"seed": "x"},
    {"stream": "true"},
    {"stream_options": True},
    {"stream_options": {"include_usage": 1}},
    {"response_format": "json"},
    {"response_format": {"type": "json_object"}},
    {"response_format": {"type": ["text"]}},
    {"response_format": {"type": "json_schema"}},
    {"response_format": {"type": "json_schema", "json_schema": {"schema": "x"}}},
    {"tools": {}},
    {"tools": ["f"]},
    {"tools": [{"function": {"name": 5}}]},
    {"tools": [{"function": {"name": "f", "parameters": [1]}}]},
    {"tool_choice": 5},
    {"tool_choice": "must"},
    {"tool_choice": {"function": "f"}},
]


@pytest.mark.parametrize("more", MALFORMED, ids=lambda more: json.dumps(more)[:80])
def test_a_malformed_completion_is_refused_with_the_parameter(more: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as caught:
        completion(**more)
    assert (caught.value.status, caught.value.type) == (400, "invalid_request_error")
    assert caught.value.param is not None
    assert caught.value.param.startswith(next(iter(more)))


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("a", ["a"]),
        (["a", "b"], ["a", "b"]),
        ([1, 2], [[1, 2]]),
        ([[1, 2], "a"], [[1, 2], "a"]),
    ],
)
def test_an_input_becomes_a_list_of_texts(value: object, texts: object) -> None:
    assert embeddings_body(json.dumps({"input": value, "user": "x"}).encode()) == {"input": texts}


@pytest.mark.parametrize("value", [None, [], {}, 5, [None], [{}], [[{}]], [["a"]], [[-1]], [[True]], ["x"] * 2049])
def test_a_malformed_input_is_refused(value: object) -> None:
    with pytest.raises(Refusal) as caught:
        embeddings_body(json.dumps({"input": value}).encode())
    assert caught.value.status == 400
