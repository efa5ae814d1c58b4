"""Whether what has the id of ours is still ours: drift is, an absence is not, and nothing ends in silence."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.client.http import Client
from harness.domain.generation import ChatRequest
from harness.domain.model import LoadConfig
from harness.errors import HarnessError, ReleaseFailed, ServerUnreachable
from harness.lifecycle.leases import Leases
from harness.reaper.journal import Journal, replay
from harness.reaper.link import ReaperLink
from harness.testing.clock import FakeClock
from harness.testing.fault import Delay, ScriptedCall, Status
from harness.testing.proxy import FaultProxy
from harness.testing.reaper import in_thread
from harness.testing.scripted import ScriptedServer

KEY, OTHER = "acme/tiny-1b", "acme/small-4b"
LOAD, UNLOAD, MODELS = "/api/v1/models/load", "/api/v1/models/unload", "/api/v1/models"
CHAT = "/api/v1/chat"
CONFIG = LoadConfig(context_length=2048)
REQUEST = ChatRequest(model=KEY, input="Hello", max_output_tokens=5)

Make = Callable[..., Leases]

DRIFTS = [
    LoadConfig(context_length=1024, parallel=4),
    LoadConfig(context_length=8192, parallel=4),
    LoadConfig(context_length=2048, parallel=1),
    LoadConfig(context_length=2048, flash_attention=False),
    LoadConfig(),
]


@pytest.fixture
def client(server: ScriptedServer) -> Client:
    return Client(server.url)


@pytest.mark.parametrize("config", DRIFTS, ids=str)
@pytest.mark.parametrize("is_seen", [False, True])
def test_an_instance_whose_config_drifts_is_ours_and_unloaded(
    server: ScriptedServer, client: Client, make: Make, journal: Journal, config: LoadConfig, *, is_seen: bool
) -> None:
    leases = make(client=client)
    lease = leases.acquire(KEY, CONFIG)
    server.reconfigure(KEY, config)
    if is_seen:
        client.models()
    assert leases.release(lease).is_verified
    assert server.loaded == []
    assert replay(journal.path).open_leases == {}


def test_a_drift_that_a_listing_shows_is_in_the_journal(
    server: ScriptedServer, client: Client, make: Make, journal: Journal
) -> None:
    """The reaper compares with what the journal says, and has seen no listing of its own before the run dies."""
    make(client=client).acquire(KEY, CONFIG)
    drifted = LoadConfig(context_length=1024, parallel=1)
    server.reconfigure(KEY, drifted)
    client.models()
    assert replay(journal.path).open_leases[1].effective == drifted.as_dict()


@pytest.mark.parametrize("config", [CONFIG, LoadConfig(context_length=4096)], ids=["same config", "another config"])
def test_what_was_absent_in_between_is_named_and_not_touched(
    server: ScriptedServer, client: Client, make: Make, journal: Journal, config: LoadConfig
) -> None:
    leases = make(client=client)
    lease = leases.acquire(KEY, CONFIG)
    server.unload(KEY)
    client.models()
    server.load(KEY, config)
    with pytest.raises(ReleaseFailed, match="a listing did not show it") as failed:
        leases.release(lease)
    assert f"lms-harness unload --instance '{KEY}'" in failed.value.hint
    assert server.loaded == [KEY]
    assert server.asked("POST", UNLOAD) == []
    assert replay(journal.path).open_leases[1].doubtful_ids == (KEY,)
    assert leases.held == ()
    assert leases.left_to_reaper == ()


def test_what_was_absent_is_not_touched_either_while_the_models_cannot_be_listed(
    server: ScriptedServer, client: Client, make: Make, journal: Journal
) -> None:
    """The lease stays open, and is named once a listing shows what has its id."""
    leases = make(client=client)
    lease = leases.acquire(KEY, CONFIG)
    server.unload(KEY)
    client.models()
    server.load(KEY, CONFIG)
    server.on("GET", MODELS, Status(500, {"error": "no"}))
    with pytest.raises(ReleaseFailed, match="may still be loaded, and may belong to another client"):
        leases.release(lease)
    server.heal()
    assert server.asked("POST", UNLOAD) == []
    with pytest.raises(ReleaseFailed, match="a listing did not show it"):
        leases.release(lease)
    assert server.loaded == [KEY]
    assert server.asked("POST", UNLOAD) == []
    assert replay(journal.path).open_leases[1].doubtful_ids == (KEY,)


def test_under_the_policy_all_whatever_has_our_id_goes_too(
    server: ScriptedServer, client: Client, make: Make, journal: Journal
) -> None:
    leases = make("all", client=client)
    lease = leases.acquire(KEY, CONFIG)
    server.unload(KEY)
    client.models()
    server.load(KEY, CONFIG)
    assert leases.release(lease).is_verified
    assert server.loaded == []
    leases.close()
    eventually_gone(journal)


def eventually_gone(journal: Journal) -> None:
    end = time.monotonic() + 30.0
    while journal.path.exists():
        assert time.monotonic() < end, "the reaper has not removed the journal"
        time.sleep(0.02)


@pytest.mark.parametrize(
    "error",
    [
        Status(500, {"error": {"message": "Model unloaded", "type": "internal_error"}}),
        Status(404, {"error": {"message": "Invalid model identifier", "code": "model_not_found"}}),
        Status(500, {"error": {"message": "Failed to load LLM", "type": "model_load_failed"}}),
        Status(400, {"error": "No models loaded. Please load a model in the developer page"}),
    ],
    ids=str,
)
@pytest.mark.parametrize("stream", [False, True])
def test_an_absence_that_an_error_tells_of_counts_as_one(
    server: ScriptedServer, client: Client, make: Make, error: Status, *, stream: bool
) -> None:
    class EvictedAndLoadedByAnother:
        def apply(self, call: ScriptedCall) -> None:
            server.unload(KEY)
            server.load(KEY, CONFIG)
            error.apply(call)

    leases = make(client=client)
    lease = leases.acquire(KEY, CONFIG)
    server.on("POST", CHAT, EvictedAndLoadedByAnother(), times=1)
    with pytest.raises(HarnessError):
        client.chat(REQUEST, stream=stream)
    assert leases.is_lost(lease)
    with pytest.raises(ReleaseFailed, match="the server answered"):
        leases.release(lease)
    assert server.loaded == [KEY]
    assert server.asked("POST", UNLOAD) == []


@pytest.mark.parametrize("message", ["template error", "The model has crashed without additional information."])
def test_an_ordinary_error_is_no_absence(server: ScriptedServer, client: Client, make: Make, message: str) -> None:
    leases = make(client=client)
    lease = leases.acquire(KEY, CONFIG)
    server.on("POST", CHAT, Status(500, {"error": {"message": message}}), times=1)
    with pytest.raises(HarnessError):
        client.chat(REQUEST)
    assert not leases.is_lost(lease)
    assert leases.release(lease).is_verified
    assert server.loaded == []


def test_an_absence_that_the_unload_tells_of_counts_as_one(server: ScriptedServer, client: Client, make: Make) -> None:
    """Between our last look and our unload, ours went away; while the server says so, another client loads."""

    class LoadedByAnother:
        def apply(self, call: ScriptedCall) -> None:
            server.unload(KEY)
            answer = call.answer()
            server.load(KEY, CONFIG)
            call.send(answer)

    leases = make(client=client)
    lease = leases.acquire(KEY, CONFIG)
    server.on("POST", UNLOAD, LoadedByAnother(), times=1)
    with pytest.raises(ReleaseFailed, match="may belong to another client"):
        leases.release(lease)
    assert server.loaded == [KEY]
    assert len(server.asked("POST", UNLOAD)) == 1


def test_what_another_client_loads_while_ours_is_unloaded_is_not_unloaded_again(
    server: ScriptedServer, client: Client, make: Make
) -> None:
    class LoadedByAnother:
        def apply(self, call: ScriptedCall) -> None:
            answer = call.answer()
            server.load(KEY, LoadConfig(context_length=1024))
            call.send(answer)

    leases = make(client=client)
    lease = leases.acquire(KEY, CONFIG)
    server.on("POST", UNLOAD, LoadedByAnother(), times=1)
    with pytest.raises(ReleaseFailed, match="may belong to another client"):
        leases.release(lease)
    assert server.loaded == [KEY]
    assert len(server.asked("POST", UNLOAD)) == 1


def test_an_id_that_belongs_to_another_model_is_not_ours(server: ScriptedServer, client: Client, make: Make) -> None:
    class AliasOfAnother:
        def apply(self, call: ScriptedCall) -> None:
            answer = call.answer()
            body = b"".join(answer.parts).decode().replace(f'"key": "{OTHER}"', '"key": "acme/renamed"')
            call.send(type(answer)(parts=(body.encode(),)))

    leases = make(client=client)
    lease = leases.acquire(OTHER, CONFIG)
    server.on("GET", MODELS, AliasOfAnother())
    with pytest.raises(ReleaseFailed, match="its id belongs to acme/renamed now"):
        leases.release(lease)
    assert server.asked("POST", UNLOAD) == []


def test_after_a_restart_of_the_server_what_has_our_id_is_named(clock: FakeClock, tmp_path: Path) -> None:
    with ScriptedServer() as first:
        url, port = first.url, int(first.url.rpartition(":")[2])
        client, journal = Client(url), Journal("restart", url=url, clock=clock, directory=tmp_path / "journals")
        link = ReaperLink(journal, token="", launch=in_thread(clock))
        leases = Leases(client, journal, link=link, clock=clock)
        lease = leases.acquire(KEY, CONFIG)
    with pytest.raises(ServerUnreachable):
        client.chat(REQUEST)
    with ScriptedServer(port=port) as second:
        second.load(KEY, CONFIG)
        with pytest.raises(ReleaseFailed, match="may have been restarted"):
            leases.release(lease)
        assert second.loaded == [KEY]
        leases.close()


def test_a_server_that_was_only_out_of_reach_still_lists_the_others_and_ours_is_unloaded(
    server: ScriptedServer, make: Make
) -> None:
    with FaultProxy(server.url) as proxy, Client(proxy.url) as client:
        foreign = server.load(OTHER)
        leases = make(client=client)
        lease = leases.acquire(KEY, CONFIG)
        with proxy.refusing(), pytest.raises(ServerUnreachable):
            client.chat(REQUEST)
        assert leases.release(lease).is_verified
        assert server.loaded == [foreign]


def test_what_is_gone_by_itself_is_released_without_an_unload(
    server: ScriptedServer, client: Client, make: Make, journal: Journal
) -> None:
    leases = make(client=client)
    lease = leases.acquire(KEY, CONFIG)
    server.unload(KEY)
    assert leases.release(lease).is_verified
    assert server.asked("POST", UNLOAD) == []
    assert replay(journal.path).open_leases == {}


def test_what_our_own_request_loaded_in_its_place_is_ours_though_it_was_absent(
    server: ScriptedServer, client: Client, make: Make
) -> None:
    leases = make(client=client)
    lease = leases.acquire(KEY, CONFIG)
    server.unload(KEY)
    client.models()
    client.chat(REQUEST, stream=True)
    assert server.loaded == [KEY]
    assert leases.is_lost(lease)
    assert leases.release(lease).is_verified
    assert server.loaded == []


def test_a_stray_that_drifts_is_unloaded_and_one_that_was_absent_is_named(
    server: ScriptedServer, client: Client, make: Make
) -> None:
    leases = make(client=client)
    client.chat(REQUEST)
    client.models()
    server.reconfigure(KEY, LoadConfig(context_length=512))
    leases.release_strays()
    assert server.loaded == []
    client.chat(REQUEST)
    server.unload(KEY)
    client.models()
    server.load(KEY)
    with pytest.raises(ReleaseFailed, match="may belong to another client"):
        leases.release_strays()
    assert server.loaded == [KEY]


class TestLoadThatGoesOn:
    """Ours was evicted in use, and a request of ours by its id makes the server load it again."""

    @staticmethod
    def began(server: ScriptedServer, client: Client, *, tells: bool) -> None:
        class Begins:
            def apply(self, call: ScriptedCall) -> None:
                server.unload(KEY)
                if tells:
                    start = f'event: model_load.start\ndata: {{"model_instance_id": "{KEY}"}}\n\n'.encode()
                    answer = call.rehearse()
                    call.send(type(answer)(parts=(start,), content_type="text/event-stream"))

        server.on("POST", CHAT, Begins(), times=1)
        with pytest.raises(HarnessError):
            client.chat(REQUEST, stream=tells)

    def test_it_is_waited_for_and_unloaded(self, server: ScriptedServer, client: Client, make: Make) -> None:
        leases = make(client=client)
        lease = leases.acquire(KEY, CONFIG)
        self.began(server, client, tells=True)
        server.on("GET", MODELS, Delay(0.0), times=2)
        server.on("GET", MODELS, LoadsNow(server), times=1)
        assert leases.release(lease).is_verified
        assert server.loaded == []
        assert server.asked("POST", UNLOAD) == [{"instance_id": KEY}]

    @pytest.mark.parametrize("tells", [True, False])
    def test_one_that_does_not_end_is_named_and_stays_in_the_journal(
        self, server: ScriptedServer, client: Client, make: Make, journal: Journal, *, tells: bool
    ) -> None:
        leases = make(client=client)
        lease = leases.acquire(KEY, CONFIG)
        self.began(server, client, tells=tells)
        with pytest.raises(ReleaseFailed, match="may still be going on") as failed:
            leases.release(lease)
        assert failed.value.exit_code == 7
        assert KEY in failed.value.message
        assert list(replay(journal.path).open_leases) == [1]

    def test_one_without_a_word_that_shows_up_is_named_because_any_client_may_have_loaded_it(
        self, server: ScriptedServer, client: Client, make: Make
    ) -> None:
        leases = make(client=client)
        lease = leases.acquire(KEY, CONFIG)
        self.began(server, client, tells=False)
        server.on("GET", MODELS, Delay(0.0), times=2)
        server.on("GET", MODELS, LoadsNow(server), times=1)
        with pytest.raises(ReleaseFailed, match="may belong to another client"):
            leases.release(lease)
        assert server.loaded == [KEY]


class LoadsNow:
    """The load ends, and the listing shows the instance."""

    def __init__(self, server: ScriptedServer) -> None:
        self._server = server

    def apply(self, call: ScriptedCall) -> None:
        self._server.load(KEY)
        call.send(call.answer())


def test_nothing_is_watched_after_the_leases_are_closed(
    server: ScriptedServer, client: Client, make: Make, journal: Journal
) -> None:
    leases = make("keep", client=client)
    leases.release(leases.acquire(KEY, CONFIG))
    leases.close()
    server.unload(KEY)
    client.models()
    assert not journal.path.exists()
