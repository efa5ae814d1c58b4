"""The run's end of the pipe: real reapers, a scripted server, and runs that really die."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.clock import SystemClock
from harness.domain.model import LoadConfig
from harness.errors import Cancelled, ConnectionLost, DeadlineExceeded, LeaseError, ServerUnreachable, StoreError
from harness.lifecycle.leases import Leases
from harness.reaper.channel import ANSWER_S
from harness.reaper.filelock import FileLock
from harness.reaper.identity import process_start
from harness.reaper.journal import Journal, replay
from harness.reaper.link import ReaperLink
from harness.reaper.process import key_lock
from harness.reaper.reconcile import Ending
from harness.testing.fault import Call, Drop, Hang
from harness.testing.scripted import ScriptedServer

KEY = "acme/tiny-1b"
OTHER = "acme/small-4b"
LOAD = "/api/v1/models/load"
UNLOAD = "/api/v1/models/unload"
NOBODY = "http://127.0.0.1:9"
PATIENCE_S = 30.0
SETTLE_S = 0.4

Make = Callable[..., tuple[ReaperLink, Journal]]


def eventually(look: Callable[[], object], *, within_s: float = PATIENCE_S) -> None:
    end = time.monotonic() + within_s
    while not look():
        assert time.monotonic() < end, f"it did not come true within {within_s:g} s"
        time.sleep(0.02)


@pytest.fixture
def linked(tmp_path: Path) -> Iterator[Make]:
    """Make a link with its journal; all state is in the test's folder."""
    made: list[tuple[ReaperLink, Journal]] = []

    def build(url: str, run_id: str = "run", **how: Any) -> tuple[ReaperLink, Journal]:
        journal = Journal(run_id, url=url, clock=SystemClock(), directory=tmp_path / "journals")
        link = ReaperLink(journal, token="lmstudio", settle_s=SETTLE_S, **how)
        made.append((link, journal))
        return link, journal

    yield build
    for link, journal in made:
        pid = link.pid
        link.close()
        if pid is not None:
            eventually(lambda pid=pid: process_start(pid) is None)  # type: ignore[misc]
        journal.finish()


def test_nothing_is_started_before_the_first_load(server: ScriptedServer, linked: Make, tmp_path: Path) -> None:
    link, _ = linked(server.url)
    assert link.pid is None
    link.close()
    assert list(tmp_path.iterdir()) == []


def test_a_load_comes_back_as_the_server_answered_it(server: ScriptedServer, linked: Make) -> None:
    link, journal = linked(server.url)
    with link.loading(KEY, within_s=5):
        lease = journal.intent(KEY, resident=())
        answer = link.load(lease, {"model": KEY}, deadline_s=PATIENCE_S)
    assert answer.status == 200
    assert answer.value["instance_id"] == KEY
    assert link.undo(lease, within_s=PATIENCE_S) == Ending(how="released", instances=(KEY,))
    assert server.loaded == []


def test_nobody_listening_a_lost_answer_and_a_late_one_are_told_apart(server: ScriptedServer, linked: Make) -> None:
    nobody, its_journal = linked(NOBODY, "nobody")
    nobody.start()
    with pytest.raises(ServerUnreachable):
        nobody.load(its_journal.intent(KEY, resident=()), {"model": KEY}, deadline_s=5)
    link, journal = linked(server.url)
    link.start()
    server.on("POST", LOAD, Drop(), times=1)
    with pytest.raises(ConnectionLost):
        link.load(journal.intent(KEY, resident=()), {"model": KEY}, deadline_s=PATIENCE_S)
    server.on("POST", LOAD, Hang(), times=1)
    with pytest.raises(DeadlineExceeded) as caught:
        link.load(journal.intent(KEY, resident=()), {"model": KEY}, deadline_s=0.2)
    assert caught.value.phase == "load"
    for number in journal.open_leases:
        journal.close_lease(number, "denied")


def test_a_cancelled_load_is_undone_by_the_reaper_when_its_answer_comes(linked: Make) -> None:
    with ScriptedServer(load_s=2.0) as server:
        link, journal = linked(server.url)
        link.start()
        lease = journal.intent(KEY, resident=())
        exchange = Exchange()

        def cancel() -> None:
            eventually(lambda: server.asked("POST", LOAD))
            exchange.cancel()

        threading.Thread(target=cancel, daemon=True).start()
        with pytest.raises(Cancelled):
            link.load(lease, {"model": KEY}, deadline_s=PATIENCE_S, exchange=exchange)
        assert server.loaded == []
        assert link.undo(lease, within_s=0.0) is None  # It goes on without us.
        eventually(lambda: server.asked("POST", UNLOAD))
        eventually(lambda: not replay(journal.path).open_leases)
        assert server.loaded == []


