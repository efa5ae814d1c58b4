"""`chat` in processes of its own: two at once, Ctrl-C, readers that have seen enough, and real weights."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.client.http import Client
from harness.lifecycle.resident import resident_ids
from harness.testing.fault import Delay, Hang, Trickle
from harness.testing.scripted import ScriptedServer
from tests import forkserver

from .conftest import Result

if TYPE_CHECKING:
    from harness.embedded.process import EmbeddedServer

KEY = "acme/tiny-1b"
CHAT, LOAD = "/api/v1/chat", "/api/v1/models/load"
WAIT_S = 90.0


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def start(*words: str, url: str, state: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "harness.cli", "chat", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "LM_STUDIO_API_URL": url, "LMS_HARNESS_STATE": str(state)},
    )


def forked(*words: str, url: str, state: Path) -> forkserver.Process:
    """Start the same without the start-up of an interpreter; its outputs are only seen at its end."""
    environ = {**os.environ, "LM_STUDIO_API_URL": url, "LMS_HARNESS_STATE": str(state)}
    return forkserver.start("harness.cli", "chat", *words, cwd=state.parent, env=environ, new_session=True)


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def ended(process: "subprocess.Popen[str] | forkserver.Process") -> Result:
    out, err = process.communicate(timeout=WAIT_S)
    assert "Traceback" not in err
    assert process.returncode is not None
    return Result(process.returncode, out, err)


def test_two_turns_at_once_come_one_after_the_other(server: ScriptedServer, state: Path) -> None:
    server.load(KEY)
    is_second_waiting = threading.Event()

    class Gate:
        def apply(self, call: Any) -> None:
            is_second_waiting.wait(WAIT_S)
            call.send(call.answer())

    server.on("POST", CHAT, Gate(), times=1)
    first = forked(KEY, "one", "--stateful", "--json", url=server.url, state=state)
    until(lambda: server.asked("POST", CHAT))
    second = start(KEY, "two", "--stateful", "--json", url=server.url, state=state)
    assert second.stderr is not None
    assert "waiting up to" in second.stderr.readline()
    assert len(server.asked("POST", CHAT)) == 1
    is_second_waiting.set()
    results = ended(first), ended(second)
    assert [result.code for result in results] == [0, 0]
    assert server.asked("POST", CHAT)[1]["previous_response_id"] == results[0].json["response_id"]


@pytest.mark.parametrize("where", [LOAD, CHAT])
def test_ctrl_c_releases_what_was_loaded_and_is_130(server: ScriptedServer, state: Path, where: str) -> None:
    server.on("POST", where, Delay(2.0, after_effect=True) if where == LOAD else Hang())
    chat = forked(KEY, "x", "--stateful", "--stream", url=server.url, state=state)
    until(lambda: server.asked("POST", where) and server.loaded)
    chat.send_signal(signal.SIGINT)
    result = ended(chat)
    assert (result.code, result.out) == (130, "")
    assert server.loaded == []
    assert list((state / "journals").iterdir()) == []
    assert list((state / "threads").glob("*.json")) == []


def test_ctrl_c_while_text_arrives_keeps_what_was_printed(server: ScriptedServer, state: Path) -> None:
    server.reply_with(lambda _: "word " * 10_000)
    server.on("POST", CHAT, Trickle(every_s=0.001, part_bytes=64))
    chat = start(KEY, "x", "--stream", url=server.url, state=state)
    assert chat.stdout is not None
    assert chat.stdout.read(5) == "word "
    chat.send_signal(signal.SIGINT)
    assert ended(chat).code == 130
    assert server.loaded == []


def test_a_reader_that_has_seen_enough_ends_the_stream_quietly(server: ScriptedServer, state: Path) -> None:
    server.reply_with(lambda _: "word " * 10_000)
    chat = start(KEY, "x", "--stream", url=server.url, state=state)
    assert chat.stdout is not None
    assert chat.stdout.read(5) == "word "
    chat.stdout.close()
    chat.wait(WAIT_S)
    assert chat.stderr is not None
    assert chat.stderr.read() == ""
    chat.stderr.close()
    assert server.loaded == []


@pytest.mark.embedded
class TestRealWeights:
    MODEL = "smollm2-135m-instruct-q4_0"

    @pytest.fixture(autouse=True)
    def nothing_loaded(self, embedded_server: "EmbeddedServer") -> Iterator[None]:
        """The server is shared by the whole session."""

        def unload_all() -> None:
            for instance_id in resident_ids(client.models()):
                client.unload(instance_id)

        with Client(embedded_server.url) as client:
            unload_all()
            yield
            unload_all()

    def ask(self, server: "EmbeddedServer", state: Path, *words: str) -> Result:
        sampling = ("--temperature", "0", "--max-output-tokens", "4")
        result = ended(forked(self.MODEL, *words, *sampling, url=server.url, state=state))
        assert result.code == 0, result.err
        return result

    def test_a_second_turn_remembers_the_first(self, embedded_server: "EmbeddedServer", state: Path) -> None:
        first = self.ask(embedded_server, state, "My name is Ada.", "--stateful", "--json").json
        second = self.ask(embedded_server, state, "What is my name?", "--stateful", "--json").json
        alone = self.ask(embedded_server, state, "What is my name?", "--json").json
        added = second["usage"]["input_tokens"] - alone["usage"]["input_tokens"]
        assert added >= first["usage"]["total_output_tokens"]
        assert (first["usage"]["model_load_time_seconds"] or 0) > 0
        assert second["usage"]["model_load_time_seconds"] is None

    def test_a_stream_prints_what_a_plain_answer_holds_and_leaves_nothing(
        self, embedded_server: "EmbeddedServer", state: Path
    ) -> None:
        streamed = self.ask(embedded_server, state, "Write about the sea.", "--stream", "--unload-after")
        plain = self.ask(embedded_server, state, "Write about the sea.", "--unload-after")
        assert streamed.out.strip() == plain.out.strip() != ""
        assert "cut off at 4 tokens" in streamed.err
