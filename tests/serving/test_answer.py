"""Answers have the fields that LM Studio's documentation gives them."""

import json

from harness.domain.model import Capabilities, Instance, InstanceId, LoadConfig, Model, ModelKey
from harness.serving.answer import chat_result, event, listing, load_answer

CONFIG = LoadConfig(context_length=512, parallel=4)
CHAT = Model(
    key=ModelKey("acme/tiny"),
    type="llm",
    loaded_instances=(Instance(id=InstanceId("acme/tiny"), config=CONFIG),),
    capabilities=Capabilities(reasoning_options=("off", "on"), reasoning_default="on"),
)


def test_the_listing_shows_instances_and_reasoning() -> None:
    (entry,) = listing([CHAT])["models"]
    assert entry["loaded_instances"] == [{"id": "acme/tiny", "config": {"context_length": 512, "parallel": 4}}]
    assert entry["capabilities"]["reasoning"] == {"allowed_options": ["off", "on"], "default": "on"}
    assert {"architecture", "description"} <= set(entry)


def test_an_embedding_model_has_no_architecture_and_no_capabilities() -> None:
    (entry,) = listing([Model(key=ModelKey("e"), type="embedding")])["models"]
    assert not {"architecture", "description", "capabilities", "variants"} & set(entry)


def test_the_answer_to_a_load_echoes_the_config_without_the_slots() -> None:
    plain = load_answer(CHAT, InstanceId("acme/tiny:2"), load_time_s=1.23456, echoed=None)
    assert plain == {"type": "llm", "instance_id": "acme/tiny:2", "load_time_seconds": 1.235, "status": "loaded"}
    echoing = load_answer(CHAT, InstanceId("acme/tiny:2"), load_time_s=1, echoed=CONFIG)
    assert echoing["load_config"] == {"context_length": 512}


def test_a_chat_leaves_out_empty_parts_and_an_id_that_is_not_stored() -> None:
    call = {"type": "tool_call", "tool": "x"}
    result = chat_result("i", reasoning="", message="Hi", stats={}, tool_calls=[call])
    assert result == {"model_instance_id": "i", "output": [call, {"type": "message", "content": "Hi"}], "stats": {}}
    thought = chat_result("i", reasoning="Hm", message="", stats={}, response_id="resp_1")
    assert (thought["output"], thought["response_id"]) == ([{"type": "reasoning", "content": "Hm"}], "resp_1")


def test_an_event_is_one_line_of_data_that_repeats_its_name() -> None:
    raw = event("message.delta", {"content": "a\nb\r\u2028"}).decode()
    name, data, *rest = raw.split("\n")
    assert (name, rest) == ("event: message.delta", ["", ""])
    assert json.loads(data.removeprefix("data: ")) == {"type": "message.delta", "content": "a\nb\r\u2028"}
