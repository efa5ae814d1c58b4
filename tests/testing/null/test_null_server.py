"""A null server in its process. That it does what LM Studio documents is in `tests/contract`."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from harness.client.http import Client
from harness.domain.generation import ChatRequest
from harness.domain.model import InstanceId
from harness.testing.null.server import KEY, NullServer
from harness.testing.scripted import ScriptedServer

CLONE = Path(__file__).parents[3]
MESSAGES = [{"role": "user", "content": "Say seventeen."}]


@pytest.fixture(scope="module")
def server() -> Iterator[NullServer]:
    with NullServer(slots=2) as null:
        yield null


def asked(url: str, path: str, body: Any) -> tuple[int, str]:
    connection = HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        connection.request("POST", path, json.dumps(body))
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    finally:
        connection.close()


def test_the_short_way_answers_exactly_as_the_scripted_server(server: NullServer) -> None:
    body = {"model": KEY, "input": 'Say seventeen.\n"ü"', "system_prompt": "Be brief.", "store": False}
    with ScriptedServer() as scripted, Client(scripted.url) as client:
        key = scripted.models[0].key
        client.load(key)
        for more in ({}, {"stream": True}, {"max_output_tokens": 3}, {"max_output_tokens": 1, "stream": True}):
            _, expected = asked(scripted.url, "/api/v1/chat", body | {"model": key} | more)
            _, found = asked(server.url, "/api/v1/chat", body | more)
            assert _parsed(found) == _parsed(expected.replace(str(key), KEY)), more
        _, expected = asked(scripted.url, "/v1/chat/completions", {"model": key, "messages": MESSAGES})
    _, found = asked(server.url, "/v1/chat/completions", {"model": KEY, "messages": MESSAGES})
    scripted_answer, null_answer = json.loads(expected), json.loads(found)
    assert null_answer["usage"].items() <= scripted_answer["usage"].items()
    assert null_answer["choices"][0]["finish_reason"] == scripted_answer["choices"][0]["finish_reason"]
    assert null_answer["choices"][0]["message"]["content"] == "Say seventeen."


def _parsed(text: str) -> list[Any]:
    if text.startswith("{"):
        return [json.loads(text)]
    return [(lines[0], json.loads(lines[1][6:])) for event in text.split("\n\n") if (lines := event.splitlines())]


def test_it_counts_what_was_in_flight(server: NullServer) -> None:
    server.reset(slots=2, answer_s=0.1)
    with Client(server.url) as client, ThreadPoolExecutor(6) as threads:
        request = ChatRequest(model=InstanceId(KEY), input="Hi", store=False)
        generations = list(threads.map(lambda stream: client.chat(request, stream=stream), [True, False] * 3))
    figures = server.reset(answer_s=0.0)
    assert {generation.text for generation in generations} == {"Hi"}
    assert (figures.answered, figures.distinct, figures.max_busy, figures.in_flight) == (6, 2, 2, 0)
    assert 3 <= figures.max_in_flight <= 6
    assert figures.busy_s == pytest.approx(0.6, abs=0.3)
    assert figures.occupancy is not None
    assert 0 < figures.occupancy <= 1.001


def test_a_refusal_takes_no_slot(server: NullServer) -> None:
    server.reset()
    status, _ = asked(server.url, "/api/v1/chat", {"model": KEY, "input": "Hi", "ttl": 3})
    assert status == 400
    assert server.figures().answered == 0


def test_a_fixed_reply_is_what_every_chat_answers() -> None:
    with NullServer(reply="A B") as server, Client(server.url) as client:
        for stream in (True, False):
            assert client.chat(ChatRequest(model=InstanceId(KEY), input="Hi", store=False), stream=stream).text == "A B"
        assert "A B" in asked(server.url, "/v1/chat/completions", {"model": KEY, "messages": MESSAGES})[1]


def test_bytes_that_are_not_such_a_request_are_refused(server: NullServer) -> None:
    connection = HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    connection.request("POST", "/api/v1/chat", iter([b"{}"]), headers={"transfer-encoding": "chunked"})
    assert connection.getresponse().status == 400
    connection.close()


def test_it_says_why_it_did_not_start() -> None:
    with pytest.raises(RuntimeError, match="null server did not start: usage"):
        NullServer(slots=0)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
def test_it_ends_with_the_process_that_started_it_even_if_that_is_killed() -> None:
    code = (
        "import time; from harness.testing.null.server import NullServer; "
        "print(NullServer().pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=CLONE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("the null server survived")
