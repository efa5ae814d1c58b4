"""What becomes of an instance that goes away in use, and of what requests load behind our back."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.client.stream import StreamEvent
from harness.domain.generation import ChatRequest
from harness.domain.model import InstanceId
from harness.errors import Cancelled, ReleaseFailed
from harness.lifecycle.leases import Leases
from harness.reaper.journal import Journal, replay
from harness.testing.clock import FakeClock
from harness.testing.fault import Ignore, ScriptedCall
from harness.testing.scripted import ScriptedServer

KEY = "acme/tiny-1b"
UNLOAD = "/api/v1/models/unload"
REQUEST = ChatRequest(model=KEY, input="Hello", max_output_tokens=5)


@pytest.fixture
def client(server: ScriptedServer) -> Client:
    return Client(server.url)


@pytest.fixture
def leases(client: Client, make: Callable[..., Leases]) -> Leases:
    return make(client=client)


def another_run(server: ScriptedServer, folder: Path) -> Journal:
    return Journal("other", url=server.url, clock=FakeClock(), directory=folder)


def is_settled(journal: Journal) -> bool:
    return replay(journal.path).open_leases == {}


class TestReuse:
    def test_what_another_run_holds_is_not_reused(self, server: ScriptedServer, leases: Leases, tmp_path: Path) -> None:
        server.load(KEY)
        other = another_run(server, tmp_path)
        other.grant(other.intent(KEY, resident=()), InstanceId(KEY))
        lease = leases.acquire(KEY)
        assert (lease.instance.id, lease.is_owned) == (f"{KEY}:2", True)
        leases.release(lease)
        assert server.loaded == [KEY]

    def test_nor_what_it_may_just_have_loaded(self, server: ScriptedServer, leases: Leases, tmp_path: Path) -> None:
        server.load(KEY)
        another_run(server, tmp_path).intent(KEY, resident=())
        assert leases.acquire(KEY).is_owned

    def test_what_was_there_before_another_runs_load_is_reused(
        self, server: ScriptedServer, leases: Leases, tmp_path: Path
    ) -> None:
        server.load(KEY)
        another_run(server, tmp_path).intent(KEY, resident=(InstanceId(KEY),))
        assert not leases.acquire(KEY).is_owned

    def test_so_is_what_another_run_handed_over(self, server: ScriptedServer, leases: Leases, tmp_path: Path) -> None:
        server.load(KEY)
        other = another_run(server, tmp_path)
        number = other.intent(KEY, resident=())
        other.grant(number, InstanceId(KEY))
        other.close_lease(number, "handed_over")
        assert not leases.acquire(KEY).is_owned


@pytest.mark.parametrize("stream", [False, True])
def test_what_a_request_loads_in_place_of_a_borrowed_instance_is_unloaded(
    server: ScriptedServer, client: Client, leases: Leases, journal: Journal, *, stream: bool
) -> None:
    lease = leases.borrow(server.load(KEY))
    client.chat(REQUEST, stream=stream)
    assert not leases.is_lost(lease)
    server.unload(KEY)
    client.chat(REQUEST, stream=stream)
    assert leases.is_lost(lease)
    assert [lease.instance_id for lease in replay(journal.path).open_leases.values()] == [KEY]
    assert leases.release(lease).is_verified
    assert server.loaded == []
    assert is_settled(journal)


def test_in_place_of_one_of_ours_too(server: ScriptedServer, client: Client, leases: Leases, journal: Journal) -> None:
    lease = leases.acquire(KEY)
    server.unload(KEY)
    client.chat(REQUEST)
    assert leases.is_lost(lease)
    leases.release(lease)
    assert server.loaded == []
    assert is_settled(journal)
    assert not leases.is_lost(leases.acquire(KEY))


def test_what_a_request_by_key_loads_without_a_lease_is_unloaded_in_the_end(
    server: ScriptedServer, client: Client, leases: Leases, journal: Journal
) -> None:
    client.chat(REQUEST)
    assert server.loaded == [KEY]
    leases.release_strays()
    assert server.loaded == []
    assert is_settled(journal)


def test_the_policy_keep_leaves_it(
    server: ScriptedServer, client: Client, journal: Journal, make: Callable[..., Leases]
) -> None:
    leases = make("keep", client=client)
    client.chat(REQUEST)
    leases.release_strays()
    assert server.loaded == [KEY]
    assert is_settled(journal)


def test_what_a_chat_loads_on_purpose_is_a_lease_and_no_stray(
    server: ScriptedServer, client: Client, leases: Leases
) -> None:
    lease, _ = leases.acquire_jit(KEY, REQUEST)
    client.chat(REQUEST, stream=True)
    assert not leases.is_lost(lease)
    leases.release_strays()
    assert server.loaded == [KEY]


def test_a_load_that_a_cancelled_chat_began_is_waited_for(
    in_real_time: Callable[..., tuple[Leases, Journal]],
) -> None:
    with ScriptedServer(load_s=3.0) as server, Client(server.url) as client:
        leases, journal = in_real_time(client, settle_s=10.0)
        exchange = Exchange()

        def cancel(event: StreamEvent) -> None:
            if event.name == "model_load.progress" and event.data["progress"] == 1.0:
                exchange.cancel()  # A third of the load's time is left.

        with pytest.raises(Cancelled):
            client.chat(REQUEST, stream=True, exchange=exchange, on_event=cancel)
        assert server.loaded == []
        leases.release_strays()
        assert server.asked("POST", UNLOAD) == [{"instance_id": KEY}]
        assert server.loaded == []
        assert is_settled(journal)


def test_one_that_never_shows_up_stays_open_and_is_named(
    server: ScriptedServer, client: Client, leases: Leases, journal: Journal
) -> None:
    class Announces:
        def apply(self, call: ScriptedCall) -> None:
            answer = call.rehearse()
            start = b'event: model_load.start\ndata: {"type":"model_load.start","model_instance_id":"acme/tiny-1b"}\n\n'
            call.send(type(answer)(parts=(start,), content_type="text/event-stream"))

    server.on("POST", "/api/v1/chat", Announces(), times=1)
    with pytest.raises(Exception, match="chat"):
        client.chat(REQUEST, stream=True)
    with pytest.raises(ReleaseFailed, match=f"unload --instance '{KEY}'"):
        leases.release_strays()
    assert not is_settled(journal)
    assert leases.left_to_reaper == (KEY,)


def test_one_that_cannot_be_unloaded_stays_open_and_is_named(
    server: ScriptedServer, client: Client, leases: Leases, journal: Journal
) -> None:
    client.chat(REQUEST)
    server.on("POST", UNLOAD, Ignore())
    with pytest.raises(ReleaseFailed, match=KEY):
        leases.release_strays()
    assert not is_settled(journal)
