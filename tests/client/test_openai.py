import json
import time
from typing import Any

import pytest

from harness.client.http import Client
from harness.client.openai import CallAssembly, OpenAIChatRequest, json_schema_format
from harness.errors import ContextOverflow, InvalidRequest, MalformedAnswer, ModelNotFound, ServerFault
from harness.testing.chat import Reply
from harness.testing.fault import Raw, Status
from harness.testing.route import EMBEDDINGS, OPENAI_CHAT
from harness.testing.scripted import ScriptedServer

MODEL = "acme/tiny-1b"
EMBEDDER = "text-embedding-acme"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


def asked(text: str = "one two three", *, model: str = MODEL, max_tokens: int | None = None) -> OpenAIChatRequest:
    return OpenAIChatRequest(model=model, messages=[{"role": "user", "content": text}], max_tokens=max_tokens)


@pytest.mark.parametrize("stream", [False, True])
def test_a_chat_tells_text_reasoning_usage_and_finish_reason(
    server: ScriptedServer, client: Client, *, stream: bool
) -> None:
    server.load(MODEL)
    server.reply_with(lambda request: Reply(text="b c", reasoning="a"))
    answer = client.openai_chat(asked(), stream=stream)
    assert (answer.text, answer.reasoning, answer.finish_reason) == ("b c", "a", "stop")
    assert answer.model_instance_id == MODEL
    assert (answer.stats.input_tokens, answer.stats.total_output_tokens) == (6, 3)
    assert answer.stats.reasoning_output_tokens == 1
    assert (answer.times.ttft_s is None) is not stream


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_was_cut_says_so(server: ScriptedServer, client: Client, *, stream: bool) -> None:
    server.load(MODEL)
    assert client.openai_chat(asked(max_tokens=2), stream=stream).finish_reason == "length"


def test_any_name_is_answered_by_the_only_loaded_model_so_the_caller_compares(
    server: ScriptedServer, client: Client
) -> None:
    server.load(MODEL)
    assert client.openai_chat(asked(model="no-such-model")).model_instance_id == MODEL
    server.load("acme/small-4b")
    with pytest.raises(ModelNotFound):
        client.openai_chat(asked(model="no-such-model"))


def test_a_schema_reaches_the_server(server: ScriptedServer, client: Client) -> None:
    server.load(MODEL)
    wanted = json_schema_format({"type": "object"})
    request = OpenAIChatRequest(model=MODEL, messages=asked().messages, response_format=wanted)
    client.openai_chat(request)
    assert server.asked("POST", OPENAI_CHAT)[0]["response_format"] == wanted


def test_json_object_is_refused_by_the_server(server: ScriptedServer, client: Client) -> None:
    request = OpenAIChatRequest(model=MODEL, messages=asked().messages, response_format={"type": "json_object"})
    with pytest.raises(InvalidRequest, match="json_schema"):
        client.openai_chat(request)


def test_a_bare_string_can_say_that_the_context_overflows(server: ScriptedServer, client: Client) -> None:
    server.load(MODEL)
    with pytest.raises(ContextOverflow):
        client.openai_chat(asked("word " * 10_000))


def test_the_pieces_of_a_tool_call_are_put_together(server: ScriptedServer, client: Client) -> None:
    pieces = [
        {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"a"'}},
        {"index": 0, "function": {"arguments": ": 1}"}},
        {"index": 1, "id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
    ]
    deltas = [{"model": "a", "choices": [{"delta": {"tool_calls": [piece]}}]} for piece in pieces]
    chunks = [*deltas, {"model": "a", "choices": [{"delta": {}, "finish_reason": "tool_calls"}]}]
    sent = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"
    server.on("POST", OPENAI_CHAT, Raw([HEAD, sent]))
    assert client.openai_chat(asked(), stream=True).tool_calls == (
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}},
        {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
    )


def stream_of(*pieces: dict[str, Any]) -> Raw:
    deltas = [{"model": "a", "choices": [{"delta": {"tool_calls": [piece]}}]} for piece in pieces]
    chunks = [*deltas, {"model": "a", "choices": [{"delta": {}, "finish_reason": "tool_calls"}]}]
    return Raw([HEAD, b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)])


def test_calls_without_an_index_begin_with_their_id(server: ScriptedServer, client: Client) -> None:
    pieces = [{"id": name, "function": {"name": name, "arguments": "{}"}} for name in "fg"]
    server.on("POST", OPENAI_CHAT, stream_of(*pieces, {"function": {"arguments": " "}}))
    calls = client.openai_chat(asked(), stream=True).tool_calls
    assert [call["function"] for call in calls] == [
        {"name": "f", "arguments": "{}"},
        {"name": "g", "arguments": "{} "},
    ]


