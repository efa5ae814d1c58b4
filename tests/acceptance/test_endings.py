"""Each way to end a pytest run: what the run loaded is gone, and what somebody else loaded is still there.

Every run is a pytest of its own, in a session of its own, against a scripted LM Studio in this process, where somebody
else holds one instance of the very model that the run loads, and one of another.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.domain.model import LoadConfig
from harness.store.run_file import RunFile
from harness.testing.fault import Call, Hang
from harness.testing.scripted import ScriptedServer
from tests import forkserver

KEY = "acme/tiny-1b"
OTHER = "acme/small-4b"
OURS = f"{KEY}:2"
LOAD = "/api/v1/models/load"
UNLOAD = "/api/v1/models/unload"

GONE_S = 60.0
"""How long after the end of a run its instance may still be there: only when the run could not release it itself."""


TESTS = """
import os, time
from pathlib import Path

import pytest

WHERE = os.environ.get("STOP_IN", "")

def stop_in(place):
    if WHERE == place:
        Path("ready").write_text(place)
        time.sleep(60)

@pytest.fixture
def around(lms_instance):
    stop_in("setup")
    yield lms_instance
    stop_in("teardown")

def test_first(lms_instance):
    assert lms_instance.instance_id == "acme/tiny-1b:2"

def test_second(around):
    stop_in("test")
    ending()

def test_third(lms_instance):
    Path("third").touch()
"""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a run ended."""

    code: int
    out: str
    folder: Path

    @property
    def is_third_run(self) -> bool:
        """Whether the test after the one that ended it ran."""
        return (self.folder / "third").exists()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        scripted.load(OTHER)
        scripted.load(KEY, LoadConfig(context_length=16))  # too small for the run, which loads a copy
        yield scripted


class SlowLoad:
    """Loads for a while, whether or not the client waits for it, as LM Studio does."""

    def apply(self, call: Call) -> None:
        time.sleep(1.5)
        call.send(call.answer())


class Start:
    """Starts pytest runs against one server."""

    def __init__(self, server: ScriptedServer, folder: Path) -> None:
        self._server = server
        self.folder = folder
        self.running: list[forkserver.Process] = []

    def __call__(self, *words: str, ending: str = "pass", stop_in: str = "", tests: str = TESTS) -> forkserver.Process:
        (self.folder / "test_own.py").write_text(f"{tests}\ndef ending():\n    {ending}\n")
        (self.folder / "pytest.ini").write_text("[pytest]\n")
        state = str(self.folder / "state")
        environ = {**os.environ, "LMS_HARNESS_STATE": state, "STOP_IN": stop_in, "COLUMNS": "160"}
        words = ("-p", "no:cacheprovider", f"--lms-url={self._server.url}", f"--lms-model={KEY}", *words)
        process = forkserver.start("pytest", *words, cwd=self.folder, env=environ, is_merged=True, new_session=True)
        self.running.append(process)
        return process

    def ended(self, process: forkserver.Process) -> Ended:
        """Wait for the end of a run."""
        out, _ = process.communicate(timeout=90)
        return Ended(code=process.wait(60), out=out, folder=self.folder)

    def interrupted(self, number: signal.Signals, *words: str, stop_in: str) -> Ended:
        """Send a signal to a run once it has got to this place, and wait for its end."""
        process = self(*words, stop_in=stop_in)
        self.wait_for(lambda: (self.folder / "ready").exists() or process.poll() is not None)
        process.send_signal(number)
        return self.ended(process)

    def wait_for(self, is_true: Callable[[], object], within_s: float = 60.0) -> None:
        """Wait until it is true."""
        end = time.monotonic() + within_s
        while not is_true():
            assert time.monotonic() < end, f"it did not come true within {within_s:g} s"
            time.sleep(0.02)


@pytest.fixture
def start(server: ScriptedServer, tmp_path: Path) -> Iterator[Start]:
    starting = Start(server, tmp_path)
    yield starting
    for process in starting.running:
        if process.poll() is None:
            process.kill()
            process.communicate(30)


