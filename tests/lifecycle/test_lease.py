"""Leases against a scripted LM Studio: real sockets, and answers that get lost, lie or come late."""

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.clock import SystemClock
from harness.domain.model import InstanceId, LoadConfig
from harness.errors import (
    AmbiguousLoad,
    Cancelled,
    HarnessError,
    InstanceNotLoaded,
    LoadFailed,
    LoadUnverified,
    ModelNotFound,
    ReleaseFailed,
    ServerFault,
    TransportError,
)
from harness.lifecycle.journal import Journal, replay
from harness.lifecycle.lease import Leases
from harness.testing.clock import FakeClock
from harness.testing.fault import Call, Delay, Drop, Fault, Hang, Ignore, Lag, Reset, Status
from harness.testing.scripted import ScriptedServer

KEY = "acme/tiny-1b"
OTHER = "acme/small-4b"
LOAD = "/api/v1/models/load"
UNLOAD = "/api/v1/models/unload"
MODELS = "/api/v1/models"


def open_leases(journal: Journal) -> dict[int, dict[str, object]]:
    return replay(journal.path).open_leases


class Foreign:
    """Somebody else loads the same model while we do; then our answer comes, or is lost."""

    def __init__(self, server: ScriptedServer, then: Fault) -> None:
        self._server = server
        self._then = then

    def apply(self, call: Call) -> None:
        self._server.load(KEY)
        self._then.apply(call)


def test_a_lease_is_loaded_verified_and_released_to_the_state_before(
    server: ScriptedServer, make: Callable[..., Leases], journal: Journal
) -> None:
    foreign = server.load(OTHER)
    leases = make()
    lease = leases.acquire(KEY, LoadConfig(context_length=2048))
    assert server.loaded == [foreign, KEY]
    assert (lease.is_owned, lease.mode, lease.others) == (True, "explicit", (foreign,))
    assert lease.instance.config.context_length == 2048
    assert lease.load_wall_s is not None
    assert list(leases.held) == [lease]
    done = leases.release(lease)
    assert done.is_verified
    assert server.loaded == [foreign]
    assert list(leases.held) == []
    assert open_leases(journal) == {}


def test_the_intent_is_on_disk_before_the_load_is_sent(
    server: ScriptedServer, make: Callable[..., Leases], journal: Journal
) -> None:
    seen: list[dict[int, dict[str, object]]] = []

    class Look:
        def apply(self, call: Call) -> None:
            seen.append(open_leases(journal))
            call.send(call.answer())

    server.on("POST", LOAD, Look(), times=1)
    make().acquire(KEY)
    assert [lease["model_key"] for lease in seen[0].values()] == [KEY]


def test_a_fitting_resident_instance_is_reused_and_kept(server: ScriptedServer, make: Callable[..., Leases]) -> None:
    resident = server.load(KEY, LoadConfig(context_length=8192))
    leases = make()
    lease = leases.acquire(KEY, LoadConfig(context_length=4096))
    assert (lease.instance.id, lease.is_owned, lease.mode) == (resident, False, "preloaded")
    assert leases.release(lease).is_verified is None
    assert server.loaded == [resident]
    assert server.asked("POST", LOAD) == []


def test_an_unfitting_resident_instance_is_left_alone_and_a_copy_loaded(
    server: ScriptedServer, make: Callable[..., Leases]
) -> None:
    small = server.load(KEY, LoadConfig(context_length=1024))
    leases = make()
    lease = leases.acquire(KEY, LoadConfig(context_length=4096))
    assert lease.instance.id == f"{KEY}:2"
    leases.release(lease)
    assert server.loaded == [small]


def test_a_second_copy_is_released_by_its_exact_id(server: ScriptedServer, make: Callable[..., Leases]) -> None:
    server.load(KEY)
    leases = make()
    lease = leases.acquire(KEY, reuse=False)
    server.load(KEY)
    leases.release(lease)
    assert server.loaded == [KEY, f"{KEY}:3"]


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
    server: ScriptedServer, make: Callable[..., Leases], fault: Fault
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


def test_a_server_error_after_the_load_was_done_is_adopted_too(
    server: ScriptedServer, make: Callable[..., Leases]
) -> None:
    class DoneButBroken:
        def apply(self, call: Call) -> None:
            call.answer()
            Status(502, "<html>Bad gateway</html>", "text/html").apply(call)

    server.on("POST", LOAD, DoneButBroken(), times=1)
    lease = make().acquire(KEY)
    assert lease.instance.id == KEY
    assert len(server.asked("POST", LOAD)) == 1


