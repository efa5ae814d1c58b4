import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.client.listing import read_listing
from harness.client.openai import CompletionWire
from harness.client.wire import (
    ChatWire,
    DownloadWire,
    LoadWire,
    ModelsWire,
    ModelWire,
    StatsWire,
    UnloadWire,
    Wire,
    parse,
    read_json,
)
from harness.domain.generation import Times
from harness.domain.model import Instance, InstanceId, LoadConfig, Model
from harness.errors import MalformedAnswer

RECORDINGS = Path(__file__).resolve().parents[2] / ".." / "shared" / "recordings"
RECORDED: dict[str, type[Wire]] = {
    "models_one_loaded.json": ModelsWire,
    "models_early_0.4.json": ModelsWire,
    "load.json": LoadWire,
    "unload.json": UnloadWire,
    "download_already.json": DownloadWire,
    "chat_stored.json": ChatWire,
    "chat_unstored.json": ChatWire,
    "openai_chat_json_schema.json": CompletionWire,
}
TIMES = Times(e2e_s=1.0, total_s=1.0)


def recorded(name: str) -> Any:
    if not RECORDINGS.is_dir():
        pytest.skip(f"the recordings are not beside the checkout: {RECORDINGS}")
    return read_json((RECORDINGS / name).read_bytes())


def listed(payload: Any) -> tuple[Model, ...]:
    return read_listing(parse(ModelsWire, payload).models).models


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_answer_survives_the_round_trip(name: str) -> None:
    payload = recorded(name)
    again = parse(RECORDED[name], payload).to_json()
    assert json.dumps(again, sort_keys=True) == json.dumps(payload, sort_keys=True)


def test_every_recording_is_tested() -> None:
    if not RECORDINGS.is_dir():
        pytest.skip(f"the recordings are not beside the checkout: {RECORDINGS}")
    assert {path.name for path in RECORDINGS.glob("*.json")} == set(RECORDED)


def test_the_recorded_listing_is_understood() -> None:
    models = {str(model.key): model for model in listed(recorded("models_one_loaded.json"))}
    gemma = models["google/gemma-3-1b"]
    assert gemma.loaded_instances == (
        Instance(id=InstanceId("google/gemma-3-1b"), config=LoadConfig(context_length=4096, parallel=4)),
    )
    assert gemma.loaded_instances[0].slots == 4
    assert gemma.capabilities is not None
    assert gemma.capabilities.reasoning_options is None
    embedding = models["text-embedding-nomic-embed-text-v1.5"]
    assert embedding.is_embedding
    assert embedding.capabilities is None
    assert embedding.params_string is None


def test_an_early_instance_tells_no_slots_and_counts_as_one() -> None:
    models = listed(recorded("models_early_0.4.json"))
    (instance,) = [instance for model in models for instance in model.loaded_instances]
    assert instance.config.parallel is None
    assert instance.slots == 1


def test_the_recorded_chats_are_understood() -> None:
    stored = parse(ChatWire, recorded("chat_stored.json")).to_domain(TIMES)
    unstored = parse(ChatWire, recorded("chat_unstored.json")).to_domain(TIMES)
    assert (stored.text, unstored.text) == ("Hi.", "Hi.")
    assert stored.response_id is not None
    assert unstored.response_id is None
    assert stored.stats.input_tokens == 15
    assert stored.stats.load_time_s is None
    assert not stored.loaded_model


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
numbers = st.integers(min_value=0, max_value=2**53) | st.floats(min_value=0, max_value=1e9)
KNOWN = {name for wire in Wire.__subclasses__() for name in wire.model_fields}
# hypothesis draws names from the source too; one that the API gives a meaning is no further key.
further_names = st.text(max_size=8).filter(lambda name: name not in KNOWN)