def check(server: ScriptedServer, *, is_loaded_once: bool = True) -> None:
    """What the run loaded is gone, or goes within the deadline; nothing of others was asked to go."""
    end = time.monotonic() + GONE_S
    while server.loaded != [OTHER, KEY] and time.monotonic() < end:
        time.sleep(0.05)
    assert server.loaded == [OTHER, KEY]
    assert len(server.asked("POST", LOAD)) == (1 if is_loaded_once else 0)
    assert {unload["instance_id"] for unload in server.asked("POST", UNLOAD)} <= {OURS}


def test_a_run_that_passes(start: Start, server: ScriptedServer) -> None:
    done = start.ended(start())
    assert done.code == 0, done.out
    assert done.is_third_run
    assert server.loaded == [OTHER, KEY]
    check(server)


def test_a_test_that_fails(start: Start, server: ScriptedServer) -> None:
    done = start.ended(start(ending="assert False"))
    assert done.code == 1, done.out
    assert done.is_third_run
    assert server.loaded == [OTHER, KEY]
    check(server)


def test_the_first_failure_ends_the_run(start: Start, server: ScriptedServer) -> None:
    done = start.ended(start("-x", ending="assert False"))
    assert done.code == 1, done.out
    assert not done.is_third_run
    assert server.loaded == [OTHER, KEY]
    check(server)


@pytest.mark.parametrize("ending", ["pytest.exit('enough', returncode=9)", "raise SystemExit(9)", "sys = 1 / 0"])
def test_a_test_that_leaves_by_an_exception(start: Start, server: ScriptedServer, ending: str) -> None:
    done = start.ended(start(ending=ending))
    assert done.code in {1, 9}, done.out
    assert server.loaded == [OTHER, KEY]
    check(server)


@pytest.mark.parametrize("place", ["setup", "test", "teardown"])
def test_ctrl_c(start: Start, server: ScriptedServer, place: str) -> None:
    done = start.interrupted(signal.SIGINT, stop_in=place)
    assert done.code in {2, 130}, done.out
    assert "KeyboardInterrupt" in done.out
    assert "Interrupted: run again with --lms-resume " in done.out
    assert not done.is_third_run
    assert server.loaded == [OTHER, KEY]
    check(server)


def test_ctrl_c_while_the_model_loads(start: Start, server: ScriptedServer) -> None:
    server.on("POST", LOAD, SlowLoad())
    process = start()
    start.wait_for(lambda: server.asked("POST", LOAD))
    process.send_signal(signal.SIGINT)
    done = start.ended(process)
    assert done.code in {2, 130}, done.out
    check(server)


def test_a_second_ctrl_c_ends_the_run_at_once_though_the_release_hangs(start: Start, server: ScriptedServer) -> None:
    server.on("POST", UNLOAD, Hang(), times=1)
    process = start(stop_in="test")
    start.wait_for((start.folder / "ready").exists)
    process.send_signal(signal.SIGINT)
    start.wait_for(lambda: server.asked("POST", UNLOAD))
    process.send_signal(signal.SIGINT)
    start.wait_for(lambda: process.poll() is not None, within_s=15)
    start.ended(process)
    check(server)


def test_a_second_ctrl_c_before_pytest_has_noted_the_first_is_an_interruption_too(
    start: Start, server: ScriptedServer
) -> None:
    noting = "import time\nfrom pathlib import Path\n\ndef pytest_keyboard_interrupt():\n"
    (start.folder / "conftest.py").write_text(f'{noting}    Path("noting").touch()\n    time.sleep(60)\n')
    process = start(f"--lms-results={start.folder / 'results'}", stop_in="test")
    start.wait_for((start.folder / "ready").exists)
    process.send_signal(signal.SIGINT)
    start.wait_for((start.folder / "noting").exists)
    process.send_signal(signal.SIGINT)
    done = start.ended(process)
    assert done.code in {2, 130, -signal.SIGINT}, done.out
    assert "Interrupted: run again with --lms-resume " in done.out
    (path,) = (start.folder / "results").glob("*.jsonl")
    end = RunFile.read(path).end
    assert end is not None
    assert (end.interrupted, end.exit_code) == (True, 2)
    check(server)


