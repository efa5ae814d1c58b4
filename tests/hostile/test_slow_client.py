"""Clients that hang up, drip, idle or shut their writing side: they hold nobody up, and lose nothing they may have."""

import itertools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import pytest

from .conftest import EMBEDDING, JSON_TYPE, KEY, chat_body, children, connected, cpu_s, head, load, received

if TYPE_CHECKING:
    from harness.embedded.process import EmbeddedServer

pytestmark = pytest.mark.embedded

PATIENCE_S = 1.5
IMPATIENT = f"""
import os
from harness.embedded.serve import serve
on_ready = lambda url: print(url, os.getpid(), flush=True)
serve(port=0, request_deadline_s={PATIENCE_S}, on_progress=lambda line: None, on_ready=on_ready)
"""


@pytest.fixture(scope="module")
def impatient_process(embedded_server: "EmbeddedServer") -> Iterator[tuple[str, int]]:
    """The address and the process of a server that waits 1.5 s for a request instead of 30 s."""
    with subprocess.Popen([sys.executable, "-c", IMPATIENT], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url, pid = process.stdout.readline().split()
            yield url, int(pid)
        finally:
            process.terminate()


@pytest.fixture
def impatient(impatient_process: tuple[str, int]) -> str:
    return impatient_process[0]


BODY = chat_body()


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"G",
        b"GET /api/v1/models HTTP/1.1\r\nHost: 127.0.0.1",
        b"half a body",
        b"an answered request, and half of the next",
    ],
    ids=str,
)
def test_a_request_that_does_not_come_is_closed_in_time(impatient: str, sent: bytes) -> None:
    if sent == b"half a body":
        sent = head(impatient, "/api/v1/chat", 1000) + b'{"model": '
    elif sent.startswith(b"an answered"):
        sent = head(impatient, "/api/v1/models", 0, method="GET") + b"GET / HT"
    with connected(impatient) as connection:
        began = time.monotonic()
        connection.sendall(sent)
        received(connection)
    assert time.monotonic() - began < PATIENCE_S + 28  # A busy machine; a server with the usual patience takes 30 s.


def test_dripping_does_not_extend_the_deadline(impatient: str) -> None:
    request = head(impatient, "/api/v1/chat", len(BODY)) + BODY
    with connected(impatient) as connection:
        began = time.monotonic()
        try:
            for at in range(len(request)):
                connection.sendall(request[at : at + 1])
                if select.select([connection], [], [], 0.05)[0]:
                    break
        except ConnectionError:
            pass
        assert time.monotonic() - began < PATIENCE_S + 28
        assert received(connection) == b""


def test_an_answer_that_takes_longer_than_the_deadline_is_still_given(impatient_process: tuple[str, int]) -> None:
    url, pid = impatient_process
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as http, ThreadPoolExecutor(1) as threads:
        load(http)
        (worker,) = children(pid)
        os.kill(worker, signal.SIGSTOP)
        try:
            answer = threads.submit(http.post, "/api/v1/chat", content=BODY, headers=JSON_TYPE)
            with pytest.raises(TimeoutError):
                answer.result(PATIENCE_S + 0.5)
        finally:
            os.kill(worker, signal.SIGCONT)
        assert answer.result(60).status_code == 200
        http.post("/api/v1/models/unload", json={"instance_id": KEY})


def test_a_client_that_has_shut_its_writing_side_gets_its_answer(server: "EmbeddedServer", http: httpx.Client) -> None:
    load(http)
    for is_stream in (False, True):
        body = chat_body(stream=is_stream)
        with connected(server.url) as connection:
            connection.sendall(head(server.url, "/api/v1/chat", len(body)) + body)
            connection.shutdown(socket.SHUT_WR)
            answer = received(connection)
        interim, _, rest = answer.partition(b"HTTP/1.1 200 OK")
        assert set(interim.split(b"\r\n")) <= {b"HTTP/1.1 100 Continue", b""}
        if is_stream:
            assert b"event: chat.end" in rest
        else:
            assert json.loads(rest.partition(b"\r\n\r\n")[2])["output"]


