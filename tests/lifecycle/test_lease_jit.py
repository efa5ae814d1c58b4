"""Leases on what a chat loaded by itself, against a scripted LM Studio."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.domain.generation import ChatRequest
from harness.errors import Cancelled, HarnessError, LeaseError, TransportError
from harness.lifecycle.leases import Leases
from harness.reaper.journal import Journal, replay
from harness.reaper.lease import OpenLease
from harness.testing.fault import Call, Drop
from harness.testing.scripted import ScriptedServer

KEY = "acme/tiny-1b"
OTHER = "acme/small-4b"
UNLOAD = "/api/v1/models/unload"


def open_leases(journal: Journal) -> Mapping[int, OpenLease]:
    return replay(journal.path).open_leases


REQUEST = ChatRequest(model=KEY, input="Hello", max_output_tokens=5)


def test_a_chat_that_loaded_the_model_owns_its_instance(server: ScriptedServer, make: Callable[..., Leases]) -> None:
    leases = make()
    lease, answer = leases.acquire_jit(KEY, REQUEST)
    assert (lease.mode, lease.is_owned, lease.instance.id) == ("jit", True, KEY)
    assert answer.loaded_model
    assert lease.load_time_s == answer.stats.load_time_s
    leases.release(lease)
    assert server.loaded == []


def test_it_refuses_while_somebody_elses_instance_is_resident(
    server: ScriptedServer, make: Callable[..., Leases], journal: Journal
) -> None:
    foreign = server.load(OTHER)
    with pytest.raises(LeaseError, match=foreign):
        make().acquire_jit(KEY, REQUEST)
    assert server.asked("POST", "/api/v1/chat") == []
    assert not journal.path.exists()


def test_it_loads_beside_others_when_told_to(server: ScriptedServer, make: Callable[..., Leases]) -> None:
    foreign = server.load(OTHER)
    leases = make()
    lease, _ = leases.acquire_jit(KEY, REQUEST, despite_others=True)
    leases.release(lease)
    assert server.loaded == [foreign]


def test_a_loaded_model_is_refused(server: ScriptedServer, make: Callable[..., Leases]) -> None:
    server.load(KEY)
    with pytest.raises(LeaseError, match="loaded already"):
        make().acquire_jit(KEY, REQUEST)


def test_an_instance_that_somebody_else_loaded_in_between_is_not_ours(
    server: ScriptedServer, make: Callable[..., Leases], journal: Journal
) -> None:
    class Between:
        def apply(self, call: Call) -> None:
            server.load(KEY)
            call.send(call.answer())

    server.on("POST", "/api/v1/chat", Between(), times=1)
    with pytest.raises(LeaseError, match="nothing shows"):
        make().acquire_jit(KEY, REQUEST)
    assert server.loaded == [KEY]
    assert server.asked("POST", UNLOAD) == []
    assert open_leases(journal) == {}


def test_a_stream_that_breaks_after_it_loaded_is_undone(
    server: ScriptedServer, make: Callable[..., Leases], journal: Journal
) -> None:
    class BreaksLater:
        def apply(self, call: Call) -> None:
            answer = call.answer()
            head = [part for part in answer.parts if part.startswith((b"event: model_load", b"event: chat.start"))]
            call.send(replace(answer, parts=tuple(head)))

    server.on("POST", "/api/v1/chat", BreaksLater(), times=1)
    with pytest.raises(HarnessError):
        make().acquire_jit(KEY, REQUEST)
    assert server.loaded == []
    assert open_leases(journal) == {}


def test_a_chat_that_is_cancelled_while_it_loads_is_undone_when_the_load_has_ended(
    in_real_time: Callable[..., tuple[Leases, Journal]],
) -> None:
    exchange = Exchange()
    with ScriptedServer(load_s=0.6) as server, Client(server.url) as client:
        leases, journal = in_real_time(client, settle_s=30.0)

        def cancel_when_it_loads() -> None:
            while not server.asked("POST", "/api/v1/chat"):
                time.sleep(0.01)
            exchange.cancel()

        threading.Thread(target=cancel_when_it_loads, daemon=True).start()
        with pytest.raises(Cancelled):
            leases.acquire_jit(KEY, REQUEST, exchange=exchange)
        assert server.asked("POST", UNLOAD) == [{"instance_id": KEY}]
        assert server.loaded == []
        assert open_leases(journal) == {}


def test_a_chat_that_broke_before_it_named_an_instance_touches_nothing_and_is_named(
    server: ScriptedServer, make: Callable[..., Leases], journal: Journal
) -> None:
    server.on("POST", "/api/v1/chat", Drop(after_effect=True), times=1)
    with pytest.raises(TransportError):
        make().acquire_jit(KEY, REQUEST)
    assert server.loaded == [KEY]
    assert server.asked("POST", UNLOAD) == []
    assert open_leases(journal)[1].doubtful_ids == (KEY,)
