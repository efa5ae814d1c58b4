"""Chats that load their model, and instances that go away under one, on real weights."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import pytest

from .conftest import Event, events, loaded
from .test_chat import ASK, Stream, chat, names
from .test_models import KEY, load, workers

if TYPE_CHECKING:
    from harness.embedded.process import EmbeddedServer

pytestmark = pytest.mark.embedded

OTHER = "smollm2-135m-instruct-q8_0"


def test_a_cold_chat_loads_the_model_with_the_context_asked_for_and_tells_how_long_that_took(
    http: httpx.Client, stream: Stream
) -> None:
    happened = stream(model=KEY, **ASK, context_length=1024)
    assert names(happened)[:5] == [
        "chat.start",
        "model_load.start",
        "model_load.progress",
        "model_load.end",
        "prompt_processing.start",
    ]
    progress = [data["progress"] for name, data in happened if name == "model_load.progress"]
    assert progress == sorted(progress)
    (end,) = [data for name, data in happened if name == "model_load.end"]
    stats = happened[-1][1]["result"]["stats"]
    assert stats["model_load_time_seconds"] == end["load_time_seconds"] > 0
    assert stats["time_to_first_token_seconds"] < stats["model_load_time_seconds"] + 5
    assert "model_load_time_seconds" not in chat(http)["stats"]
    (model,) = [model for model in http.get("/api/v1/models").json()["models"] if model["loaded_instances"]]
    (instance,) = model["loaded_instances"]
    assert (instance["id"], instance["config"]["context_length"]) == (KEY, 1024)


def test_a_cold_chat_takes_the_place_of_what_another_one_loaded_but_of_no_explicit_load(http: httpx.Client) -> None:
    load(http)
    first = chat(http, OTHER, store=True)
    assert loaded(http) == [KEY, OTHER]
    # A thread outlives its instance.
    second = chat(http, "smollm2-135m-instruct-q4_1", previous_response_id=first["response_id"])
    assert second["stats"]["input_tokens"] > first["stats"]["input_tokens"]
    assert loaded(http) == [KEY, "smollm2-135m-instruct-q4_1"]


def test_concurrent_cold_chats_load_one_copy(http: httpx.Client) -> None:
    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(lambda _: chat(http), range(3)))
    assert loaded(http) == [KEY]
    assert sum("model_load_time_seconds" in answer["stats"] for answer in answers) == 1


def test_a_crash_is_an_error_of_its_requests_and_the_server_lives_on(
    http: httpx.Client, embedded_server: "EmbeddedServer"
) -> None:
    load(http, context_length=4096)
    (worker,) = workers(embedded_server.pid)
    load(http, OTHER)
    happened: list[Event] = []
    body = {"model": KEY, **ASK, "max_output_tokens": 4000, "stream": True}
    with http.stream("POST", "/api/v1/chat", json=body) as response:
        for event in events(response):
            if event[0] == "message.delta" and not any(name == "message.delta" for name, _ in happened):
                os.kill(worker, signal.SIGKILL)
            happened.append(event)
    assert [name for name, _ in happened][-2:] == ["error", "chat.end"]
    assert "crashed" in happened[-2][1]["error"]["message"]
    assert "response_id" not in happened[-1][1]["result"]
    assert loaded(http) == [OTHER]
    assert chat(http, OTHER)["model_instance_id"] == OTHER
    others = workers(embedded_server.pid)
    assert load(http)["instance_id"] == KEY
    # That one idles; its crash is noticed, too.
    (idle,) = set(workers(embedded_server.pid)) - set(others)
    os.kill(idle, signal.SIGKILL)
    end = time.monotonic() + 60
    while loaded(http) != [OTHER] and time.monotonic() < end:
        time.sleep(0.05)
    assert loaded(http) == [OTHER]


def test_unloading_under_a_running_chat_ends_it_with_an_error(http: httpx.Client) -> None:
    load(http, context_length=4096)
    body = {"model": KEY, **ASK, "max_output_tokens": 4000, "stream": True}
    seen: list[str] = []
    with http.stream("POST", "/api/v1/chat", json=body) as response:
        for name, _ in events(response):
            if name == "message.delta" and "message.delta" not in seen:
                assert http.post("/api/v1/models/unload", json={"instance_id": KEY}).status_code == 200
            seen.append(name)
    assert seen[-2:] == ["error", "chat.end"]
    assert loaded(http) == []
