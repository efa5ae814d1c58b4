"""A run sends functions as `tools` to a model that is trained for that: what goes wrong there ends as elsewhere."""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from harness.domain.model import Capabilities, LoadConfig
from harness.domain.record import PromptRecord, SampleRecord, ScoreRecord, SummaryRecord
from harness.domain.sample import Sample
from harness.scoring.tool_calls import ToolCalls
from harness.task.task import Task
from harness.testing.chat import Reply
from harness.testing.clock import FakeClock
from harness.testing.fault import Cut, Drop, Fault, Raw, Reset, Status
from harness.testing.library import DEFAULT_MODELS
from harness.testing.message import Request
from harness.testing.route import OPENAI_CHAT
from harness.testing.scripted import ScriptedServer

from .conftest import CHAT, KEY, Bench, Make

ABLE = replace(DEFAULT_MODELS[0], capabilities=Capabilities(trained_for_tool_use=True))
PARAMETERS = {"type": "object", "properties": {"number": {"type": "integer"}}}


def samples(_seed: int, n: int) -> list[Sample]:
    return [
        Sample(
            item_id=f"dial-{number}",
            prompt=f"Dial {number}.",
            target={"calls": [{"name": "phone.dial", "arguments": {"number": [number]}}]},
            tools=({"name": "phone.dial", "parameters": PARAMETERS},),
        )
        for number in range(n)
    ]


TASK = Task(
    name="dial",
    task_class="dial",
    generate=samples,
    scorer=ToolCalls(),
    max_output_tokens=40,
    prompt_tokens=80,
    tools_tokens=80,
)


def dials(request: Request) -> Reply:
    if "tools" not in request.json:
        return Reply(text="hello")
    (tool,) = request.json["tools"]
    number = request.prompt.removeprefix("Dial ").removesuffix(".")
    function = {"name": tool["function"]["name"], "arguments": f'{{"number": {number}}}'}
    return Reply(text="", tool_calls=({"id": "c", "type": "function", "function": function},))


def asked(
    make: Make, *faults: tuple[Any, dict[str, Any]], limit: int = 1, server: ScriptedServer | None = None
) -> tuple[Bench, SummaryRecord]:
    if server is None:
        server = ScriptedServer([ABLE, *DEFAULT_MODELS[1:]])
        server.reply_with(dials)
    bench = make(server=server, limit=limit, concurrency=1, clock=FakeClock())
    with bench.run.leased(bench.model, LoadConfig(context_length=2048)) as leased:
        for fault, more in faults:
            server.on("POST", OPENAI_CHAT, fault(bench) if callable(fault) else fault, **more)
        cell = bench.run.evaluate(TASK, leased)
    bench.run.close(exit_code=0)
    return bench, cell


def test_each_answer_is_one_request_and_its_record_says_how_it_was_asked(make: Make) -> None:
    bench, cell = asked(make, limit=3)
    assert (cell.n, cell.score, cell.outcomes) == (3, 1.0, {"ok": 3})
    assert len(bench.server.asked("POST", OPENAI_CHAT)) == 3
    assert all(body["input"].startswith("Count") for body in bench.server.asked("POST", CHAT))  # The warm-up.
    recorded = bench.records(SampleRecord)
    assert [(sample.way, sample.instance_id) for sample in recorded] == [("native", KEY)] * 3
    assert recorded[0].output_text == '[{"arguments":{"number":0},"name":"phone.dial"}]'
    assert recorded[0].request == {"model": KEY, "temperature": 0.0, "max_output_tokens": 40, "store": False}
    assert recorded[0].usage["total_output_tokens"]
    assert recorded[0].times["ttft_answer_s"] is not None
    prompts = {prompt.prompt_hash: prompt for prompt in bench.records(PromptRecord)}
    sent = prompts[recorded[0].prompt_hash]
    assert (sent.prompt, [tool["name"] for tool in sent.tools]) == ("Dial 0.", ["phone_dial"])


def test_a_server_that_refuses_tools_has_answered_nothing(make: Make) -> None:
    refusal = Status(400, {"error": {"message": "'tools' is not supported", "type": "invalid_request"}})
    bench, cell = asked(make, (refusal, {}), limit=2)
    assert (cell.n, cell.unscored, cell.score) == (0, 2, None)
    assert [score.value for score in bench.records(ScoreRecord)] == [None, None]
    (sample, _) = bench.records(SampleRecord)
    assert (sample.outcome, sample.attempts) == ("server_error", 1)
    assert "'tools' is not supported" in (sample.error or "")


@pytest.mark.parametrize("fault", [Drop(), Reset(), Status(503)])
def test_a_request_that_produced_nothing_is_sent_again(make: Make, fault: Fault) -> None:
    bench, cell = asked(make, (fault, {"times": 2}))
    assert (cell.n, cell.unscored, cell.score) == (1, 0, 1.0)
    assert bench.records(SampleRecord)[0].attempts == 3


def test_a_call_that_had_begun_is_not_asked_for_again(make: Make) -> None:
    bench, cell = asked(make, (lambda bench: Cut(_up_to_the_first_piece(bench)), {}))
    assert cell.outcomes == {"server_error": 1}
    assert bench.records(SampleRecord)[0].attempts == 1
    assert bench.records(ScoreRecord)[0].value is None


def _up_to_the_first_piece(bench: Bench) -> int:
    """Return how many bytes of a streamed answer end after the beginning of its first call."""
    tools = [{"type": "function", "function": {"name": "phone_dial"}}]
    message = {"role": "user", "content": "Dial 0."}
    request = {"model": KEY, "messages": [message], "tools": tools, "stream": True}
    body = httpx.post(f"{bench.server.url}{OPENAI_CHAT}", json=request, trust_env=False).content
    return body.index(b"\n\n", body.index(b"tool_calls")) + 2


def test_broken_arguments_score_0(make: Make) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
    delta = {"tool_calls": [{"index": 0, "function": {"name": "phone_dial", "arguments": '{"number": '}}]}
    chunk = {"model": KEY, "choices": [{"delta": delta, "finish_reason": "tool_calls"}]}
    bench, cell = asked(make, (Raw([head, f"data: {json.dumps(chunk)}\n\n".encode()]), {}))
    assert (cell.n, cell.unscored, cell.score) == (1, 0, 0.0)
    assert bench.records(ScoreRecord)[0].reason == "unparsed: the arguments of phone.dial are not JSON"


def test_an_instance_that_is_gone_is_not_loaded_again_by_asking_it(make: Make) -> None:
    def dial_once(request: Request) -> Reply:
        if "tools" in request.json:
            server.unload(KEY)
        return dials(request)

    server = ScriptedServer([ABLE, *DEFAULT_MODELS[1:]])
    server.reply_with(dial_once)
    bench, cell = asked(make, limit=2, server=server)
    assert cell.outcomes == {"ok": 1, "server_error": 1}
    assert len(server.asked("POST", OPENAI_CHAT)) == 1
    assert server.loaded == []
    assert "no longer loaded" in (bench.records(SampleRecord)[1].error or "")