def test_arguments_in_many_pieces_cost_their_length_not_its_square() -> None:
    """40,000 pieces took half a minute of a core, in which the slot asks nothing else."""
    assembly, begun = CallAssembly(), time.process_time()
    for _ in range(40_000):
        assembly.add({"index": 0, "function": {"name": "f", "arguments": "x" * 100}})
    assert time.process_time() - begun < 10
    assert assembly.calls == ({"function": {"name": "f", "arguments": "x" * 4_000_000}},)


@pytest.mark.parametrize(
    "pieces",
    [
        [{"index": "0", "function": {"name": "f"}}, {"index": 1, "function": {"name": "g"}}],
        [{"index": []}],
        [{"index": 0, "function": {"arguments": {}}}, {"index": 0, "function": {"arguments": "{}"}}],
        [{"index": 0, "function": "f"}, {"index": 0, "function": {"name": "f"}}],
    ],
)
def test_pieces_of_calls_that_do_not_fit_together_are_malformed(
    server: ScriptedServer, client: Client, pieces: list[dict[str, Any]]
) -> None:
    server.on("POST", OPENAI_CHAT, stream_of(*pieces))
    with pytest.raises(MalformedAnswer, match="of a tool call"):
        client.openai_chat(asked(), stream=True)


def test_a_listener_gets_every_piece_and_a_call_is_the_answer(server: ScriptedServer, client: Client) -> None:
    """Whoever repeats failed requests must know that the model had begun to answer."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    server.load(MODEL)
    server.reply_with(lambda request: Reply(text="b c", reasoning="a", tool_calls=(call,)))
    heard: list[tuple[str, str]] = []
    answer = client.openai_chat(
        asked(), stream=True, on_event=lambda event: heard.append((event.name, event.data["content"]))
    )
    assert heard[:3] == [("reasoning.delta", "a"), ("message.delta", "b"), ("message.delta", " c")]
    assert "".join(text for _, text in heard[3:]) == 'f{"a": 1}'
    server.reply_with(lambda request: Reply(text="", tool_calls=(call,)))
    answer = client.openai_chat(asked(), stream=True)
    assert answer.times.ttft_answer_s == answer.times.ttft_s is not None


def test_a_stream_that_just_ends_is_no_answer(server: ScriptedServer, client: Client) -> None:
    chunk = b'data: {"model": "a", "choices": [{"delta": {"content": "x"}}]}\n\n'
    server.on("POST", OPENAI_CHAT, Raw([HEAD, chunk]))
    with pytest.raises(MalformedAnswer):
        client.openai_chat(asked(), stream=True)


def test_an_error_within_a_stream_is_raised(server: ScriptedServer, client: Client) -> None:
    server.on("POST", OPENAI_CHAT, Raw([HEAD, b'event: error\ndata: {"error": {"message": "crashed"}}\n\n']))
    with pytest.raises(ServerFault, match="crashed"):
        client.openai_chat(asked(), stream=True)


def test_texts_get_one_vector_each_in_their_order(server: ScriptedServer, client: Client) -> None:
    vectors = client.embed(EMBEDDER, ["a", "b", "a"])
    assert len(vectors) == 3
    assert vectors[0] == vectors[2] != vectors[1]


def test_vectors_that_come_in_another_order_are_sorted(server: ScriptedServer, client: Client) -> None:
    data = [{"index": 1, "embedding": [1]}, {"index": 0, "embedding": [0]}]
    server.on("POST", EMBEDDINGS, Status(200, {"data": data}))
    assert client.embed(EMBEDDER, ["a", "b"]) == ((0.0,), (1.0,))


def test_a_missing_vector_is_malformed(server: ScriptedServer, client: Client) -> None:
    server.on("POST", EMBEDDINGS, Status(200, {"data": [{"index": 0, "embedding": [0.5]}]}))
    with pytest.raises(MalformedAnswer, match="expected 2"):
        client.embed(EMBEDDER, ["a", "b"])


@pytest.mark.parametrize("places", [(0, 0), (5, -7), (1, None), (1, 2), (0, 10**299)])
def test_vectors_that_are_not_one_for_each_text_are_malformed(
    server: ScriptedServer, client: Client, places: tuple[int | None, ...]
) -> None:
    """Taken in the order that they came in, a text would be judged by the vector of another one."""
    data = [{"index": place, "embedding": [0.5]} for place in places]
    server.on("POST", EMBEDDINGS, Status(200, {"data": data}))
    with pytest.raises(MalformedAnswer, match="each index from 0 to 1, got other"):
        client.embed(EMBEDDER, ["a", "b"])


def test_an_empty_vector_is_malformed(server: ScriptedServer, client: Client) -> None:
    """It would be scored 0, as if the model had ranked the text."""
    data = [{"index": place, "embedding": [0.5] * place} for place in range(2)]
    server.on("POST", EMBEDDINGS, Status(200, {"data": data}))
    with pytest.raises(MalformedAnswer, match="got an empty one"):
        client.embed(EMBEDDER, ["a", "b"])
