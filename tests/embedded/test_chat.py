"""`POST /api/v1/chat` on an instance with real weights: plain, streamed, continued, cut off."""

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from .conftest import Event, events
from .test_models import KEY, load, workers

if TYPE_CHECKING:
    from harness.embedded.process import EmbeddedServer

pytestmark = [pytest.mark.embedded, pytest.mark.usefixtures("resident")]

Stream = Callable[..., list[Event]]
ASK = {"input": "Write about the sea.", "temperature": 0, "max_output_tokens": 4, "store": False}


def chat(http: httpx.Client, model: str = KEY, **body: Any) -> dict[str, Any]:
    answer = http.post("/api/v1/chat", json={"model": model, **ASK, **body})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def names(happened: list[Event]) -> list[str]:
    """Return the names of the events, repeated ones once."""
    all_names = [name for name, _ in happened]
    return [name for at, name in enumerate(all_names) if at == 0 or name != all_names[at - 1]]


def test_a_plain_answer_has_output_and_stats_and_no_load_time_when_warm(http: httpx.Client) -> None:
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
    assert stats["total_output_tokens"] == 4
    assert stats["input_tokens"] > 10
    assert stats["tokens_per_second"] > 0


def test_a_stream_has_all_events_in_order_and_ends_with_the_plain_answer(http: httpx.Client, stream: Stream) -> None:
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


def test_an_exact_instance_answers_and_the_key_means_the_first(http: httpx.Client) -> None:
    load(http)
    assert chat(http, f"{KEY}:2")["model_instance_id"] == f"{KEY}:2"
    assert chat(http, KEY)["model_instance_id"] == KEY


def test_a_stored_thread_is_continued_branched_and_grows(http: httpx.Client) -> None:
    first = chat(http, store=True, input="My name is Ada.")
    assert re.fullmatch(r"resp_[0-9a-f]{48}", first["response_id"])
    one, two = (chat(http, store=True, input="Go on.", previous_response_id=first["response_id"]) for _ in range(2))
    assert one["stats"]["input_tokens"] == two["stats"]["input_tokens"] > first["stats"]["input_tokens"]
    assert one["output"] == two["output"]
    assert len({first["response_id"], one["response_id"], two["response_id"]}) == 3
    longer = chat(http, input="Go on.", previous_response_id=one["response_id"])
    assert longer["stats"]["input_tokens"] > one["stats"]["input_tokens"]
    assert "response_id" not in longer


def test_the_system_prompt_and_text_items_reach_the_model(http: httpx.Client) -> None:
    plain = chat(http, input="Hello there")["stats"]["input_tokens"]
    assert chat(http, input="Hello there", system_prompt="Be brief and kind.")["stats"]["input_tokens"] != plain
    items = [{"type": "text", "content": "Hello"}, {"type": "text", "content": "there"}]
    assert chat(http, input=items)["stats"]["input_tokens"] >= plain


def test_an_overlong_prompt_is_an_error_and_no_truncation(http: httpx.Client, stream: Stream) -> None:
    body = {"model": KEY, **ASK, "input": "many words " * 5000}
    answer = http.post("/api/v1/chat", json=body)
    assert answer.status_code == 500
    assert "context length" in answer.json()["error"]["message"]
    happened = stream(**body)
    assert [name for name, _ in happened][-2:] == ["error", "chat.end"]


def test_the_slots_answer_at_the_same_time(http: httpx.Client, embedded_server: "EmbeddedServer") -> None:
    marks: list[tuple[float, float]] = []

    def ask(_: int) -> None:
        with httpx.Client(base_url=embedded_server.url, timeout=60, trust_env=False) as own:
            body = {"model": KEY, **ASK, "max_output_tokens": 24, "stream": True}
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
    (worker,) = workers(embedded_server.pid)
    body = {"model": KEY, **ASK, "max_output_tokens": 6000, "stream": streamed}
    patience = httpx.Timeout(60, read=60.0 if streamed else 0.5)
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
        time.sleep(0.5)
        if cpu_ticks(worker) - before < 5:
            break
        assert time.monotonic() < end, "it still generates"
