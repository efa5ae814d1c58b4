import json
from dataclasses import fields, replace

import pytest

from harness.client.openai import OpenAIChatRequest, json_schema_format, openai_chat_body
from harness.client.request import chat_body, encoded, load_body
from harness.domain.generation import ChatRequest, Image
from harness.domain.model import LoadConfig, ResponseId

DOCUMENTED_CHAT = {
    "model",
    "input",
    "system_prompt",
    "integrations",
    "stream",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "repeat_penalty",
    "max_output_tokens",
    "reasoning",
    "context_length",
    "store",
    "previous_response_id",
}
DOCUMENTED_LOAD = {
    "model",
    "context_length",
    "eval_batch_size",
    "flash_attention",
    "num_experts",
    "offload_kv_cache_to_gpu",
    "echo_load_config",
}
FULL = ChatRequest(
    model="a",
    input="b",
    system_prompt="c",
    temperature=0.0,
    top_p=0.5,
    top_k=1,
    min_p=0.1,
    repeat_penalty=1.1,
    max_output_tokens=5,
    reasoning="off",
    context_length=100,
    store=True,
    previous_response_id=ResponseId("resp_1"),
)


def test_a_full_chat_holds_documented_keys_only() -> None:
    body = chat_body(FULL, stream=True)
    assert set(body) == DOCUMENTED_CHAT - {"integrations"}
    assert body["stream"] is True


def test_what_is_not_set_is_left_out_and_never_null() -> None:
    body = chat_body(ChatRequest(model="a", input="b"), stream=False)
    assert body == {"model": "a", "input": "b", "store": False}


def test_store_is_always_said_because_the_server_stores_by_default() -> None:
    for store in (True, False):
        assert chat_body(replace(FULL, store=store), stream=False)["store"] is store


def test_zero_is_a_setting_and_is_sent() -> None:
    assert chat_body(ChatRequest(model="a", input="b", temperature=0.0), stream=False)["temperature"] == 0.0


def test_input_items_are_text_with_content_and_image_with_data_url() -> None:
    request = ChatRequest(model="a", input=("What?", Image(data_url="data:image/png;base64,AA==")))
    assert chat_body(request, stream=False)["input"] == [
        {"type": "text", "content": "What?"},
        {"type": "image", "data_url": "data:image/png;base64,AA=="},
    ]


def test_a_load_holds_documented_keys_only_and_never_parallel() -> None:
    config = LoadConfig(
        context_length=1,
        eval_batch_size=2,
        flash_attention=False,
        num_experts=3,
        offload_kv_cache_to_gpu=True,
        parallel=4,
    )
    assert all(getattr(config, field.name) is not None for field in fields(config))
    assert set(load_body("a", config, echo=True)) == DOCUMENTED_LOAD
    assert load_body("a", LoadConfig(parallel=8), echo=False) == {"model": "a"}


def test_any_text_can_be_sent_even_half_of_a_surrogate_pair() -> None:
    assert json.loads(encoded({"input": "é\x00\ud83d"})) == {"input": "é\x00\ud83d"}


def test_nan_is_never_sent() -> None:
    with pytest.raises(ValueError, match="JSON"):
        encoded({"temperature": float("nan")})


def test_an_openai_chat_leaves_out_what_is_not_set() -> None:
    request = OpenAIChatRequest(model="a", messages=[{"role": "user", "content": "b"}], seed=0, stop=["\n"])
    assert openai_chat_body(request, stream=False) == {
        "model": "a",
        "messages": [{"role": "user", "content": "b"}],
        "seed": 0,
        "stop": ["\n"],
    }
    assert openai_chat_body(request, stream=True)["stream_options"] == {"include_usage": True}


def test_a_schema_is_asked_for_by_json_schema_as_json_object_is_refused() -> None:
    wanted = json_schema_format({"type": "object"}, name="person")
    assert wanted["type"] == "json_schema"
    assert wanted["json_schema"]["schema"] == {"type": "object"}