def test_a_second_run_waits_for_the_first_one_with_a_message(server: ScriptedServer, linked: Make) -> None:
    said: list[str] = []
    first, _ = linked(server.url, "first")
    second, _ = linked(server.url, "second", say=said.append)
    with first.loading(KEY, within_s=5):
        with second.loading(OTHER, within_s=5):
            assert said == []
        with pytest.raises(LeaseError, match="another run has been loading"), second.loading(KEY, within_s=0.2):
            pass
    assert said == [f"{KEY}: process {os.getpid()} is loading it; waiting up to 0.2 s for it to finish"]
    with second.loading(KEY, within_s=PATIENCE_S):
        pass


def test_a_dead_reaper_is_replaced_and_the_lock_held_again(
    server: ScriptedServer, linked: Make, tmp_path: Path
) -> None:
    link, _ = linked(server.url)
    with link.loading(KEY, within_s=5):
        dead = link.pid
        assert dead is not None
        os.kill(dead, signal.SIGKILL)
        eventually(lambda: link.pid not in {None, dead})
        others = FileLock(key_lock(tmp_path / "locks", server.url, KEY))

        def is_held() -> bool:
            is_free = others.try_acquire()
            others.release()
            return not is_free

        eventually(is_held)


def test_the_replacement_finishes_what_the_dead_one_had_loaded(server: ScriptedServer, linked: Make) -> None:
    link, journal = linked(server.url)
    link.start()
    lease = journal.intent(KEY, resident=())
    link.load(lease, {"model": KEY}, deadline_s=PATIENCE_S)
    dead = link.pid
    assert dead is not None
    os.kill(dead, signal.SIGKILL)
    eventually(lambda: link.pid not in {None, dead})
    link.close(waits=False)  # As the death of the run.
    eventually(lambda: server.loaded == [])


def test_a_reaper_that_dies_within_a_load_costs_its_answer(linked: Make) -> None:
    with ScriptedServer(load_s=1.0) as server:
        link, journal = linked(server.url)
        link.start()
        pid = link.pid
        assert pid is not None

        def kill_it_while_it_loads() -> None:
            eventually(lambda: server.asked("POST", LOAD))
            os.kill(pid, signal.SIGKILL)

        threading.Thread(target=kill_it_while_it_loads, daemon=True).start()
        lease = journal.intent(KEY, resident=())
        with pytest.raises(ConnectionLost, match="reaper"):
            link.load(lease, {"model": KEY}, deadline_s=PATIENCE_S)
        eventually(lambda: link.pid not in {None, pid})
        ending = link.undo(lease, within_s=PATIENCE_S)
        assert ending is not None
        assert ending.how == "released"
        assert server.loaded == []


def test_a_reaper_that_cannot_start_stops_the_load(server: ScriptedServer, linked: Make) -> None:
    link, journal = linked(server.url)
    journal.open()
    held = FileLock(journal.path)
    assert held.try_acquire(create=False)
    try:
        with pytest.raises(LeaseError, match="did not start"), link.loading(KEY, within_s=1):
            pass
    finally:
        held.release()
    assert server.requests == []


