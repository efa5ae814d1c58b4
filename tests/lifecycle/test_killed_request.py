"""A run that is killed while a request by instance id makes the server load the model again: nothing stays unnamed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.reaper.sweep import left_journals
from harness.testing.fault import Hang
from harness.testing.scripted import ScriptedServer

MODELS = "/api/v1/models"
UNLOAD = "/api/v1/models/unload"
KEY = "acme/tiny-1b"
CHAT = "/api/v1/chat"
VICTIM = f"""
import sys
from harness.client.http import Client
from harness.domain.generation import ChatRequest
from harness.domain.model import LoadConfig
from harness.lifecycle.leases import Leases

with Client(sys.argv[1]) as client:
    leases = Leases(client, settle_s=0.5)
    lease = leases.acquire({KEY!r}, LoadConfig(context_length=2048))
    print("loaded", flush=True)
    sys.stdin.readline()
    client.chat(ChatRequest(model=lease.instance.id, input="Hi", max_output_tokens=8), stream=sys.argv[2] == "stream")
    print("answered", flush=True)
    sys.stdin.readline()
"""


def eventually(is_so: Callable[[], bool], *, within_s: float = 30.0) -> None:
    end = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


def killed(
    server: ScriptedServer, state: Path, form: str, at: Callable[[], bool] | None = None, *, evicts: bool = False
) -> None:
    """Load an instance, take it away if `evicts`, let the run ask it, and kill the run as soon as `at` is true.

    Without `at`, the instance is taken away after the answer, and the run killed then.
    """
    environ = {**os.environ, "LMS_HARNESS_STATE": str(state)}
    words = [sys.executable, "-c", VICTIM, server.url, form]
    with subprocess.Popen(words, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdin is not None
        assert victim.stdout is not None
        assert victim.stdout.readline() == "loaded\n"
        if evicts:
            server.unload(KEY)
        victim.stdin.write("\n")
        victim.stdin.flush()
        if at is None:
            assert victim.stdout.readline() == "answered\n"
            server.unload(KEY)
        else:
            eventually(at)
        os.kill(victim.pid, signal.SIGKILL)


def is_settled(state: Path) -> bool:
    """Whether no reaper is at work any more."""
    return all(left.keeper == "nobody" for left in left_journals(state / "journals"))


def journal(state: Path) -> str:
    """Return the journal of the run; reading it alone takes no lock."""
    (path,) = (state / "journals").iterdir()
    return path.read_text()


@pytest.mark.parametrize("form", ["stream", "whole"])
def test_a_load_that_goes_on_without_a_word_after_the_kill_is_waited_for_and_named(tmp_path: Path, form: str) -> None:
    """The server finishes it though its client is gone. The reaper saw nothing, and took the instance for gone."""
    with ScriptedServer() as server:
        server.on("POST", CHAT, Hang())
        killed(server, tmp_path, form, lambda: bool(server.asked("POST", CHAT)), evicts=True)
        eventually(lambda: server.requests[-1].path == MODELS)  # The reaper has begun to look.
        time.sleep(1.5)  # Three times as long as a listing may lag.
        server.load(KEY)
        eventually(lambda: is_settled(tmp_path))
        (left,) = left_journals(tmp_path / "journals")
        (lease,) = left.state.open_leases.values()
        assert lease.doubtful_ids == (KEY,)
        assert lease.doubt.startswith("it was gone when the run had died")
        assert server.loaded == [KEY]
        assert server.asked("POST", UNLOAD) == []


def test_a_load_that_the_stream_has_begun_to_report_is_named_too(tmp_path: Path) -> None:
    with ScriptedServer(load_s=3.0) as server:
        killed(server, tmp_path, "stream", lambda: '"loading"' in journal(tmp_path), evicts=True)
        server.load(KEY)
        eventually(lambda: is_settled(tmp_path))
        (left,) = left_journals(tmp_path / "journals")
        (lease,) = left.state.open_leases.values()
        assert lease.doubtful_ids == (KEY,)
        assert server.loaded == [KEY]


def test_one_that_the_stream_has_reported_as_done_is_unloaded(tmp_path: Path) -> None:
    with ScriptedServer(token_s=0.5) as server:
        killed(server, tmp_path, "stream", lambda: '"config": {}' in journal(tmp_path), evicts=True)
        eventually(lambda: not list((tmp_path / "journals").iterdir()))
        assert server.loaded == []


def test_an_instance_that_is_asked_at_the_kill_and_was_never_gone_is_unloaded_at_once(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        server.on("POST", CHAT, Hang())
        killed(server, tmp_path, "whole", lambda: bool(server.asked("POST", CHAT)))
        eventually(lambda: not list((tmp_path / "journals").iterdir()), within_s=20.0)
        assert server.loaded == []


def test_one_that_is_gone_and_was_not_asked_is_not_waited_for_long(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        killed(server, tmp_path, "whole")
        eventually(lambda: not list((tmp_path / "journals").iterdir()), within_s=20.0)
        assert server.asked("POST", UNLOAD) == []
