"""Bodies are checked as LM Studio checks them, and a hostile one costs no more than its size."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from harness.serving.body import (
    ChatBody,
    ImageItem,
    LoadBody,
    TextItem,
    chat_body,
    download_body,
    load_body,
    unload_body,
)
from harness.serving.refusal import Refusal


def refusal(read: Callable[[bytes], object], body: object) -> Refusal:
    with pytest.raises(Refusal) as caught:
        read(body if isinstance(body, bytes) else json.dumps(body).encode())
    assert caught.value.status == 400
    return caught.value


def test_a_whole_body_is_read_into_its_fields() -> None:
    raw = {"model": "a", "context_length": 512.0, "flash_attention": False, "echo_load_config": True}
    assert load_body(json.dumps(raw).encode()) == LoadBody(
        model="a", context_length=512, flash_attention=False, echo_load_config=True
    )
    chat = chat_body(b'{"model": "a", "input": "Hi", "temperature": 1, "top_k": 0}')
    assert chat == ChatBody(model="a", input=(TextItem(content="Hi"),), temperature=1, top_k=0)
    assert unload_body(b'{"instance_id": "a:2"}').instance_id == "a:2"
    assert download_body(b'{"model": "a/b", "quantization": "Q4_0"}').quantization == "Q4_0"


def test_texts_and_images_of_an_input_are_told_apart() -> None:
    items = [
        {"type": "text", "content": "a"},
        {"type": "image", "data_url": "data:,"},
        {"type": "text", "content": "b"},
    ]
    chat = chat_body(json.dumps({"model": "m", "input": items}).encode())
    assert (chat.text, chat.images) == ("a\nb", (ImageItem(data_url="data:,"),))


@pytest.mark.parametrize(
    "item",
    [
        {},
        None,
        "text",
        [],
        {"type": "message", "content": "x"},
        {"type": ["text"], "content": "x"},
        {"type": "text", "text": "x"},
        {"type": "text", "content": "x", "role": "user"},
        {"type": "image", "content": "x"},
        {"content": "x"},
    ],
)
def test_an_input_item_that_is_neither_is_an_invalid_union(item: object) -> None:
    found = refusal(chat_body, {"model": "m", "input": [item]})
    assert (found.code, found.param) == ("invalid_union", "input")
    assert found.message == "Invalid discriminator value. Expected 'text' | 'image'"


def test_a_missing_field_is_named_before_an_unknown_one() -> None:
    found = refusal(unload_body, {"model": "m"})
    assert (found.code, found.param) == ("missing_required_parameter", "instance_id")
    assert found.message == "Missing required field 'instance_id'"


@pytest.mark.parametrize("key", ["ttl", "stop", "seed", "messages", "identifier", "tools"])
def test_a_key_that_lm_studio_does_not_know_is_refused(key: str) -> None:
    found = refusal(chat_body, {"model": "m", "input": "x", key: 1})
    assert (found.code, found.message) == ("unrecognized_keys", f"Unrecognized key(s) in object: '{key}'")


def test_of_many_unknown_and_long_keys_only_some_are_repeated() -> None:
    found = refusal(load_body, {"model": "m", **{f"{at}{'x' * 10_000}": 1 for at in range(20)}})
    assert found.message.endswith(" and 17 more")
    assert len(found.message) < 1000


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("context_length", None, "invalid_type"),
        ("context_length", "512", "invalid_type"),
        ("context_length", True, "invalid_type"),
        ("context_length", [512], "invalid_type"),
        ("context_length", 512.5, "invalid_value"),
        ("context_length", 0, "invalid_value"),
        ("context_length", -1, "invalid_value"),
        ("context_length", 2**31, "invalid_value"),
        ("context_length", 1e300, "invalid_value"),
        ("flash_attention", 1, "invalid_type"),
        ("echo_load_config", "true", "invalid_type"),
        ("model", 5, "invalid_type"),
    ],
)
def test_a_value_of_another_type_or_out_of_range_is_refused(name: str, value: object, code: str) -> None:
    found = refusal(load_body, {"model": "m", name: value})
    assert (found.code, found.param) == (code, name)
    assert f"Invalid value for '{name}': expected " in found.message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", 1.1),
        ("temperature", -0.1),
        ("top_p", 2),
        ("min_p", -1),
        ("top_k", -1),
        ("repeat_penalty", 0),
        ("repeat_penalty", 1e300),
        ("max_output_tokens", 0),
    ],
)
def test_sampling_out_of_range_is_refused(name: str, value: float) -> None:
    assert refusal(chat_body, {"model": "m", "input": "x", name: value}).code == "invalid_value"


def test_a_body_is_an_object() -> None:
    for raw in (b"[]", b"1", b'"x"', b"null", b"true"):
        assert refusal(load_body, raw).code == "invalid_type"


def test_the_native_body_leaves_out_what_is_not_set() -> None:
    found: dict[str, Any] = refusal(load_body, {"model": "m", "ttl": 1}).body
    assert found == {
        "error": {
            "message": "Unrecognized key(s) in object: 'ttl'",
            "type": "invalid_request",
            "code": "unrecognized_keys",
        }
    }