@pytest.mark.parametrize("place", ["test", "teardown"])
def test_sigterm(start: Start, server: ScriptedServer, place: str) -> None:
    done = start.interrupted(signal.SIGTERM, stop_in=place)
    assert done.code != 0, done.out
    assert not done.is_third_run
    check(server)


@pytest.mark.parametrize("place", ["setup", "test"])
def test_sigkill(start: Start, server: ScriptedServer, place: str) -> None:
    done = start.interrupted(signal.SIGKILL, stop_in=place)
    assert done.code == -signal.SIGKILL
    check(server)


def test_a_lost_terminal(start: Start, server: ScriptedServer) -> None:
    done = start.interrupted(signal.SIGHUP, stop_in="test")
    assert done.code != 0, done.out
    check(server)


def test_a_kill_while_the_model_loads(start: Start, server: ScriptedServer) -> None:
    server.on("POST", LOAD, SlowLoad())
    process = start()
    start.wait_for(lambda: server.asked("POST", LOAD))
    process.kill()
    start.ended(process)
    start.wait_for(lambda: {"instance_id": OURS} in server.asked("POST", UNLOAD))
    check(server)


def test_a_test_that_leaves_the_process(start: Start, server: ScriptedServer) -> None:
    done = start.ended(start(ending="os._exit(3)"))
    assert done.code == 3
    assert not done.is_third_run
    check(server)


def test_a_crash_of_the_interpreter(start: Start, server: ScriptedServer) -> None:
    done = start.ended(start(ending="os.abort()"))
    assert done.code == -signal.SIGABRT
    check(server)


def test_a_timeout_by_signal_fails_one_test(start: Start, server: ScriptedServer) -> None:
    done = start.ended(start("--timeout=2", "--timeout-method=signal", ending="time.sleep(60)"))
    assert done.code == 1, done.out
    assert "Timeout" in done.out
    assert done.is_third_run
    assert server.loaded == [OTHER, KEY]
    check(server)


def test_a_timeout_by_thread_ends_the_process(start: Start, server: ScriptedServer) -> None:
    done = start.ended(start("--timeout=2", "--timeout-method=thread", ending="time.sleep(60)"))
    assert done.code == 1, done.out
    assert "Timeout" in done.out
    assert not done.is_third_run
    check(server)


def test_a_file_that_cannot_be_collected(start: Start, server: ScriptedServer) -> None:
    done = start.ended(start(tests=f"{TESTS}\nraise RuntimeError('while collecting')\n"))
    assert done.code == 2, done.out
    assert "while collecting" in done.out
    check(server, is_loaded_once=False)


def test_an_option_that_nobody_knows(start: Start, server: ScriptedServer) -> None:
    done = start.ended(start("--no-such-option"))
    assert done.code == 4, done.out
    assert "--no-such-option" in done.out
    check(server, is_loaded_once=False)


@pytest.mark.parametrize("ending", ["pass", "os._exit(3)"])
def test_workers_of_xdist_are_refused_before_they_load_a_copy_each(
    start: Start, server: ScriptedServer, ending: str
) -> None:
    done = start.ended(start("-n2", ending=ending))
    assert done.code == 1, done.out
    assert "do not run in workers of pytest-xdist" in done.out
    assert "-n0" in done.out
    assert "INTERNALERROR" not in done.out
    check(server, is_loaded_once=False)


def test_without_workers_xdist_changes_nothing(start: Start, server: ScriptedServer) -> None:
    done = start.ended(start("-n0"))
    assert done.code == 0, done.out
    check(server)


def test_tests_that_need_no_model_run_in_workers(start: Start, server: ScriptedServer) -> None:
    done = start.ended(start("-n2", tests="def test_plain(): pass"))
    assert done.code == 0, done.out
    assert "1 passed" in done.out
    assert server.requests == []
