"""Functions are sent as `tools`, over real HTTP, and the calls are the answer."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.domain.answer import Job
from harness.domain.generation import ChatRequest, Generation
from harness.domain.sample import Sample
from harness.errors import InstanceLost, MalformedAnswer
from harness.run.ask.tool import called
from harness.run.ask.way import sendable
from harness.scoring.tool_calls import ToolCalls
from harness.testing.chat import Reply
from harness.testing.fault import Status
from harness.testing.route import OPENAI_CHAT
from harness.testing.scripted import ScriptedServer

HOST = {"type": "object", "properties": {"host": {"type": "string"}}}
TOOLS = tuple({"name": name, "parameters": HOST} for name in ("net.ping", "net_ping"))
TARGET = {"calls": [{"name": "net.ping", "arguments": {"host": ["a"]}}]}


def call(name: str, arguments: Any) -> dict[str, Any]:
    return {"id": name, "type": "function", "function": {"name": name, "arguments": arguments}}


def ask(
    reply: Reply, *, reasoning: str | None = None, before: Callable[[ScriptedServer], None] = lambda _: None
) -> tuple[Generation, list[Any]]:
    with ScriptedServer() as server, Client(server.url) as client:
        server.reply_with(lambda _: reply)
        instance = client.load(server.models[0].key).instance_id
        request = ChatRequest(
            model=instance,
            input="Ping a.",
            system_prompt="Be brief.",
            max_output_tokens=50,
            temperature=0.0,
            reasoning=reasoning,
        )
        sample = Sample(item_id="a", prompt="Ping a.", target=TARGET, tools=TOOLS)
        job = Job(sample=sample, epoch=1, request=request, tools=sendable(TOOLS))
        before(server)
        answer = called(client, job, lambda _: None, instance_id=instance, total_s=10, exchange=Exchange())
        assert answer.model_instance_id == instance
        return answer, server.asked("POST", OPENAI_CHAT)


def score(answer: Generation) -> float | None:
    return ToolCalls()(answer.text, TARGET).value


def test_calls_become_the_text_under_their_own_names_and_what_is_said_beside_them_is_kept() -> None:
    calls = (call("net_ping_2", '{"host": "a"}'), call("net_ping", ""))
    answer, (body,) = ask(Reply(text="One moment.", reasoning="Hm.", tool_calls=calls))
    assert answer.text == '[{"arguments":{"host":"a"},"name":"net.ping"},{"arguments":{},"name":"net_ping"}]'
    assert answer.reasoning == "Hm.\nOne moment."
    assert answer.stats.reasoning_output_tokens == 1
    assert answer.times.ttft_s is not None
    assert body["model"] == answer.model_instance_id
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Ping a."},
    ]
    functions = [{**TOOLS[0], "name": "net_ping_2"}, TOOLS[1]]
    assert body["tools"] == [{"type": "function", "function": function} for function in functions]
    assert (body["temperature"], body["max_tokens"], body["stream"]) == (0.0, 50, True)
    assert "reasoning_effort" not in body


@pytest.mark.parametrize(("reasoning", "sent"), [(None, None), ("off", "none"), ("on", None), ("high", "high")])
def test_reasoning_is_sent_in_the_words_of_this_route(reasoning: str | None, sent: str | None) -> None:
    _, (body,) = ask(Reply(text="no"), reasoning=reasoning)
    assert body.get("reasoning_effort") == sent


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('{"host": "a"}', 1.0),
        ({"host": "a"}, 1.0),
        ('{"host": "a"', 0.0),
        ('{"host": NaN}', 0.0),
        ('{"host": "\\ud800"}', 0.0),
        ('["a"]', 0.0),
        ("5", 0.0),
        ("[" * 5000, 0.0),
        ('{"a":' * 300 + "1" + "}" * 300, 0.0),
        ("1" * 5000, 0.0),
        ([1], 0.0),
        (None, 0.0),
    ],
)
def test_arguments_that_are_broken_are_the_fault_of_the_model(arguments: Any, expected: float) -> None:
    answer, _ = ask(Reply(text="", tool_calls=(call("net_ping_2", arguments),)))
    assert score(answer) == expected
    answer.text.encode()
    assert [found["name"] for found in json.loads(answer.text)] == ["net.ping"]


@pytest.mark.parametrize("odd", [{"type": "function"}, {"function": {}}, {"function": {"name": 5}}, {"function": []}])
def test_a_call_without_a_name_is_wrong(odd: dict[str, Any]) -> None:
    assert score(ask(Reply(text="", tool_calls=(odd,)))[0]) == 0.0


@pytest.mark.parametrize("text", ["", "I cannot do that.", "[]", "See [1].", "ping(host='a')", '[{"name": "net.pi'])
def test_without_calls_the_text_is_the_answer(text: str) -> None:
    assert ask(Reply(text=text))[0].text == text


@pytest.mark.parametrize("text", ['[{"name": "net.ping", "arguments": {"host": "a"}}]', '{"net.ping": {"host": "a"}}'])
def test_a_call_that_is_only_said_is_none_and_not_right_where_none_is_due(text: str) -> None:
    answer, _ = ask(Reply(text=text))
    assert json.loads(answer.text) == {"text": text}
    assert (score(answer), ToolCalls()(answer.text, {"calls": []}).value) == (0.0, 0.0)
    assert ToolCalls()(text, TARGET).value == 1.0


def test_an_instance_that_is_gone_is_noticed_before_the_server_would_load_it_again() -> None:
    with pytest.raises(InstanceLost, match="no longer loaded"):
        ask(Reply(text="no"), before=lambda server: server.unload(server.loaded[0]))


def test_the_answer_of_another_instance_does_not_count() -> None:
    def other(server: ScriptedServer) -> None:
        name = server.load(server.models[1].key)
        choice = {"message": {"content": "no"}, "finish_reason": "stop"}
        server.on("POST", OPENAI_CHAT, Status(200, {"model": name, "choices": [choice]}))

    with pytest.raises(MalformedAnswer, match=r"but acme/small-4b answered"):
        ask(Reply(text="no"), before=other)
