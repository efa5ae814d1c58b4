"""Streams as LM Studio sends them, and as it should not; each is told by a real server."""

import time
from statistics import median

import pytest

from harness.client.http import Client
from harness.client.sse import ServerSentEvent
from harness.client.stream import ChatAssembly, DeltaTimes, StreamEvent, stream_event
from harness.domain.generation import ChatRequest
from harness.errors import ConnectionLost, LoadFailed, MalformedAnswer, ServerFault
from harness.testing.fault import Cut, Raw, Status, Trickle
from harness.testing.message import event
from harness.testing.route import CHAT
from harness.testing.scripted import ScriptedServer

MODEL = "acme/tiny-1b"
ASKED = ChatRequest(model=MODEL, input="one two three")
RESULT = {
    "model_instance_id": MODEL,
    "output": [{"type": "message", "content": "ab"}],
    "stats": {"input_tokens": 3, "total_output_tokens": 2},
}
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nconnection: close\r\n\r\n"


def told(server: ScriptedServer, *parts: bytes, every_s: float = 0.0) -> None:
    server.on("POST", CHAT, Raw([HEAD, *parts], every_s=every_s))


def test_the_events_of_a_cold_chat_come_in_the_documented_order(server: ScriptedServer, client: Client) -> None:
    seen: list[StreamEvent] = []
    answer = client.chat(ASKED, stream=True, on_event=seen.append)
    names = list(dict.fromkeys(event.name for event in seen))
    assert names == [
        "chat.start",
        "model_load.start",
        "model_load.progress",
        "model_load.end",
        "prompt_processing.start",
        "prompt_processing.progress",
        "prompt_processing.end",
        "message.start",
        "message.delta",
        "message.end",
        "chat.end",
    ]
    assert answer.text == "one two three"
    assert answer.loaded_model
    assert [event.at for event in seen] == sorted(event.at for event in seen)


def test_a_warm_chat_loads_nothing(server: ScriptedServer, client: Client) -> None:
    server.load(MODEL)
    answer = client.chat(ASKED, stream=True)
    assert not answer.loaded_model
    assert answer.stats.load_time_s is None


def test_a_streamed_answer_equals_the_plain_one(server: ScriptedServer, client: Client) -> None:
    server.load(MODEL)
    streamed, plain = client.chat(ASKED, stream=True), client.chat(ASKED)
    assert (streamed.text, streamed.stats) == (plain.text, plain.stats)
    assert plain.times.ttft_s is None
    assert plain.times.chunks == 0
    assert streamed.times.ttft_s is not None


def test_repeated_unknown_and_empty_events_change_nothing(server: ScriptedServer, client: Client) -> None:
    server_sent = [
        b"event: chat.start\ndata: {}\n\n",
        b"event: prompt_processing.end\ndata: {}\n\n" * 2,
        b'event: tool_call.name\ndata: {"tool_name": "x"}\n\n',
        b"event: from.the.future\ndata: not even JSON\n\n",
        b"event: message.start\ndata: {}\n\n",
        event("message.delta", content="ab"),
        b"event: message.end\ndata: []\n\n",
        b"data: [DONE]\n\n",
        event("chat.end", result=RESULT),
        event("chat.end", result={**RESULT, "output": []}),
    ]
    told(server, *server_sent)
    assert client.chat(ASKED, stream=True).text == "ab"


def test_the_name_comes_from_the_event_line_and_only_without_one_from_the_data() -> None:
    named = stream_event(ServerSentEvent(name="chat.start", data='{"type": "message.delta", "content": "x"}'), at=1.0)
    assert named is not None
    assert named.name == "chat.start"
    unnamed = stream_event(ServerSentEvent(name="message", data='{"type": "message.delta", "content": "x"}'), at=1.0)
    assert unnamed is not None
    assert unnamed.is_delta


def test_an_error_event_is_raised_only_after_the_stream_was_read_to_its_end(
    server: ScriptedServer, client: Client
) -> None:
    seen: list[str] = []
    broken = event("error", error={"type": "internal_error", "message": "the tool failed"})
    told(server, event("message.delta", content="a"), broken, event("chat.end", result=RESULT), every_s=0.02)
    with pytest.raises(ServerFault, match="the tool failed") as caught:
        client.chat(ASKED, stream=True, on_event=lambda one: seen.append(one.name))
    assert seen == ["message.delta", "error", "chat.end"]
    assert caught.value.status is None


def test_a_load_that_fails_within_a_stream_is_a_failed_load(server: ScriptedServer, client: Client) -> None:
    broken = event("error", error={"type": "model_load_failed", "message": "Failed to load LLM 'x'"})
    told(server, broken, event("chat.end", result=RESULT))
    with pytest.raises(LoadFailed):
        client.chat(ASKED, stream=True)


def test_the_first_of_several_errors_is_raised_and_the_others_are_counted(
    server: ScriptedServer, client: Client
) -> None:
    told(server, event("error", error="first"), event("error", error="second"), event("chat.end", result=RESULT))
    with pytest.raises(ServerFault, match="first") as caught:
        client.chat(ASKED, stream=True)
    assert "1 more" in caught.value.hint


def test_a_stream_without_chat_end_is_no_answer(server: ScriptedServer, client: Client) -> None:
    told(server, event("message.delta", content="ab"))
    with pytest.raises(MalformedAnswer, match=r"chat\.end"):
        client.chat(ASKED, stream=True)