def test_a_load_that_was_dropped_and_never_happened_is_an_error_and_closes_the_lease(
    server: ScriptedServer, make: Callable[..., Leases], journal: Journal
) -> None:
    server.on("POST", LOAD, Drop(), times=1)
    with pytest.raises(HarnessError):
        make().acquire(KEY)
    assert server.loaded == []
    assert len(server.asked("POST", LOAD)) == 1
    assert open_leases(journal) == {}


def test_a_failed_load_is_not_repeated_and_leaves_nothing(
    server: ScriptedServer, make: Callable[..., Leases], journal: Journal
) -> None:
    error = {"error": {"message": "Failed to load LLM: out of memory", "type": "model_load_failed"}}
    server.on("POST", LOAD, Status(500, error), times=1)
    with pytest.raises(LoadFailed, match="out of memory"):
        make().acquire(KEY)
    assert len(server.asked("POST", LOAD)) == 1
    assert open_leases(journal) == {}


def test_two_candidates_after_a_lost_answer_are_both_left_alone_and_named(
    server: ScriptedServer, make: Callable[..., Leases], journal: Journal
) -> None:
    server.on("POST", LOAD, Foreign(server, Drop(after_effect=True)), times=1)
    with pytest.raises(AmbiguousLoad) as caught:
        make().acquire(KEY)
    assert server.loaded == [KEY, f"{KEY}:2"]
    assert server.asked("POST", UNLOAD) == []
    assert f"lms-harness unload --instance '{KEY}:2'" in str(caught.value)
    assert len(open_leases(journal)) == 1


def test_what_another_live_run_was_granted_is_no_candidate(
    server: ScriptedServer, make: Callable[..., Leases], tmp_path: Path
) -> None:
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


def test_a_load_that_succeeds_beside_somebody_elses_is_known_by_its_answer(
    server: ScriptedServer, make: Callable[..., Leases]
) -> None:
    class Then:
        def apply(self, call: Call) -> None:
            call.send(call.answer())

    server.on("POST", LOAD, Foreign(server, Then()), times=1)
    leases = make()
    lease = leases.acquire(KEY)
    assert lease.instance.id == f"{KEY}:2"
    leases.release(lease)
    assert server.loaded == [KEY]


def test_a_listing_that_lags_is_waited_for(server: ScriptedServer, make: Callable[..., Leases]) -> None:
    leases = make()
    server.on("GET", MODELS, Delay(0.0), times=1)  # the snapshot
    server.on("GET", MODELS, Lag(), times=4)
    lease = leases.acquire(KEY)
    assert lease.instance.id == KEY
    server.on("GET", MODELS, Lag(), times=4)
    assert leases.release(lease).is_verified


def test_a_load_that_the_listing_never_shows_is_an_error(
    server: ScriptedServer, make: Callable[..., Leases], journal: Journal
) -> None:
    server.on("POST", LOAD, Ignore(), times=1)
    with pytest.raises(LoadUnverified, match="15 s"):
        make().acquire(KEY)
    assert open_leases(journal) == {}


@pytest.mark.parametrize(("fault", "calls"), [(Ignore(), 2), (Drop(), 2), (Status(500, {"error": "no"}), 2)])
def test_an_instance_that_lingers_is_unloaded_once_more(
    server: ScriptedServer, make: Callable[..., Leases], fault: Fault, calls: int
) -> None:
    leases = make()
    lease = leases.acquire(KEY)
    server.on("POST", UNLOAD, fault, times=1)
    leases.release(lease)
    assert server.loaded == []
    assert server.asked("POST", UNLOAD) == [{"instance_id": KEY}] * calls


def test_an_unload_whose_answer_is_lost_is_verified_by_the_listing(
    server: ScriptedServer, make: Callable[..., Leases]
) -> None:
    leases = make()
    lease = leases.acquire(KEY)
    server.on("POST", UNLOAD, Drop(after_effect=True), times=1)
    assert leases.release(lease).is_verified
    assert len(server.asked("POST", UNLOAD)) == 1


def test_what_cannot_be_released_is_an_error_that_names_the_command(
    server: ScriptedServer, make: Callable[..., Leases], journal: Journal
) -> None:
    leases = make()
    lease = leases.acquire(KEY)
    server.on("POST", UNLOAD, Ignore())
    with pytest.raises(ReleaseFailed) as caught:
        leases.release(lease)
    assert f"lms-harness unload --instance '{KEY}'" in str(caught.value)
    assert open_leases(journal)[1]["instance_id"] == KEY
    journal.finish()
    assert journal.path.exists()


def test_an_instance_that_is_gone_already_is_released(server: ScriptedServer, make: Callable[..., Leases]) -> None:
    leases = make()
    lease = leases.acquire(KEY)
    server.unload(KEY)
    assert leases.release(lease).is_verified


def test_the_policy_all_unloads_every_instance_of_the_key_and_of_no_other(
    server: ScriptedServer, make: Callable[..., Leases]
) -> None:
    server.load(KEY)
    other = server.load(OTHER)
    leases = make("all")
    leases.release(leases.acquire(KEY, reuse=False))
    assert server.loaded == [other]


