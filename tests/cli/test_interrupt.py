"""Ctrl-C in the new commands, in processes and on terminals of their own."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.domain.model import ModelKey
from harness.testing.download import Offer, Step
from harness.testing.library import DEFAULT_MODELS
from harness.testing.scripted import ScriptedServer

KEY = "acme/tiny-1b"
NEW = replace(DEFAULT_MODELS[0], key=ModelKey("acme/new-2b"))

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals and pseudo-terminals")


def started(server: ScriptedServer, folder: Path, *words: str) -> subprocess.Popen[str]:
    environ = {name: value for name, value in os.environ.items() if name not in {"MODEL", "LM_API_TOKEN"}}
    return subprocess.Popen(
        [sys.executable, "-m", "harness.cli", *words],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**environ, "LM_STUDIO_API_URL": server.url, "LMS_HARNESS_STATE": str(folder)},
    )


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_smoke_test_interrupted_while_loading_leaves_nothing(tmp_path: Path) -> None:
    with ScriptedServer(load_s=2) as server:
        child = started(server, tmp_path, "smoke", KEY)
        until(lambda: bool(server.asked("POST", "/api/v1/models/load")))
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
        assert server.loaded == []
    assert child.returncode == 130, err
    assert "Traceback" not in out + err
    assert out.split()[:2] == ["load", "FAILED"]


def test_a_smoke_test_interrupted_while_chatting_leaves_what_others_have(tmp_path: Path) -> None:
    with ScriptedServer(token_s=5) as server:
        server.load(KEY)
        child = started(server, tmp_path, "smoke", KEY, "--new-instance")
        until(lambda: bool(server.asked("POST", "/api/v1/chat")))
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
        assert server.loaded == [KEY]
    assert child.returncode == 130, err
    assert "Traceback" not in out + err


def test_a_download_goes_on_and_the_command_to_look_at_it_is_named(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        server.offer(Offer(name="acme/new-2b", model=NEW, steps=(Step(share=0.1),)))
        child = started(server, tmp_path, "download", "acme/new-2b")
        until(lambda: any("/status/" in request.path for request in tuple(server.requests)))
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    assert (child.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert "the server continues the download" in err
    assert "lms-harness download --status job_0000000001" in err


def drawn(server: ScriptedServer, folder: Path, *words: str) -> tuple[int, str, str]:
    """Run a command whose standard error is a terminal; return its exit code, its output, and what it drew."""
    ours, theirs = pty.openpty()
    environ = {name: value for name, value in os.environ.items() if name not in {"CI", "NO_COLOR", "MODEL"}}
    child = subprocess.Popen(
        [sys.executable, "-m", "harness.cli", *words],
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        env={
            **environ,
            "TERM": "xterm-256color",
            "COLUMNS": "100",
            "LM_STUDIO_API_URL": server.url,
            "LMS_HARNESS_STATE": str(folder),
        },
    )
    os.close(theirs)
    seen, end = b"", time.monotonic() + 60
    while time.monotonic() < end:
        if select.select([ours], [], [], 0.2)[0]:
            try:
                seen += os.read(ours, 65536)
            except OSError:  # Linux: the other end is closed
                break
        elif child.poll() is not None:
            break
    os.close(ours)
    out, _ = child.communicate(timeout=30)
    return child.returncode, out, seen.decode("utf-8", "replace")


def test_a_terminal_sees_that_a_load_takes_its_time_and_the_output_does_not(tmp_path: Path) -> None:
    with ScriptedServer(load_s=1) as server:
        code, out, seen = drawn(server, tmp_path, "load", KEY)
    assert code == 0
    assert f"loading {KEY}" in seen
    assert "0:00:0" in seen
    assert out.startswith(f"Loaded {KEY} in ")
    assert "\x1b" not in out


def test_a_terminal_sees_a_bar_of_the_download(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        server.offer(Offer(name="acme/new-2b", model=NEW, steps=(Step(share=0.5), Step("completed", 1.0))))
        code, out, seen = drawn(server, tmp_path, "download", "acme/new-2b")
    assert code == 0
    assert "acme/new-2b" in seen
    assert "/700.0 MB" in seen
    assert out == "acme/new-2b is downloaded, and the server lists it\n"
