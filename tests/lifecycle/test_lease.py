"""Leases against a scripted LM Studio: real sockets, and answers that get lost, lie or come late."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from harness.client.http import Client
from harness.domain.generation import ChatRequest
from harness.domain.model import InstanceId, LoadConfig
from harness.errors import (
    HarnessError,
    InstanceNotLoaded,
    LoadUnverified,
    ModelNotFound,
    ReleaseFailed,
)
from harness.lifecycle.leases import Leases
from harness.reaper.journal import Journal, replay
from harness.reaper.lease import OpenLease
from harness.testing.clock import FakeClock
from harness.testing.fault import Call, Delay, Drop, Fault, Ignore, Lag, Status
from harness.testing.scripted import ScriptedServer

KEY = "acme/tiny-1b"
OTHER = "acme/small-4b"
LOAD = "/api/v1/models/load"
UNLOAD = "/api/v1/models/unload"
MODELS = "/api/v1/models"


def open_leases(journal: Journal) -> Mapping[int, OpenLease]:
    return replay(journal.path).open_leases


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
    seen: list[Mapping[int, OpenLease]] = []

    class Look:
        def apply(self, call: Call) -> None:
            seen.append(open_leases(journal))
            call.send(call.answer())

    server.on("POST", LOAD, Look(), times=1)
    make().acquire(KEY)
    assert [lease.model_key for lease in seen[0].values()] == [KEY]


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
    assert open_leases(journal)[1].instance_id == KEY
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
    kinds = [json.loads(line)["kind"] for line in journal.path.read_text().split("\n") if line]
    assert kinds == ["owner", "intent", "sent", "grant", "verified", "handed_over"]


def test_a_lease_handed_over_stays_loaded(server: ScriptedServer, make: Callable[..., Leases]) -> None:
    leases = make()
    leases.hand_over(leases.acquire(KEY))
    assert server.loaded == [KEY]
    assert list(leases.held) == []


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


def test_what_our_own_request_loaded_in_the_place_of_ours_is_released_too(
    server: ScriptedServer, make: Callable[..., Leases]
) -> None:
    leases = make()
    lease = leases.acquire(KEY, LoadConfig(context_length=1024))
    server.unload(KEY)
    leases._client.chat(ChatRequest(model=KEY, input="Hello."), stream=True)
    assert server.loaded == [KEY]  # With the server's default config.
    assert leases.release(lease).is_verified
    assert server.loaded == []
