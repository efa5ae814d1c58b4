"""A load whose answer is lost, that is broken off, or that fails, against a scripted LM Studio."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.domain.model import LoadConfig, LoadResult
from harness.errors import (
    AmbiguousLoad,
    Cancelled,
    HarnessError,
    LoadFailed,
    ServerFault,
    TransportError,
)
from harness.lifecycle.leases import Leases
from harness.reaper.journal import Journal, replay
from harness.reaper.lease import OpenLease
from harness.testing.clock import FakeClock
from harness.testing.fault import Call, Delay, Drop, Fault, Hang, Reset, Status
from harness.testing.scripted import ScriptedServer

KEY = "acme/tiny-1b"
LOAD = "/api/v1/models/load"
UNLOAD = "/api/v1/models/unload"


Make = Callable[..., Leases]


def eventually(look: Callable[[], object], *, within_s: float = 30.0) -> None:
    end = time.monotonic() + within_s
    while not look():
        assert time.monotonic() < end, f"it did not come true within {within_s:g} s"
        time.sleep(0.02)


def open_leases(journal: Journal) -> Mapping[int, OpenLease]:
    return replay(journal.path).open_leases


class Foreign:
    """Somebody else loads the same model while we do; then our answer comes, or is lost."""

    def __init__(self, server: ScriptedServer, then: Fault) -> None:
        self._server = server
        self._then = then

    def apply(self, call: Call) -> None:
        self._server.load(KEY)
        self._then.apply(call)


@pytest.mark.parametrize(
    "fault",
    [
        Drop(after_effect=True),
        Reset(after_effect=True),
        Hang(after_effect=True),
        Delay(5.0, after_effect=True),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_after_a_lost_answer_the_one_new_instance_is_adopted_and_no_second_load_sent(
    server: ScriptedServer, make: Make, fault: Fault
) -> None:
    foreign = server.load(KEY)
    server.on("POST", LOAD, fault, times=1)
    leases = make(load_s=0.3)
    lease = leases.acquire(KEY, reuse=False)
    assert lease.instance.id == f"{KEY}:2"
    assert lease.load_time_s is None
    leases.release(lease)
    assert server.loaded == [foreign]
    assert len(server.asked("POST", LOAD)) == 1


def test_a_server_error_after_the_load_was_done_is_adopted_too(server: ScriptedServer, make: Make) -> None:
    class DoneButBroken:
        def apply(self, call: Call) -> None:
            call.answer()
            Status(502, "<html>Bad gateway</html>", "text/html").apply(call)

    server.on("POST", LOAD, DoneButBroken(), times=1)
    lease = make().acquire(KEY)
    assert lease.instance.id == KEY
    assert len(server.asked("POST", LOAD)) == 1


def test_a_load_that_was_dropped_and_never_happened_is_an_error_and_closes_the_lease(
    server: ScriptedServer, make: Make, journal: Journal
) -> None:
    server.on("POST", LOAD, Drop(), times=1)
    with pytest.raises(HarnessError):
        make(load_s=60.0).acquire(KEY)
    assert server.loaded == []
    assert len(server.asked("POST", LOAD)) == 1
    assert open_leases(journal) == {}


def test_a_failed_load_is_not_repeated_and_leaves_nothing(server: ScriptedServer, make: Make, journal: Journal) -> None:
    error = {"error": {"message": "Failed to load LLM: out of memory", "type": "model_load_failed"}}
    server.on("POST", LOAD, Status(500, error), times=1)
    with pytest.raises(LoadFailed, match="out of memory"):
        make().acquire(KEY)
    assert len(server.asked("POST", LOAD)) == 1
    assert open_leases(journal) == {}


def test_two_candidates_after_a_lost_answer_are_both_left_alone_and_named(
    server: ScriptedServer, make: Make, journal: Journal
) -> None:
    server.on("POST", LOAD, Foreign(server, Drop(after_effect=True)), times=1)
    with pytest.raises(AmbiguousLoad) as caught:
        make().acquire(KEY)
    assert server.loaded == [KEY, f"{KEY}:2"]
    assert server.asked("POST", UNLOAD) == []
    assert f"lms-harness unload --instance '{KEY}:2'" in str(caught.value)
    assert len(open_leases(journal)) == 1


def test_what_another_live_run_was_granted_is_no_candidate(server: ScriptedServer, make: Make, tmp_path: Path) -> None:
    class OtherRun:
        def apply(self, call: Call) -> None:
            theirs = Journal("theirs", url=server.url, clock=FakeClock(), directory=tmp_path)
            theirs.grant(theirs.intent(KEY, resident=()), server.load(KEY))
            Drop(after_effect=True).apply(call)

    server.on("POST", LOAD, OtherRun(), times=1)
    leases = make()
    lease = leases.acquire(KEY)
    assert lease.instance.id == f"{KEY}:2"
    leases.release(lease)
    assert server.loaded == [KEY]


def test_a_load_that_succeeds_beside_somebody_elses_is_known_by_its_answer(server: ScriptedServer, make: Make) -> None:
    class Then:
        def apply(self, call: Call) -> None:
            call.send(call.answer())

    server.on("POST", LOAD, Foreign(server, Then()), times=1)
    leases = make()
    lease = leases.acquire(KEY)
    assert lease.instance.id == f"{KEY}:2"
    leases.release(lease)
    assert server.loaded == [KEY]


def test_a_cancelled_load_is_unloaded_when_the_server_has_finished_it(
    server: ScriptedServer, make: Make, journal: Journal
) -> None:
    exchange = Exchange()

    class CancelledMidway:
        def apply(self, call: Call) -> None:
            exchange.cancel()
            threading.Event().wait(0.3)
            call.send(call.answer())

    server.on("POST", LOAD, CancelledMidway(), times=1)
    with pytest.raises(Cancelled):
        make().acquire(KEY, exchange=exchange)
    assert server.asked("POST", UNLOAD) == [{"instance_id": KEY}]
    assert server.loaded == []
    assert open_leases(journal) == {}


def test_ctrl_c_during_a_load_unloads_what_the_server_made_of_it(
    server: ScriptedServer, make: Make, journal: Journal
) -> None:
    class Interrupted(Client):
        def loaded(self, status: int, body: bytes) -> LoadResult:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(client=Interrupted(server.url)).acquire(KEY)
    assert server.asked("POST", UNLOAD) == [{"instance_id": KEY}]
    assert server.loaded == []
    assert open_leases(journal) == {}


def test_a_cancelled_load_that_the_server_does_not_end_is_left_to_the_reaper(
    server: ScriptedServer, in_real_time: Callable[..., tuple[Leases, Journal]]
) -> None:
    exchange = Exchange()
    goes_on = threading.Event()

    class CancelledMidway:
        def apply(self, call: Call) -> None:
            exchange.cancel()
            goes_on.wait(30)
            call.send(call.answer())

    server.on("POST", LOAD, CancelledMidway(), times=1)
    with Client(server.url) as client:
        leases, journal = in_real_time(client, settle_s=0.2)
        with pytest.raises(Cancelled):
            leases.acquire(KEY, exchange=exchange)
        assert list(open_leases(journal)) == [1]
        assert leases.left_to_reaper == (KEY,)
        leases.close()
        assert server.loaded == []
        goes_on.set()
        eventually(lambda: server.asked("POST", UNLOAD) == [{"instance_id": KEY}])
        eventually(lambda: not journal.path.exists())


def test_a_server_that_dies_during_the_load_is_given_up_soon_and_the_lease_stays_open(
    server: ScriptedServer, make: Make, journal: Journal, clock: FakeClock
) -> None:
    class Dies:
        def apply(self, call: Call) -> None:
            threading.Thread(target=server.close).start()
            call.wait(None)

    server.on("POST", LOAD, Dies(), times=1)
    with pytest.raises(TransportError):
        make().acquire(KEY)
    assert clock.monotonic() < 90.0
    assert list(open_leases(journal)) == [1]


def test_a_load_that_fails_while_another_client_loads_the_model_touches_nothing(
    server: ScriptedServer, make: Make, journal: Journal
) -> None:
    error = {"error": {"message": "Failed to load LLM: out of memory", "type": "model_load_failed"}}
    server.on("POST", LOAD, Foreign(server, Status(500, error)), times=1)
    with pytest.raises(LoadFailed):
        make().acquire(KEY)
    assert server.loaded == [KEY]
    assert server.asked("POST", UNLOAD) == []
    assert open_leases(journal) == {}


def test_a_new_instance_with_another_config_than_asked_for_is_named_and_not_touched(
    server: ScriptedServer, make: Make
) -> None:
    class Reduced:
        def apply(self, call: Call) -> None:
            server.load(KEY, LoadConfig(context_length=1024))  # Ours, made smaller, or another client's.

    server.on("POST", LOAD, Reduced(), times=1)
    with pytest.raises(AmbiguousLoad, match="not loaded with the config"):
        make(load_s=60.0).acquire(KEY, LoadConfig(context_length=4096))
    assert server.loaded == [KEY]
    assert server.asked("POST", UNLOAD) == []


def test_a_server_fault_without_effect_is_told_as_it_is(server: ScriptedServer, make: Make) -> None:
    server.on("POST", LOAD, Status(503, {"error": "busy"}), times=1)
    with pytest.raises(ServerFault):
        make().acquire(KEY)
    assert server.loaded == []