def test_a_stream_that_breaks_off_is_a_lost_connection(server: ScriptedServer, client: Client) -> None:
    server.load(MODEL)
    server.on("POST", CHAT, Cut(after_bytes=200, then="reset"), times=1)
    with pytest.raises((ConnectionLost, MalformedAnswer)):
        client.chat(ASKED, stream=True)
    server.on("POST", CHAT, Cut(after_bytes=200), times=1)
    with pytest.raises(ConnectionLost):
        client.chat(ASKED, stream=True)


def test_chat_end_without_a_result_is_malformed(server: ScriptedServer, client: Client) -> None:
    told(server, b"event: chat.end\ndata: {}\n\n")
    with pytest.raises(MalformedAnswer):
        client.chat(ASKED, stream=True)


def test_a_known_event_that_is_no_json_is_malformed(server: ScriptedServer, client: Client) -> None:
    told(server, b"event: message.delta\ndata: {oops\n\n")
    with pytest.raises(MalformedAnswer):
        client.chat(ASKED, stream=True)


def test_a_body_that_does_not_end_after_chat_end_is_left_behind(server: ScriptedServer, client: Client) -> None:
    server.on("POST", CHAT, Raw([HEAD, event("chat.end", result=RESULT)], then="hang"))
    started = time.monotonic()
    assert client.chat(ASKED, stream=True).text == "ab"
    assert time.monotonic() - started < 60  # An idle stream is waited for for 300 s.


def test_a_reset_after_chat_end_does_not_lose_the_answer(server: ScriptedServer, client: Client) -> None:
    server.on("POST", CHAT, Raw([HEAD, event("chat.end", result=RESULT)], every_s=0.1, then="reset"))
    assert client.chat(ASKED, stream=True).text == "ab"


def test_a_stream_that_comes_byte_by_byte_is_the_same(server: ScriptedServer, client: Client) -> None:
    server.load(MODEL)
    server.on("POST", CHAT, Trickle(every_s=0.0))
    assert client.chat(ASKED, stream=True).text == "one two three"


def test_an_error_in_place_of_a_stream_is_read_as_json(server: ScriptedServer, client: Client) -> None:
    server.on("POST", CHAT, Status(200, {"error": "no instance"}))
    with pytest.raises(ServerFault, match="no instance"):
        client.chat(ASKED, stream=True)


def test_a_plain_answer_to_a_streamed_request_is_taken(server: ScriptedServer, client: Client) -> None:
    body = b'{"model_instance_id": "a", "output": [{"type": "message", "content": "x"}]}'
    server.on("POST", CHAT, Raw([b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n" + body]))
    assert client.chat(ASKED, stream=True).text == "x"


def test_the_times_are_those_of_the_deltas() -> None:
    assembly = ChatAssembly(route="POST /api/v1/chat")
    for name, data, at in (
        ("chat.start", "{}", 10.5),
        ("reasoning.delta", '{"content": ""}', 10.6),
        ("reasoning.delta", '{"content": "hm"}', 11.0),
        ("message.delta", '{"content": ""}', 11.5),
        ("message.delta", '{"content": "a"}', 12.0),
        ("message.delta", '{"content": "b"}', 12.25),
        ("message.end", "{}", 12.5),
    ):
        assembly.add(ServerSentEvent(name=name, data=data), at=at)
    end = '{"result": {"model_instance_id": "a", "output": []}}'
    assembly.add(ServerSentEvent(name="chat.end", data=end), at=12.75)
    times = assembly.generation(written_at=10.0, ended_at=13.0).times
    assert (times.ttft_s, times.ttft_answer_s, times.e2e_s, times.total_s) == (1.0, 2.0, 2.25, 3.0)
    assert (times.chunks, times.max_gap_s) == (3, 1.0)


@pytest.mark.parametrize(("deltas", "slack"), [(5, 0.0), (513, 0.0), (20_000, 0.1)])
def test_the_median_gap_is_found_in_constant_memory(deltas: int, slack: float) -> None:
    noted, at, gaps = DeltaTimes(), 0.0, []
    for number in range(deltas):
        noted.note(at, is_answer=True)
        gaps.append((number % 4 + 1) / 64 + number / 2**20)  # A pattern, and slower and slower.
        at += gaps[-1]
    found = noted.times(written_at=0.0, ended_at=at).median_gap_s
    assert found == pytest.approx(median(gaps[:-1]), rel=slack or 1e-6)
    assert len(noted._gaps) <= 512


def test_one_delta_has_no_gap() -> None:
    noted = DeltaTimes()
    noted.note(1.0, is_answer=True)
    assert noted.times(written_at=0.0, ended_at=1.0).median_gap_s is None


@pytest.mark.parametrize(
    ("name", "data", "is_progress"),
    [
        ("message.delta", '{"content": "a"}', True),
        ("message.delta", '{"content": ""}', False),
        ("reasoning.delta", "{}", False),
        ("prompt_processing.progress", '{"progress": 0.5}', True),
        ("model_load.progress", '{"progress": 0.5}', True),
        ("ping", "{}", False),
    ],
)
def test_progress_is_what_the_server_got_done(name: str, data: str, *, is_progress: bool) -> None:
    assembly = ChatAssembly(route="POST /api/v1/chat")
    assert assembly.add(ServerSentEvent(name=name, data=data), at=1.0) is is_progress
