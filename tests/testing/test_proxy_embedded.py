"""The proxy before a server with real weights: a few faults for which the double alone cannot vouch."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.client.http import Client
from harness.clock import SystemClock
from harness.domain.generation import ChatRequest
from harness.domain.model import LoadConfig
from harness.errors import ConnectionLost, MalformedAnswer
from harness.lifecycle.leases import Leases
from harness.lifecycle.resident import resident_ids
from harness.reaper.journal import Journal
from harness.testing.fault import Cut, Fault, Reset, Status, Trickle
from harness.testing.proxy import FaultProxy
from harness.testing.stream_fault import CutEvent, Repeat

if TYPE_CHECKING:
    from harness.embedded.process import EmbeddedServer

pytestmark = pytest.mark.embedded

KEY = "smollm2-135m-instruct-q4_0"
CONFIG = LoadConfig(context_length=512)
LOAD = "/api/v1/models/load"
CHAT = "/api/v1/chat"


@pytest.fixture
def proxy(embedded_server: "EmbeddedServer") -> Iterator[FaultProxy]:
    with FaultProxy(embedded_server.url) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: FaultProxy) -> Iterator[Client]:
    with Client(proxy.url) as client:
        yield client
        proxy.heal()
        for instance_id in resident_ids(client.models()):
            client.unload(instance_id)


@pytest.fixture
def leases(client: Client, tmp_path: Path) -> Iterator[Leases]:
    journal = Journal("run", url=client.url, clock=SystemClock(), directory=tmp_path / "journals")
    leases = Leases(client, journal, load_deadline_s=60, settle_s=1.0)
    yield leases
    leases.close()


def ask(instance_id: str) -> ChatRequest:
    return ChatRequest(model=instance_id, input="Name a colour.", temperature=0.0, max_output_tokens=12)


def test_the_server_takes_the_proxys_requests_for_its_own(client: Client) -> None:
    assert client.preflight()
    assert client.server_kind == "embedded"


def test_harmless_faults_change_no_answer_and_broken_streams_are_none(
    proxy: FaultProxy, client: Client, leases: Leases
) -> None:
    lease = leases.acquire(KEY, CONFIG)
    asked = ask(lease.instance.id)
    plain = client.chat(asked, stream=True)
    assert plain.text
    harmless: list[Fault] = [Trickle(), Repeat(), Cut(10_000_000)]
    for fault in harmless:
        proxy.on("POST", CHAT, fault, times=1)
        assert client.chat(asked, stream=True).text == plain.text
    breaking: list[Fault] = [CutEvent(4), Cut(200, "reset"), Cut(20, "half_close", with_head=True)]
    for fault in breaking:
        proxy.on("POST", CHAT, fault, times=1)
        with pytest.raises(ConnectionLost):
            client.chat(asked, stream=True)
    # What the broken streams began may still be computed beside it, which changes an answer now and then.
    assert client.chat(asked).text
    assert leases.release(lease).is_verified


def test_a_load_whose_answer_is_lost_is_found_and_released(proxy: FaultProxy, client: Client, leases: Leases) -> None:
    proxy.on("POST", LOAD, Reset(after_effect=True), times=1)
    lease = leases.acquire(KEY, CONFIG)
    assert lease.load_time_s is None
    assert resident_ids(client.models()) == (lease.instance.id,)
    assert client.chat(ask(lease.instance.id)).text
    leases.release(lease)
    assert resident_ids(client.models()) == ()


def test_a_load_that_is_answered_by_somebody_else_is_an_error_and_nothing_stays(
    proxy: FaultProxy, client: Client, leases: Leases
) -> None:
    proxy.on("POST", LOAD, Status(200, "<html>", "text/html", after_effect=True), times=1)
    with pytest.raises(MalformedAnswer):
        leases.acquire(KEY, CONFIG)
    assert resident_ids(client.models()) == ()
