"""A body costs about its size, not a hundred times as much, and holds nobody else up."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx
import pytest

from .conftest import EMBEDDING, JSON_TYPE, KEY, Onlooker, children, load, memory, reset_peak

if TYPE_CHECKING:
    from harness.embedded.process import EmbeddedServer

pytestmark = pytest.mark.embedded

LIMIT = 8 * 2**20
MOST_MB = 200
WAIT_S = 3.0
"""Generous, because tests run beside others: 0.06 to 0.14 s were measured, and 4.8 s before (2026-11)."""


def padded(start: str, piece: str, end: str) -> bytes:
    """Return a body of just below the limit."""
    count = (LIMIT - len(start) - len(end)) // len(piece.encode())
    return (start + piece * count + end).encode()


def unknown_keys(count: int) -> bytes:
    return ('{"model": "m"' + "".join(f',"k{at}":1' for at in range(count)) + "}").encode()


BODIES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a million empty objects as input": ("/api/v1/chat", lambda: padded('{"model": "m", "input": [', "{},", "{}]}")),
    "text items": (
        "/api/v1/chat",
        lambda: padded('{"model": "m", "input": [', '{"type":"text","content":""},', '{"type":"text","content":""}]}'),
    ),
    "unknown keys": (
        "/api/v1/models/load",
        lambda: unknown_keys(1_000_000)[:LIMIT],
    ),
    "just below the limit of values": (
        "/api/v1/models/load",
        lambda: unknown_keys(120_000),
    ),
    "messages": (
        "/v1/chat/completions",
        lambda: padded('{"messages": [', '{"role":"user","content":"x"},', '{"role":"user","content":"x"}]}'),
    ),
    "embedding objects": ("/v1/embeddings", lambda: padded('{"input": [', "{},", "{}]}")),
    "embedding texts": ("/v1/embeddings", lambda: padded('{"input": [', '"x",', '"x"]}')),
    "brackets": ("/api/v1/chat", lambda: b"[" * LIMIT),
    "quotes": ("/api/v1/chat", lambda: b'""' * (LIMIT // 2)),
    "escaped quotes": ("/api/v1/chat", lambda: padded('{"model": "', '\\"', '"}')),
    "one long key": ("/api/v1/models/load", lambda: padded('{"model": "m", "', "k", '": 1}')),
    "one long name": ("/api/v1/models/load", lambda: padded('{"model": "', "m", '"}')),
    "a wide text": (
        "/api/v1/chat",
        lambda: padded('{"model": "' + KEY + '", "input": "\N{GRINNING FACE}', "one two ", '"}'),
    ),
    "a long number": ("/api/v1/chat", lambda: padded('{"model": ', "9", "}")),
}


def test_whatever_comes_is_refused_at_the_cost_of_its_size(server: "EmbeddedServer", http: httpx.Client) -> None:
    load(http)
    (worker,) = children(server.pid)
    rest = {pid: memory(pid) for pid in (server.pid, worker)}
    for name, (path, make) in BODIES.items():
        body = make()
        for pid in rest:
            reset_peak(pid)
        with Onlooker(server.url) as onlooker:
            answer = http.post(path, content=body, headers=JSON_TYPE)
        grown = {pid: memory(pid, "VmHWM") - rest[pid] for pid in rest}
        shown = f"{name}: HTTP {answer.status_code}, +{max(grown.values()):.0f} MB, {onlooker.longest_s:.2f} s"
        assert 400 <= answer.status_code <= 500, shown
        assert answer.json()["error"]["message"], shown
        assert len(answer.content) < 2000, shown
        assert max(grown.values()) < MOST_MB, shown
        assert onlooker.longest_s < WAIT_S, shown


def test_a_long_prompt_is_refused_by_its_tokens_on_both_routes(server: "EmbeddedServer", http: httpx.Client) -> None:
    load(http, context_length=2048)
    text = "many words " * (7 * 2**20 // 11)
    native = http.post("/api/v1/chat", json={"model": KEY, "input": text})
    assert native.status_code == 500
    body = {"model": KEY, "messages": [{"role": "user", "content": text}]}
    openai = http.post("/v1/chat/completions", json=body)
    assert openai.status_code == 400
    for answer in (native, openai):
        assert "greater than the context length" in answer.json()["error"]["message"]
    with http.stream("POST", "/api/v1/chat", json={"model": KEY, "input": text, "stream": True}) as response:
        names = [line for line in response.iter_lines() if line.startswith("event: ")]
    assert names == ["event: chat.start", "event: error", "event: chat.end"]


def test_large_bodies_at_a_time_are_bounded_together(server: "EmbeddedServer", http: httpx.Client) -> None:
    from concurrent.futures import ThreadPoolExecutor

    body = padded('{"model": "m", "input": "', "x", '"}')
    reset_peak(server.pid)
    rest = memory(server.pid)

    def ask(_: int) -> int:
        return http.post("/api/v1/chat", content=body, headers=JSON_TYPE).status_code

    with ThreadPoolExecutor(12) as threads:
        statuses = set(threads.map(ask, range(12)))
    assert statuses <= {404, 503}
    assert memory(server.pid, "VmHWM") - rest < 2 * MOST_MB


def test_a_long_text_is_embedded_by_its_beginning_at_a_bounded_cost(
    server: "EmbeddedServer", http: httpx.Client
) -> None:
    load(http, EMBEDDING, context_length=256)
    (worker,) = children(server.pid)
    reset_peak(worker)
    rest = memory(worker)
    answer = http.post("/v1/embeddings", json={"model": EMBEDDING, "input": "one two " * (3 * 2**20 // 8)})
    assert len(answer.json()["data"][0]["embedding"]) == 576
    assert memory(worker, "VmHWM") - rest < MOST_MB


def test_more_texts_than_the_limit_are_refused(http: httpx.Client) -> None:
    answer = http.post("/v1/embeddings", json={"model": EMBEDDING, "input": ["x"] * 2049})
    assert answer.status_code == 400
    assert "at most 2048 texts" in json.dumps(answer.json())
