"""Each check can fail: a scripted server that breaks one behaviour is found out."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import pytest

from harness.contract import CHECKS
from harness.contract.bench import Bench, chosen
from harness.contract.check import Check, look
from harness.domain.model import LoadConfig
from harness.errors import SettingsError
from harness.testing.fault import Call, Drop, Fault, Status
from harness.testing.library import DEFAULT_MODELS
from harness.testing.message import Response
from harness.testing.scripted import ScriptedServer

TINY, SMALL, EMBEDDING = DEFAULT_MODELS
MODELS, CHAT = "/api/v1/models", "/api/v1/chat"
LOAD, UNLOAD = "/api/v1/models/load", "/api/v1/models/unload"
OPENAI, EMBED = "/v1/chat/completions", "/v1/embeddings"
ODD = Status(418, {"error": {"message": "no", "type": "odd", "code": "odd", "param": "odd"}})
BY_NAME: Mapping[str, Check] = {check.__name__: check for check in CHECKS}


@dataclass(frozen=True)
class Edited:
    """Does what was asked, and sends the JSON of the answer changed by a function."""

    edit: Callable[[dict[str, Any]], object]

    def apply(self, call: Call) -> None:
        answer = call.answer()
        payload = json.loads(b"".join(answer.parts))
        self.edit(payload)
        call.send(replace(answer, parts=(json.dumps(payload).encode(),)))


@dataclass(frozen=True)
class Stream:
    """Changes the events of a streamed answer."""

    change: Callable[[list[bytes]], list[bytes]]

    def apply(self, call: Call) -> None:
        answer = call.answer()
        if answer.is_stream:
            answer = replace(answer, parts=iter(self.change([part for part in answer.parts if part])))
        call.send(answer)


@dataclass(frozen=True)
class Rewritten:
    """Answers another request than the one that came."""

    change: Callable[[dict[str, Any]], dict[str, Any]]

    def apply(self, call: Call) -> None:
        body = json.dumps(self.change(call.request.json)).encode()
        object.__setattr__(call.request, "body", body)  # A call answers no request but its own.
        call.send(call.answer())


def ignoring(key: str) -> Fault:
    return Rewritten(lambda body: {name: value for name, value in body.items() if name != key})


def without(*names: bytes) -> Callable[[list[bytes]], list[bytes]]:
    return lambda parts: [part for part in parts if not part.startswith(tuple(b"event: " + name for name in names))]


def with_a_call(parts: list[bytes]) -> list[bytes]:
    call = {"index": 0, "function": {"name": "get_weather", "arguments": '{"city": '}}
    chunk = {"model": TINY.key, "choices": [{"delta": {"tool_calls": [call]}, "finish_reason": None}]}
    return [b"data: " + json.dumps(chunk).encode() + b"\n\n", *parts]


def last_delta_lost(parts: list[bytes]) -> list[bytes]:
    at = max(index for index, part in enumerate(parts) if part.startswith(b"event: message.delta"))
    return parts[:at] + parts[at + 1 :]


def shuffled_vectors(payload: dict[str, Any], numbers: Iterator[int] = count(1)) -> None:  # noqa: B008  (shared on purpose)
    for entry in payload["data"]:
        entry["embedding"] = [x + next(numbers) for x in entry["embedding"]]


def stats(**values: Any) -> Fault:
    return Edited(lambda body: body["stats"].update(values))


# What breaks each check: the requests that are answered otherwise, and what the check then says.
BROKEN: dict[str, tuple[str, str, Fault, str]] = {
    "greeting": ("GET", "/lmstudio-greeting", ODD, "HTTP 418"),
    "listing": ("GET", MODELS, Edited(lambda body: body["models"][0].pop("size_bytes")), "size_bytes"),
    "openai_listing": ("GET", "/v1/models", Edited(lambda body: body.pop("data")), "without a list of ids"),
    "unknown_route": ("GET", "/api/v1/no-such-route", ODD, "HTTP 418"),
    "load_unknown_model": ("POST", LOAD, ODD, "HTTP 418"),
    "load_strict_keys": ("POST", LOAD, ignoring("ttl"), "HTTP 404 (type model_not_found)"),
    "unload_unknown_instance": ("POST", UNLOAD, Status(200, {"instance_id": "nobody/has-this-model"}), "HTTP 200"),
    "unload_takes_an_instance_id": ("POST", UNLOAD, Status(200, {"instance_id": "x"}), "HTTP 200"),
    "invalid_json": ("POST", CHAT, Status(500, "oops"), "HTTP 500"),
    "chat_unknown_model": ("POST", CHAT, ODD, "HTTP 418 (type odd, code odd, param odd)"),
    "jit_load": ("POST", CHAT, Stream(without(b"model_load.end")), "events of the load: model_load.start"),
    "load_answer": ("POST", LOAD, Edited(lambda body: body.pop("type")), "missing: type"),
    "load_echo": ("POST", LOAD, Edited(lambda body: body.pop("load_config")), "no load_config"),
    "keys_in_any_case": ("POST", CHAT, ODD, "HTTP 418"),
    "unload_echo": ("POST", UNLOAD, Edited(lambda body: body.update(more=1)), "'more': 1"),
    "chat_answer": ("POST", CHAT, stats(input_tokens=1.5), "'input_tokens': 1.5"),
    "warm_chat_tells_no_load": ("POST", CHAT, stats(model_load_time_seconds=1.0), "model_load_time_seconds 1.0"),
    "stored_by_default": ("POST", CHAT, Edited(lambda body: body.pop("response_id")), "response_id None"),
    "store_false": ("POST", CHAT, Edited(lambda body: body.update(response_id="resp_1")), "response_id 'resp_1'"),
    "stored_turns_branch": ("POST", CHAT, stats(input_tokens=7), "7 tokens alone, 7 and 7 continued"),
    "unknown_response_id": ("POST", CHAT, ignoring("previous_response_id"), "HTTP 200"),
    "chat_strict_keys": ("POST", CHAT, ignoring("seed"), "seed: HTTP 200"),
    "temperature_range": ("POST", CHAT, ignoring("temperature"), "HTTP 200"),
    "input_items": ("POST", CHAT, ODD, "text: HTTP 418"),
    "reasoning_refused": ("POST", CHAT, ignoring("reasoning"), "off: HTTP 200"),
    "stream_order": ("POST", CHAT, Stream(without(b"message.start")), "chat.start, prompt_processing.start"),
    "stream_equals_plain": ("POST", CHAT, Stream(last_delta_lost), "chat.end 'Name some animals of the sea.'"),
    "context_overflow": (
        "POST",
        CHAT,
        Rewritten(lambda body: body | {"input": body["input"][-50:]}),
        "answered, with 13 input tokens of 2048",
    ),
    "openai_chat": ("POST", OPENAI, Edited(lambda body: body.update(model="other")), "answered by other"),
    "only_model_answers_to_any_name": ("POST", OPENAI, ODD, "HTTP 418"),
    "several_models_refuse_an_unknown_name": ("POST", OPENAI, Status(200, {"model": TINY.key}), "HTTP 200"),
    "tools_streamed": ("POST", OPENAI, Stream(with_a_call), "arguments that are not JSON"),
    "json_object_refused": ("POST", OPENAI, ignoring("response_format"), "HTTP 200"),
    "embeddings": ("POST", EMBED, Edited(shuffled_vectors), "same text"),
}


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        yield scripted


MakeBench = Callable[..., AbstractContextManager[Bench]]


@pytest.mark.parametrize("name", BROKEN)
def test_a_check_finds_a_server_that_does_otherwise(name: str, server: ScriptedServer, bench_at: MakeBench) -> None:
    method, path, fault, said = BROKEN[name]
    with bench_at(server.url) as bench:
        server.on(method, path, fault)
        finding = look(BY_NAME[name], bench)
    assert finding.state == "did not hold", finding
    assert said in finding.observed


def test_a_second_copy_that_takes_the_first_with_it_is_found(server: ScriptedServer, bench_at: MakeBench) -> None:
    class Both:
        def apply(self, call: Call) -> None:
            call.send(call.answer())
            if call.request.json["instance_id"].endswith(":2"):
                server.unload(TINY.key)

    server.on("POST", UNLOAD, Both())
    with bench_at(server.url) as bench:
        finding = look(BY_NAME["second_copy"], bench)
    assert (finding.state, finding.observed) == ("did not hold", f"{TINY.key} went with {TINY.key}:2")


def test_a_server_that_takes_any_token_but_wants_one_is_found(server: ScriptedServer, bench_at: MakeBench) -> None:
    class WantsAny:
        def apply(self, call: Call) -> None:
            if "authorization" in call.request.headers:
                call.send(call.answer())
            else:
                Status(401, {"error": {"message": "no", "code": "invalid_api_key"}}).apply(call)

    server.on("GET", MODELS, WantsAny())
    with bench_at(server.url) as bench:
        finding = look(BY_NAME["authentication"], bench)
    assert finding.state == "did not hold"
    assert "no token: HTTP 401 (code invalid_api_key), a wrong token: HTTP 200" in finding.observed


def test_every_check_is_shown_able_to_fail() -> None:
    assert {*BROKEN, "second_copy", "authentication"} == set(BY_NAME)


def test_what_would_touch_others_instances_is_not_checked(server: ScriptedServer, bench_at: MakeBench) -> None:
    server.load(SMALL.key, LoadConfig(context_length=4096))
    with bench_at(server.url) as bench:
        jit = look(BY_NAME["jit_load"], bench)
        single = look(BY_NAME["only_model_answers_to_any_name"], bench)
        several = look(BY_NAME["several_models_refuse_an_unknown_name"], bench)
    assert jit.state == single.state == "could not be checked"
    assert SMALL.key in jit.observed
    assert SMALL.key in single.observed
    assert several.state == "held"
    assert server.loaded == [SMALL.key]


def test_a_loaded_model_is_used_only_when_it_is_named_and_then_as_another_copy(
    server: ScriptedServer, bench_at: MakeBench
) -> None:
    for model in (TINY, SMALL):
        server.load(model.key, LoadConfig(context_length=4096))
    with pytest.raises(SettingsError, match="every downloaded chat model is loaded"), bench_at(server.url):
        pass
    with bench_at(server.url, model=TINY.key) as bench:
        found = {check.__name__: look(check, bench) for check in CHECKS}
    assert [name for name, finding in found.items() if finding.state == "did not hold"] == []
    assert found["second_copy"].observed == f"{TINY.key}:3 beside {TINY.key}:2"
    assert "other programs have loaded the model too" in found["keys_in_any_case"].observed
    assert server.loaded == [TINY.key, SMALL.key]


def test_where_loading_by_a_request_is_off_that_is_said(bench_at: MakeBench) -> None:
    with ScriptedServer(jit=False) as server, bench_at(server.url) as bench:
        finding = look(BY_NAME["jit_load"], bench)
    assert finding.state == "could not be checked"
    assert "switched off: No models loaded" in finding.observed


def test_a_lost_connection_or_a_lack_of_memory_tells_nothing(server: ScriptedServer, bench_at: MakeBench) -> None:
    said = {"error": {"message": "Failed to load LLM: insufficient system resources", "type": "model_load_failed"}}
    server.on("POST", LOAD, Status(500, said), times=1)
    server.on("GET", "/v1/models", Drop())
    with bench_at(server.url) as bench:
        for name in ("load_answer", "openai_listing"):
            assert look(BY_NAME[name], bench).state == "could not be checked"


def test_large_models_get_no_second_copy_and_a_missing_embedding_model_is_said(bench_at: MakeBench) -> None:
    with ScriptedServer([replace(TINY, size_bytes=30_000_000_000)]) as server, bench_at(server.url) as bench:
        second, vectors = look(BY_NAME["second_copy"], bench), look(BY_NAME["embeddings"], bench)
    assert "a second copy of 30.0 GB is not loaded" in second.observed
    assert vectors.observed == "no embedding model is downloaded"


def test_the_smallest_chat_model_that_is_not_loaded_is_chosen() -> None:
    assert chosen(DEFAULT_MODELS, None) == TINY.key
    assert chosen(DEFAULT_MODELS, SMALL.key.upper()) == SMALL.key
    with pytest.raises(SettingsError, match="is not a chat model"):
        chosen(DEFAULT_MODELS, EMBEDDING.key)


def test_control_characters_of_a_server_are_shown_escaped(server: ScriptedServer, bench_at: MakeBench) -> None:
    class Colourful:
        def apply(self, call: Call) -> None:
            payload = {"model_instance_id": "\x1b[31mred", "output": [], "stats": {}}
            call.send(Response(parts=(json.dumps(payload).encode(),)))

    with bench_at(server.url) as bench:
        server.on("POST", CHAT, Colourful())
        finding = look(BY_NAME["chat_answer"], bench)
    assert finding.observed == r"answered by \x1b[31mred"
