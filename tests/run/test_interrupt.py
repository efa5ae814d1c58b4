"""Ctrl-C and SIGTERM, as real signals to this process and to real commands on a scripted LM Studio."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.domain.record import EndRecord, SampleRecord
from harness.run.interrupt import interruptible
from harness.store.reader import read_run
from harness.testing.scripted import ScriptedServer

KEY = "acme/tiny-1b"
LOAD = "/api/v1/models/load"
CHAT = "/api/v1/chat"
UNLOAD = "/api/v1/models/unload"
PATIENCE_S = 40.0

Start = Callable[..., "subprocess.Popen[str]"]


def eventually(look: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not look():
        assert time.monotonic() < end, f"it did not come true within {PATIENCE_S:g} s"
        time.sleep(0.02)


def be_sent(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    threading.Event().wait(PATIENCE_S)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a command of the harness; its state is in the test's folder."""
    children: list[subprocess.Popen[str]] = []

    def run(server: ScriptedServer, *words: str) -> "subprocess.Popen[str]":
        environ = {**os.environ, "LMS_HARNESS_STATE": str(tmp_path / "state"), "LM_STUDIO_API_URL": server.url}
        child = subprocess.Popen(
            [sys.executable, "-m", "harness.cli", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environ,
            cwd=tmp_path,
        )
        children.append(child)
        return child

    yield run
    for child in children:
        child.kill()
        child.communicate(timeout=PATIENCE_S)


def journals(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "state" / "journals").glob("*.jsonl"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_interrupts_and_the_handlers_are_as_before_afterwards(number: signal.Signals) -> None:
    before = [signal.getsignal(signal_number) for signal_number in (signal.SIGINT, signal.SIGTERM)]
    hurried: list[int] = []
    with pytest.raises(KeyboardInterrupt), interruptible(on_second=lambda: hurried.append(1)):
        be_sent(number)
    assert hurried == []
    assert [signal.getsignal(signal_number) for signal_number in (signal.SIGINT, signal.SIGTERM)] == before


def test_every_further_signal_calls_for_haste_and_interrupts_again() -> None:
    hurried: list[int] = []

    def fail() -> None:
        hurried.append(1)
        raise RuntimeError("what goes wrong in the haste must not hide the interruption")

    with interruptible(on_second=fail):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
            with pytest.raises(KeyboardInterrupt):
                be_sent(number)
    assert hurried == [1, 1]


def test_outside_the_main_thread_signals_are_left_alone() -> None:
    seen: list[object] = []

    def work() -> None:
        with interruptible(on_second=lambda: None):
            seen.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(PATIENCE_S)
    assert seen == [before]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_is_released_and_its_samples_are_cancelled_not_wrong(
    start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    with ScriptedServer(token_s=0.3) as server:
        child = start(
            server,
            "run",
            f"--url={server.url}",
            f"--model={KEY}",
            "--suite=offload",
            "--task=extract",
            "--limit=40",
            f"--results={tmp_path / 'results'}",
        )
        eventually(lambda: len(server.asked("POST", CHAT)) >= 3)
        child.send_signal(number)
        out, err = child.communicate(timeout=PATIENCE_S)
        assert child.returncode == 130, out + err
        assert "--resume" in out + err
        assert "KeyboardInterrupt" not in out + err
        assert server.loaded == []
    assert journals(tmp_path) == []
    (path,) = (tmp_path / "results").glob("*.jsonl")
    records = list(read_run(path))
    assert isinstance(records[-1], EndRecord)
    assert records[-1].interrupted
    cut_off = [record.outcome for record in records if isinstance(record, SampleRecord) and record.outcome != "ok"]
    assert set(cut_off) == {"cancelled"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_load_that_is_interrupted_is_undone_before_the_command_ends(
    start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    with ScriptedServer(load_s=1.5) as server:
        child = start(server, "load", KEY)
        eventually(lambda: server.asked("POST", LOAD))
        child.send_signal(number)
        out, err = child.communicate(timeout=PATIENCE_S)
        assert child.returncode == 130, out + err
        assert out == ""
        assert server.asked("POST", UNLOAD) == [{"instance_id": KEY}]
        assert server.loaded == []
    eventually(lambda: journals(tmp_path) == [])


def test_a_second_ctrl_c_returns_at_once_and_the_reaper_cleans_up(start: Start, tmp_path: Path) -> None:
    with ScriptedServer(load_s=8.0) as server:
        child = start(server, "load", KEY)
        eventually(lambda: server.asked("POST", LOAD))
        child.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert child.poll() is None, "one Ctrl-C waits for the load to be undone"
        again = time.monotonic()
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=PATIENCE_S)
        assert time.monotonic() - again < 3.0
        assert child.returncode == 130
        assert "left to the reaper" in err
        assert server.loaded == []
        assert journals(tmp_path) != []
        eventually(lambda: server.asked("POST", UNLOAD))
        eventually(lambda: journals(tmp_path) == [])
        assert server.loaded == []