def test_a_listing_asked_for_through_a_closed_side_is_answered(server: "EmbeddedServer") -> None:
    for version in ("1.0", "1.1"):
        with connected(server.url) as connection:
            request = head(server.url, "/api/v1/models", 0, method="GET")
            connection.sendall(request.replace(b"HTTP/1.1", f"HTTP/{version}".encode()))
            if version == "1.1":
                connection.shutdown(socket.SHUT_WR)
            assert b'"models"' in received(connection)


def wait_until_idle(pid: int, within_s: float = 30.0) -> float:
    """Return how many seconds of a core a process has used until it rests."""
    start, end = cpu_s(pid), time.monotonic() + within_s
    while True:
        before = cpu_s(pid)
        time.sleep(0.5)
        if cpu_s(pid) - before < 0.05:
            return cpu_s(pid) - start
        assert time.monotonic() < end, "it still works"


def test_a_chat_ends_with_its_client(server: "EmbeddedServer", http: httpx.Client) -> None:
    load(http, context_length=8192)
    (worker,) = children(server.pid)
    for path, is_stream in itertools.product(("/api/v1/chat", "/v1/chat/completions"), (False, True)):
        limit = "max_output_tokens" if "api" in path else "max_tokens"
        asked = {"input": "Count."} if "api" in path else {"messages": [{"role": "user", "content": "Count."}]}
        body = json.dumps({"model": KEY, limit: 7000, "stream": is_stream, "temperature": 1, **asked}).encode()
        begun = cpu_s(worker)
        with connected(server.url) as connection:
            connection.sendall(head(server.url, path, len(body)) + body)
            if is_stream:
                connection.recv(1)
            end = time.monotonic() + 1.0  # An answer may end by itself.
            while cpu_s(worker) < begun + 0.1 and time.monotonic() < end:
                time.sleep(0.02)
        wait_until_idle(worker)


def test_embeddings_end_with_their_client_and_let_others_in(server: "EmbeddedServer", http: httpx.Client) -> None:
    load(http, EMBEDDING)
    (worker,) = children(server.pid)
    body = json.dumps({"model": EMBEDDING, "input": ["The sea is wide."] * 2048}).encode()
    with connected(server.url) as connection:
        connection.sendall(head(server.url, "/v1/embeddings", len(body)) + body)
        time.sleep(0.2)
        answer = http.post("/v1/embeddings", json={"model": EMBEDDING, "input": "x"})
        assert answer.status_code == 200
    wait_until_idle(worker)


def test_many_texts_come_back_in_their_order(http: httpx.Client) -> None:
    texts = [f"number {at}" for at in range(12)]
    answer = http.post("/v1/embeddings", json={"model": EMBEDDING, "input": texts}).json()
    assert [vector["index"] for vector in answer["data"]] == list(range(12))
    (alone,) = http.post("/v1/embeddings", json={"model": EMBEDDING, "input": texts[9]}).json()["data"]
    pairs = zip(alone["embedding"], answer["data"][9]["embedding"], strict=True)
    assert sum(one * other for one, other in pairs) > 0.99
    assert answer["usage"]["prompt_tokens"] > 12


@pytest.mark.torture  # half a minute
def test_hundreds_of_chats_in_a_row_leave_nothing_behind(server: "EmbeddedServer", http: httpx.Client) -> None:
    from .conftest import memory

    def descriptors() -> int:
        return len(os.listdir(f"/proc/{server.pid}/fd"))  # noqa: PTH208  (only counted)

    load(http, context_length=2048)
    body = {"model": KEY, "input": "Hi", "max_output_tokens": 1, "temperature": 0}
    for count in range(320):
        assert http.post("/api/v1/chat", json=body).status_code == 200
        if count == 50:
            rest, opened = memory(server.pid), descriptors()
    assert memory(server.pid) - rest < 20
    assert descriptors() - opened < 5
    assert http.post("/api/v1/models/unload", content=b'{"instance_id": "x"}', headers=JSON_TYPE).status_code == 404