def test_a_state_directory_that_cannot_be_written_stops_the_load(server: ScriptedServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    journal = Journal("run", url=server.url, clock=SystemClock(), directory=tmp_path / "file" / "journals")
    with Client(server.url) as client:
        leases = Leases(client, journal)
        with pytest.raises(StoreError, match="Set LMS_HARNESS_STATE to a folder"):
            leases.acquire(KEY)
        leases.close()
    assert server.asked("POST", LOAD) == []


def test_closing_is_quick_where_nothing_is_open_and_leaves_no_process(server: ScriptedServer, linked: Make) -> None:
    link, _ = linked(server.url)
    link.start()
    pid = link.pid
    assert pid is not None
    link.close()
    link.close()
    eventually(lambda: process_start(pid) is None)
    assert link.pid is None


def test_two_runs_that_load_the_same_key_at_once_keep_their_instances_apart(
    server: ScriptedServer, tmp_path: Path
) -> None:
    has_waited = threading.Event()

    class Held:
        def apply(self, call: Call) -> None:
            assert has_waited.wait(60)
            call.send(call.answer())

    server.on("POST", LOAD, Held(), times=1)
    first = start_run(server.url, tmp_path, "release")
    eventually(lambda: server.asked("POST", LOAD))
    second = start_run(server.url, tmp_path, "release")
    assert second.stderr is not None
    assert "is loading it; waiting" in second.stderr.readline()
    has_waited.set()
    said = [child.communicate(timeout=60) for child in (first, second)]
    assert [child.returncode for child in (first, second)] == [0, 0], said
    took = sorted(out.splitlines()[0] for out, _ in said)
    assert took == [f"loaded {KEY}", f"loaded {KEY}:2"]
    assert server.loaded == []
    assert list((tmp_path / "journals").iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_killed_leaves_nothing_loaded(
    server: ScriptedServer, tmp_path: Path, number: signal.Signals
) -> None:
    foreign = server.load(KEY, LoadConfig(context_length=1024))
    child = start_run(server.url, tmp_path, "wait")
    assert child.stdout is not None
    assert child.stdout.readline() == f"loaded {KEY}:2\n"
    child.send_signal(number)
    child.communicate(timeout=PATIENCE_S)
    eventually(lambda: server.loaded == [foreign])
    eventually(lambda: list((tmp_path / "journals").iterdir()) == [])


def test_a_forked_child_that_holds_the_pipe_does_not_delay_the_reaper_for_its_life(
    server: ScriptedServer, tmp_path: Path
) -> None:
    child = start_run(server.url, tmp_path, "fork")
    assert child.stdout is not None
    assert child.stdout.readline() == f"loaded {KEY}\n"
    heir = int(child.stdout.readline())
    try:
        child.kill()
        child.wait(PATIENCE_S)
        eventually(lambda: server.loaded == [])
        assert process_start(heir) is not None, "the forked child must have held the pipe all the time"
    finally:
        os.kill(heir, signal.SIGKILL)
        child.communicate(timeout=PATIENCE_S)


RUN = """
import os, sys, time
from pathlib import Path
from harness import Client, Leases, LoadConfig
from harness.clock import SystemClock
from harness.reaper.journal import Journal

url, state, what = sys.argv[1:]
journal = Journal(f"run-{os.getpid()}", url=url, clock=SystemClock(), directory=Path(state) / "journals")
client = Client(url)
leases = Leases(
    client, journal, settle_s=0.4, load_deadline_s=40, say=lambda line: print(line, file=sys.stderr, flush=True)
)
lease = leases.acquire("acme/tiny-1b", LoadConfig(context_length=2048))
print("loaded", lease.instance.id, flush=True)
if what == "release":
    time.sleep(1.0)
    leases.release(lease)
    leases.close()
    sys.exit(0)
if what == "fork":
    heir = os.fork()
    if heir == 0:
        time.sleep(60)
        os._exit(0)
    print(heir, flush=True)
time.sleep(60)
"""


def start_run(url: str, state: Path, what: str) -> "subprocess.Popen[str]":
    """Start a run that loads a model with a context of 2048 tokens, and then does `what`."""
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", RUN, url, str(state), what],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _stop(pid: int) -> None:
    """Stop a process and see it stopped: the signal alone lets a thread that runs on another core go on for a while."""
    os.kill(pid, signal.SIGSTOP)
    until = time.monotonic() + PATIENCE_S
    tasks = sorted(Path(f"/proc/{pid}/task").glob("*/stat"))  # None where there is no /proc.
    while any(task.read_text().rpartition(")")[2].split()[0] not in "Tt" for task in tasks):
        assert time.monotonic() < until, "the reaper does not stop"
        time.sleep(0.001)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGSTOP")
def test_a_reaper_that_is_stopped_blocks_nobody(server: ScriptedServer, linked: Make) -> None:
    link, journal = linked(server.url)
    link.start()
    lease = journal.intent(KEY, resident=())
    assert link.pid is not None
    _stop(link.pid)
    try:
        with pytest.raises(DeadlineExceeded, match="did not read"):
            link.load(lease, {"model": "x" * 1_000_000}, deadline_s=0.2 - ANSWER_S)
        with pytest.raises(ConnectionLost):  # Half of a message is in the pipe.
            link.find(lease, within_s=PATIENCE_S)
        for number in range(3000):
            link.note_request(lease, begins=number % 2 == 0)
    finally:
        os.kill(link.pid, signal.SIGCONT)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGSTOP")
def test_a_full_pipe_drops_what_needs_no_reply(server: ScriptedServer, linked: Make) -> None:
    link, journal = linked(server.url)
    link.start()
    lease = journal.intent(KEY, resident=())
    assert link.pid is not None
    _stop(link.pid)
    try:
        for number in range(3000):  # More than a pipe holds.
            link.note_request(lease, begins=number % 2 == 0)
    finally:
        os.kill(link.pid, signal.SIGCONT)
    with link.loading(KEY, within_s=5):
        assert link.load(lease, {"model": KEY}, deadline_s=PATIENCE_S).status == 200


@pytest.mark.skipif(sys.platform != "linux", reason="needs SIGSTOP, and the number of bytes in a pipe")
def test_a_reaper_hears_of_the_first_and_the_last_request_in_flight(server: ScriptedServer, linked: Make) -> None:
    import fcntl
    import termios

    link, journal = linked(server.url)
    link.start()
    lease = journal.intent(KEY, resident=())
    assert link.pid is not None
    assert link._channel is not None
    pipe = link._channel._peer.stdin
    assert pipe is not None
    _stop(link.pid)
    try:
        lines = []
        for begins in (True, True, False, True, False, False, True):
            link.note_request(lease, begins=begins)
            waiting = fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))
            lines.append(int.from_bytes(waiting, sys.byteorder))
    finally:
        os.kill(link.pid, signal.SIGCONT)
    assert [before < after for before, after in pairwise([0, *lines])] == [True, False, False, False, False, True, True]