def with_extras(**known: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with any of these keys absent or null, and any others besides."""
    optional = {name: values | st.none() for name, values in known.items()}
    return st.builds(
        lambda extra, mine: extra | mine,
        st.dictionaries(further_names, json_values, max_size=3),
        st.fixed_dictionaries({}, optional=optional),
    )


configs = with_extras(context_length=numbers, parallel=numbers, flash_attention=st.booleans())
instances = st.builds(lambda extra, name: extra | {"id": name}, with_extras(config=configs), st.text())
capabilities = with_extras(
    vision=st.booleans(),
    trained_for_tool_use=st.booleans(),
    reasoning=with_extras(allowed_options=st.lists(st.text(max_size=6), max_size=3), default=st.text(max_size=6)),
)
models = st.builds(
    lambda extra, key: extra | {"key": key, "type": "llm"},
    with_extras(
        publisher=st.text(),
        quantization=with_extras(name=st.text(), bits_per_weight=numbers),
        size_bytes=numbers,
        loaded_instances=st.lists(instances, max_size=2),
        max_context_length=numbers,
        capabilities=capabilities,
        variants=st.lists(st.text(), max_size=2),
    ),
    st.text(),
)
outputs = st.builds(
    lambda extra, kind: extra | {"type": kind},
    with_extras(content=st.text()),
    st.sampled_from(["message", "reasoning", "tool_call", "invalid_tool_call", "video"]),
)
chats = st.builds(
    lambda extra, name, output: extra | {"model_instance_id": name, "output": output},
    with_extras(stats=with_extras(input_tokens=numbers, tokens_per_second=numbers), response_id=st.text()),
    st.text(),
    st.lists(outputs, max_size=4),
)


@given(models)
def test_any_model_with_any_further_keys_survives_the_round_trip(payload: dict[str, Any]) -> None:
    model = parse(ModelWire, payload)
    assert json.dumps(model.to_json(), sort_keys=True) == json.dumps(payload, sort_keys=True)
    assert model.to_domain().key == payload["key"]


@given(chats)
def test_any_chat_with_any_further_keys_survives_the_round_trip(payload: dict[str, Any]) -> None:
    chat = parse(ChatWire, payload)
    assert json.dumps(chat.to_json(), sort_keys=True) == json.dumps(payload, sort_keys=True)
    texts = [item.get("content") or "" for item in payload["output"] if item["type"] == "message"]
    assert chat.to_domain(TIMES).text == "".join(texts)


def test_an_answer_without_message_or_stats_is_empty_not_an_error() -> None:
    payload = {"model_instance_id": "a", "output": [{"type": "reasoning", "content": "hm"}]}
    answer = parse(ChatWire, payload).to_domain(TIMES)
    assert (answer.text, answer.reasoning) == ("", "hm")
    assert answer.stats.total_output_tokens is None


def test_several_messages_around_tool_calls_are_joined_and_the_calls_kept() -> None:
    call = {"type": "tool_call", "tool": "search", "arguments": {"q": 1}, "output": "x"}
    bad = {"type": "invalid_tool_call", "reason": "no such tool", "metadata": {"type": "invalid_name"}}
    output = [{"type": "message", "content": "a"}, call, bad, {"type": "message", "content": "b"}]
    answer = parse(ChatWire, {"model_instance_id": "a", "output": output}).to_domain(TIMES)
    assert answer.text == "ab"
    assert answer.tool_calls == (call, bad)


def test_a_load_time_in_the_stats_says_that_the_request_loaded_the_model() -> None:
    stats = {"model_load_time_seconds": 7.183}
    answer = parse(ChatWire, {"model_instance_id": "a", "output": [], "stats": stats}).to_domain(TIMES)
    assert answer.loaded_model
    assert answer.stats.load_time_s == 7.183


@pytest.mark.parametrize(
    ("payload", "place"),
    [
        ({}, "models"),
        ({"data": []}, "models"),
        ({"models": {"a": 1}}, "models"),
        ([], "answer"),
        (None, "answer"),
    ],
)
def test_a_listing_that_lacks_what_was_promised_says_where(payload: Any, place: str) -> None:
    with pytest.raises(MalformedAnswer, match=place.replace(".", r"\.")):
        parse(ModelsWire, payload)


def test_what_was_wrong_is_described_without_repeating_it() -> None:
    with pytest.raises(MalformedAnswer) as caught:
        parse(UnloadWire, {"instance_id": {"canary": "sk-canary"}})
    assert "canary" not in str(caught.value)


def test_a_load_with_another_status_is_no_load() -> None:
    with pytest.raises(MalformedAnswer, match="loading"):
        parse(LoadWire, {"instance_id": "a", "status": "loading"}).to_domain()


@pytest.mark.parametrize("data", [b"", b"<html>", b"{'a': 1}", b"[" * 100_000])
def test_what_is_no_json_is_a_malformed_answer(data: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        read_json(data)


def test_half_of_a_surrogate_pair_does_not_break_an_answer() -> None:
    payload = read_json(rb'{"model_instance_id": "a", "output": [{"type": "message", "content": "\ud83d"}]}')
    text = parse(ChatWire, payload).to_domain(TIMES).text
    assert text.encode() == "\N{REPLACEMENT CHARACTER}".encode()
    assert read_json(rb'"\ud83d\ude00 \ud83d"') == "\U0001f600 \N{REPLACEMENT CHARACTER}"


def test_counts_may_come_as_floats() -> None:
    stats = parse(StatsWire, {"input_tokens": 15.0}).to_domain()
    assert stats.input_tokens == 15
    assert isinstance(stats.input_tokens, int)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"null"])
def test_what_is_not_a_number_in_the_stats_was_not_reported(number: bytes) -> None:
    stats = parse(StatsWire, read_json(b'{"input_tokens": 3, "tokens_per_second": %s}' % number)).to_domain()
    assert (stats.input_tokens, stats.tokens_per_second) == (3, None)