def test_the_policy_keep_leaves_it_and_closes_the_lease(
    server: ScriptedServer, make: Callable[..., Leases], journal: Journal
) -> None:
    leases = make("keep")
    leases.release(leases.acquire(KEY))
    assert server.loaded == [KEY]
    assert open_leases(journal) == {}
    kinds = [json.loads(line)["kind"] for line in journal.path.read_text().splitlines()]
    assert kinds == ["owner", "intent", "grant", "handed_over"]


def test_a_lease_handed_over_stays_loaded(server: ScriptedServer, make: Callable[..., Leases]) -> None:
    leases = make()
    leases.hand_over(leases.acquire(KEY))
    assert server.loaded == [KEY]
    assert list(leases.held) == []


def test_a_cancelled_load_is_found_when_the_server_has_finished_it_and_unloaded(
    server: ScriptedServer, journal: Journal
) -> None:
    exchange = Exchange()

    class CancelledMidway:
        def apply(self, call: Call) -> None:
            exchange.cancel()
            threading.Event().wait(0.3)
            call.answer()

    server.on("POST", LOAD, CancelledMidway(), times=1)
    with Client(server.url) as client, pytest.raises(Cancelled):
        Leases(client, journal, clock=SystemClock()).acquire(KEY, exchange=exchange)
    assert server.asked("POST", UNLOAD) == [{"instance_id": KEY}]
    assert server.loaded == []
    assert open_leases(journal) == {}


def test_ctrl_c_during_a_load_unloads_what_the_server_made_of_it(
    server: ScriptedServer, make: Callable[..., Leases], monkeypatch: pytest.MonkeyPatch, journal: Journal
) -> None:
    leases = make()
    really_load = Client.load

    def interrupted(self: Client, *args: object, **kwargs: object) -> None:
        really_load(self, *args, **kwargs)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(Client, "load", interrupted)
    with pytest.raises(KeyboardInterrupt):
        leases.acquire(KEY)
    assert server.loaded == []
    assert open_leases(journal) == {}


def test_a_cancelled_load_of_which_nothing_is_seen_yet_stays_open_and_is_told(
    server: ScriptedServer, make: Callable[..., Leases], journal: Journal
) -> None:
    exchange = Exchange()

    class CancelledMidway:
        def apply(self, call: Call) -> None:
            exchange.cancel()
            call.wait(None)

    server.on("POST", LOAD, CancelledMidway(), times=1)
    leases = make()
    with pytest.raises(Cancelled):
        leases.acquire(KEY, exchange=exchange)
    assert list(open_leases(journal)) == [1]
    assert leases.unsettled is not None
    assert KEY in str(leases.unsettled)
    assert "lms-harness models --loaded" in str(leases.unsettled)


def test_an_unknown_key_names_near_ones_and_journals_nothing(make: Callable[..., Leases], journal: Journal) -> None:
    with pytest.raises(ModelNotFound, match="acme/tiny-1b"):
        make().acquire("acme/tiny-2b")
    assert not journal.path.exists()


def test_borrowing_what_is_not_loaded_is_an_error(make: Callable[..., Leases]) -> None:
    with pytest.raises(InstanceNotLoaded):
        make().borrow(InstanceId(KEY))


def test_a_journal_that_cannot_be_written_loads_nothing(server: ScriptedServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    journal = Journal("run", url=server.url, clock=FakeClock(), directory=tmp_path / "file" / "x")
    with Client(server.url) as client, pytest.raises(HarnessError, match="cannot write the journal"):
        Leases(client, journal, clock=FakeClock()).acquire(KEY)
    assert server.asked("POST", LOAD) == []


def test_a_server_that_dies_during_the_load_is_given_up_soon_and_the_lease_stays_open(
    server: ScriptedServer, make: Callable[..., Leases], journal: Journal
) -> None:
    class Dies:
        def apply(self, call: Call) -> None:
            threading.Thread(target=server.close).start()
            call.wait(None)

    server.on("POST", LOAD, Dies(), times=1)
    clock = FakeClock()
    with Client(server.url) as client, pytest.raises(TransportError):
        Leases(client, journal, clock=clock, load_deadline_s=600.0, settle_s=15.0).acquire(KEY)
    assert clock.monotonic() < 60.0
    assert list(open_leases(journal)) == [1]


def test_a_server_fault_without_effect_is_told_as_it_is(server: ScriptedServer, make: Callable[..., Leases]) -> None:
    server.on("POST", LOAD, Status(503, {"error": "busy"}), times=1)
    with pytest.raises(ServerFault):
        make().acquire(KEY)
    assert server.loaded == []
