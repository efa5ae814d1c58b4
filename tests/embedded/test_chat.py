"""`POST /api/v1/chat` on real weights: plain, streamed, loading by itself, continued, cut off."""

import os
import re
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from .conftest import Event, events, loaded
from .test_models import KEY, load, workers

if TYPE_CHECKING:
    from harness.embedded.process import EmbeddedServer

pytestmark = pytest.mark.embedded

OTHER = "smollm2-135m-instruct-q8_0"
Stream = Callable[..., list[Event]]
ASK = {"input": "Write about the sea.", "temperature": 0, "max_output_tokens": 12, "store": False}


def chat(http: httpx.Client, model: str = KEY, **body: Any) -> dict[str, Any]:
    answer = http.post("/api/v1/chat", json={"model": model, **ASK, **body})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def names(happened: list[Event]) -> list[str]:
    """Return the names of the events, repeated ones once."""
    all_names = [name for name, _ in happened]
    return [name for at, name in enumerate(all_names) if at == 0 or name != all_names[at - 1]]


def test_a_plain_answer_has_output_and_stats_and_no_load_time_when_warm(http: httpx.Client) -> None:
    load(http)
    answer = chat(http)
    assert set(answer) == {"model_instance_id", "output", "stats"}
    assert answer["model_instance_id"] == KEY
    assert [item["type"] for item in answer["output"]] == ["message"]
    stats = answer["stats"]
    assert set(stats) == {
        "input_tokens",
        "total_output_tokens",
        "reasoning_output_tokens",
        "tokens_per_second",
        "time_to_first_token_seconds",
        "cached_tokens",  # LM Studio has no such figure.
    }
    assert stats["total_output_tokens"] == 12
    assert stats["input_tokens"] > 10
    assert stats["tokens_per_second"] > 0


def test_a_stream_has_all_events_in_order_and_ends_with_the_plain_answer(http: httpx.Client, stream: Stream) -> None:
    load(http)
    happened = stream(model=KEY, **ASK)
    assert names(happened) == [
        "chat.start",
        "prompt_processing.start",
        "prompt_processing.progress",
        "prompt_processing.end",
        "message.start",
        "message.delta",
        "message.end",
        "chat.end",
    ]
    text = "".join(data["content"] for name, data in happened if name == "message.delta")
    result = happened[-1][1]["result"]
    assert result["output"] == [{"type": "message", "content": text}]
    assert text == chat(http)["output"][0]["content"]


def test_a_cold_chat_loads_the_model_and_tells_how_long_that_took(http: httpx.Client, stream: Stream) -> None:
    happened = stream(model=KEY, **ASK)
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
    assert loaded(http) == [KEY]


def test_a_cold_chat_takes_the_place_of_what_another_one_loaded_but_of_no_explicit_load(http: httpx.Client) -> None:
    load(http)
    chat(http, OTHER)
    assert loaded(http) == [KEY, OTHER]
    chat(http, "smollm2-135m-instruct-q4_1")
    assert loaded(http) == [KEY, "smollm2-135m-instruct-q4_1"]


def test_concurrent_cold_chats_load_one_copy(http: httpx.Client) -> None:
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: chat(http), range(4)))
    assert loaded(http) == [KEY]
    assert sum("model_load_time_seconds" in answer["stats"] for answer in answers) == 1


def test_the_context_of_a_cold_chat_is_the_one_asked_for(http: httpx.Client) -> None:
    chat(http, context_length=1024)
    (model,) = [model for model in http.get("/api/v1/models").json()["models"] if model["key"] == KEY]
    assert model["loaded_instances"][0]["config"]["context_length"] == 1024


def test_an_exact_instance_answers_and_the_key_means_the_first(http: httpx.Client) -> None:
    load(http)
    load(http)
    assert chat(http, f"{KEY}:2")["model_instance_id"] == f"{KEY}:2"
    assert chat(http, KEY)["model_instance_id"] == KEY


def test_a_stored_thread_is_continued_branched_and_grows(http: httpx.Client) -> None:
    load(http, context_length=2048)
    first = chat(http, store=True, input="My name is Ada.")
    assert re.fullmatch(r"resp_[0-9a-f]{48}", first["response_id"])
    one, two = (chat(http, store=True, input="Go on.", previous_response_id=first["response_id"]) for _ in range(2))
    assert one["stats"]["input_tokens"] == two["stats"]["input_tokens"] > first["stats"]["input_tokens"]
    assert one["output"] == two["output"]
    assert len({first["response_id"], one["response_id"], two["response_id"]}) == 3
    longer = chat(http, input="Go on.", previous_response_id=one["response_id"])
    assert longer["stats"]["input_tokens"] > one["stats"]["input_tokens"]
    assert "response_id" not in longer


