"""A value of another type ends in an error that names it, never in a traceback, or in a stream without an end."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.serving.test_openai_body import MALFORMED

from .conftest import JSON_TYPE, KEY, load

if TYPE_CHECKING:
    from harness.embedded.process import EmbeddedServer

pytestmark = pytest.mark.embedded

SERVE = """
from harness.embedded.serve import serve
serve(port=0, on_progress=print, on_ready=lambda url: print(url, flush=True))
"""


@pytest.fixture
def logged(embedded_server: "EmbeddedServer") -> Iterator[httpx.Client]:
    """A client of a server whose log is read at the end: there must be no traceback in it."""
    with subprocess.Popen([sys.executable, "-c", SERVE], stdout=-1, stderr=-1, text=True) as process:
        try:
            assert process.stdout is not None
            with httpx.Client(base_url=process.stdout.readline().strip(), timeout=60, trust_env=False) as http:
                yield http
        finally:
            process.terminate()
            log = process.communicate(timeout=30)[1]
    assert "Traceback" not in log


def test_no_malformed_request_is_a_traceback(logged: httpx.Client) -> None:
    load(logged)
    for more in MALFORMED:
        for stream in (False, True):
            body = {"model": KEY, "messages": [], "max_tokens": 1, "stream": stream, **more}
            answer = logged.post("/v1/chat/completions", json=body)
            assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error"), more


@pytest.mark.parametrize("stream", ["false", "true"])
def test_a_number_beyond_all_range_is_not_json(logged: httpx.Client, stream: str) -> None:
    for path, rest in (("/api/v1/chat", '"input": "x"'), ("/v1/chat/completions", '"messages": []')):
        for name in ("temperature", "repeat_penalty"):
            body = f'{{"model": "{KEY}", {rest}, "stream": {stream}, "{name}": 1e999}}'
            answer = logged.post(path, content=body, headers=JSON_TYPE)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_json")


def test_a_schema_that_llama_cpp_cannot_use_is_an_error_of_its_request(logged: httpx.Client) -> None:
    load(logged)
    deep: dict[str, Any] = {}
    for _ in range(300):
        deep = {"type": "array", "items": deep}
    for schema in ({"$ref": "#/nowhere"}, {"type": "nothing"}, {"type": "string", "pattern": "("}, deep):
        form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
        body = {"model": KEY, "messages": [{"role": "user", "content": "x"}], "max_tokens": 1, "response_format": form}
        answer = logged.post("/v1/chat/completions", json=body)
        assert answer.status_code in {200, 400, 500}
        assert answer.status_code == 200 or answer.json()["error"]["message"]
    assert logged.post("/api/v1/chat", json={"model": KEY, "input": "x", "max_output_tokens": 1}).status_code == 200


def test_what_a_model_writes_between_lines_does_not_break_its_stream() -> None:
    """U+2028 and its like end a line for Python's splitlines, and stand unescaped in llama.cpp's JSON."""
    import asyncio
    from collections.abc import AsyncIterator

    from harness.embedded.native import read_chunks

    chunk = {"choices": [{"delta": {"content": "a\u2028b\x85c\x0bd"}}]}
    raw = f"data: {json.dumps(chunk, ensure_ascii=False)}\n\ndata: [DONE]\n\n".encode()

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(len(raw)):
            yield raw[at : at + 1]

    async def found() -> list[dict[str, Any]]:
        return [chunk async for chunk in read_chunks(pieces())]

    assert asyncio.run(found()) == [chunk]
