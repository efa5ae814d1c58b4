"""Numbers that no figure can be: a server that sends them ends no command and no run, and they are not told."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.client.http import Client
from harness.client.openai import OpenAIChatRequest
from harness.client.wire import read_json
from harness.domain.generation import ChatRequest
from harness.domain.model import LoadConfig
from harness.domain.record import EndRecord, SampleRecord
from harness.store.reader import read_run
from harness.testing.fault import Call
from harness.testing.scripted import ScriptedServer

KEY = "acme/tiny-1b"
CHAT, LOAD, OPENAI = "/api/v1/chat", "/api/v1/models/load", "/v1/chat/completions"
NUMBERS = {"400 digits": "9" * 400, "200 digits": "9" * 200, "5,000 digits": "9" * 5000, "negative": "-5"}
_FIGURE = re.compile(rb'("(?:\w+_tokens|tokens_per_second|\w+_seconds)":\s*)-?[0-9][0-9.e-]*')


@dataclass(frozen=True)
class Numbers:
    """The usual answer, with this number in the place of every figure."""

    number: str

    def apply(self, call: Call) -> None:
        """Change the answer and send it."""
        usual = b"".join(piece.payload for piece in call.pieces())
        body = _FIGURE.sub(rb"\g<1>" + self.number.encode(), usual)
        kind = b"text/event-stream" if usual.startswith(b"event:") else b"application/json"
        head = b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
        call.write(head + body)
        call.end("close")


@contextmanager
def sending(number: str) -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        for path in (CHAT, LOAD, OPENAI):
            scripted.on("POST", path, Numbers(number))
        yield scripted


@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
def test_figures_that_cannot_be_are_none(number: str) -> None:
    with sending(number) as server, Client(server.url) as client:
        assert client.load(KEY, LoadConfig(context_length=2048)).load_time_s is None
        for stream in (False, True):
            stats = client.chat(ChatRequest(model=KEY, input="Hi"), stream=stream).stats
            assert (stats.input_tokens, stats.total_output_tokens, stats.reasoning_output_tokens) == (None, None, None)
        usage = client.openai_chat(OpenAIChatRequest(model=KEY, messages=({"role": "user", "content": "Hi"},))).stats
        assert (usage.input_tokens, usage.total_output_tokens) == (None, None)


def test_an_answer_that_loaded_its_model_says_so_however_odd_the_time_is() -> None:
    with ScriptedServer() as server, Client(server.url) as client:
        server.on("POST", CHAT, Numbers("-5"))
        assert client.chat(ChatRequest(model=KEY, input="Hi")).loaded_model


def test_a_whole_number_that_a_float_holds_stays_exact() -> None:
    assert read_json(b'{"id": 1234567890123456789012}') == {"id": 1234567890123456789012}
    assert read_json(b'{"id": ' + b"9" * 400 + b"}") == {"id": None}


def test_a_run_ends_with_what_was_measured(tmp_path: Path) -> None:
    """It ended in a traceback when its file was read back, without an end and a table."""
    with sending("9" * 400) as server:
        words = [sys.executable, "-P", "-m", "harness.cli", "run", f"--url={server.url}", "--suite=offload"]
        words += ["--task=classify", "--limit=1", f"--model={KEY}", f"--results={tmp_path}"]
        environ = {**os.environ, "LMS_HARNESS_STATE": str(tmp_path / "state")}
        done = subprocess.run(words, env=environ, capture_output=True, text=True, timeout=110, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert server.loaded == []
    assert "99999" not in done.stdout
    (path,) = tmp_path.glob("*.jsonl")
    records = list(read_run(path))
    (sample,) = (record for record in records if isinstance(record, SampleRecord))
    assert sample.usage["total_output_tokens"] is None
    (end,) = (record for record in records if isinstance(record, EndRecord))
    assert end.exit_code == 0