def test_a_thread_outlives_its_instance(http: httpx.Client) -> None:
    load(http)
    first = chat(http, store=True)
    http.post("/api/v1/models/unload", json={"instance_id": KEY})
    assert chat(http, OTHER, previous_response_id=first["response_id"])["model_instance_id"] == OTHER


def test_the_system_prompt_and_text_items_reach_the_model(http: httpx.Client) -> None:
    load(http)
    plain = chat(http, input="Hello there")["stats"]["input_tokens"]
    assert chat(http, input="Hello there", system_prompt="Be brief and kind.")["stats"]["input_tokens"] != plain
    items = [{"type": "text", "content": "Hello"}, {"type": "text", "content": "there"}]
    assert chat(http, input=items)["stats"]["input_tokens"] >= plain


def test_an_overlong_prompt_is_an_error_and_no_truncation(http: httpx.Client, stream: Stream) -> None:
    load(http)
    body = {"model": KEY, **ASK, "input": "many words " * 600}
    answer = http.post("/api/v1/chat", json=body)
    assert answer.status_code == 500
    assert "context length" in answer.json()["error"]["message"]
    happened = stream(**body)
    assert [name for name, _ in happened][-2:] == ["error", "chat.end"]


def test_the_slots_answer_at_the_same_time(http: httpx.Client, embedded_server: "EmbeddedServer") -> None:
    load(http, context_length=2048)
    marks: list[tuple[float, float]] = []

    def ask(_: int) -> None:
        with httpx.Client(base_url=embedded_server.url, timeout=60, trust_env=False) as own:
            body = {"model": KEY, **ASK, "max_output_tokens": 40, "stream": True}
            with own.stream("POST", "/api/v1/chat", json=body) as response:
                at = [time.monotonic() for name, _ in events(response) if name == "message.delta"]
            marks.append((at[0], at[-1]))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(ask, range(4)))
    assert max(first for first, _ in marks) < min(last for _, last in marks)


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@pytest.mark.parametrize("streamed", [True, False])
def test_a_client_that_hangs_up_ends_its_generation(
    http: httpx.Client,
    embedded_server: "EmbeddedServer",
    streamed: bool,  # noqa: FBT001
) -> None:
    load(http, context_length=8192)
    (worker,) = workers(embedded_server.pid)
    body = {"model": KEY, **ASK, "max_output_tokens": 6000, "stream": streamed}
    patience = httpx.Timeout(60, read=60.0 if streamed else 1.0)
    with httpx.Client(base_url=embedded_server.url, timeout=patience, trust_env=False) as own:
        if streamed:
            with own.stream("POST", "/api/v1/chat", json=body) as response:
                next(name for name, _ in events(response) if name == "message.delta")
        else:
            with pytest.raises(httpx.ReadTimeout):
                own.post("/api/v1/chat", json=body)
    end = time.monotonic() + 30
    while True:  # A generation takes a whole core, 100 ticks a second, and 6,000 tokens take a minute.
        before = cpu_ticks(worker)
        time.sleep(1.0)
        if cpu_ticks(worker) - before < 30:
            break
        assert time.monotonic() < end, "it still generates"


def test_a_crash_is_an_error_of_its_requests_and_the_server_lives_on(
    http: httpx.Client, embedded_server: "EmbeddedServer"
) -> None:
    load(http, context_length=8192)
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
    assert load(http)["instance_id"] == KEY


def test_a_crash_of_an_idle_instance_is_noticed(http: httpx.Client, embedded_server: "EmbeddedServer") -> None:
    load(http)
    os.kill(workers(embedded_server.pid)[0], signal.SIGKILL)
    end = time.monotonic() + 5
    while loaded(http) and time.monotonic() < end:
        time.sleep(0.05)
    assert loaded(http) == []


def test_unloading_under_a_running_chat_ends_it_with_an_error(http: httpx.Client) -> None:
    load(http, context_length=8192)
    body = {"model": KEY, **ASK, "max_output_tokens": 4000, "stream": True}
    seen: list[str] = []
    with http.stream("POST", "/api/v1/chat", json=body) as response:
        for name, _ in events(response):
            if name == "message.delta" and "message.delta" not in seen:
                assert http.post("/api/v1/models/unload", json={"instance_id": KEY}).status_code == 200
            seen.append(name)
    assert seen[-2:] == ["error", "chat.end"]
    assert loaded(http) == []
