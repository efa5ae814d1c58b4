"""One contract, three servers: the scripted double, the embedded server, and a live LM Studio where one is named.

`LM_STUDIO_LIVE_URL` (and `LM_API_TOKEN`) name the live one; the smallest chat model that is not loaded is used, and
only what these tests loaded is unloaded.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from harness.client.http import Client
from harness.client.openai import OpenAIChatRequest
from harness.clock import SystemClock
from harness.domain.generation import ChatRequest
from harness.domain.model import InstanceId, LoadConfig, ResponseId
from harness.errors import HarnessError, InstanceNotLoaded, InvalidRequest, ModelNotFound
from harness.lifecycle.journal import Journal
from harness.lifecycle.lease import Leases
from harness.lifecycle.resident import resident_ids
from harness.testing.scripted import ScriptedServer


@dataclass(frozen=True, kw_only=True)
class Server:
    client: Client
    leases: Leases
    key: str

    def ask(self, model: str, text: str = "Name an animal.") -> ChatRequest:
        return ChatRequest(model=model, input=text, temperature=0.0, max_output_tokens=8)


@pytest.fixture
def double() -> Iterator[ScriptedServer]:
    with ScriptedServer(load_s=0.01) as scripted:
        yield scripted


@pytest.fixture(
    params=["scripted", pytest.param("embedded", marks=pytest.mark.embedded), "live"],
)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    token = "lmstudio"
    if request.param == "scripted":
        url = request.getfixturevalue("double").url
    elif request.param == "embedded":
        url = request.getfixturevalue("embedded_server").url
    else:
        if not (url := os.environ.get("LM_STUDIO_LIVE_URL", "")):
            pytest.skip("needs a running LM Studio: set LM_STUDIO_LIVE_URL=http://127.0.0.1:1234")
        token = os.environ.get("LM_API_TOKEN", token)
    with Client(url, token=token) as client:
        before = client.preflight()
        free = [one for one in before if one.is_chat and not one.is_loaded]
        if not free:
            pytest.skip("needs a downloaded chat model that is not loaded")
        key = min(free, key=lambda one: one.size_bytes).key
        journal = Journal("contract", url=client.url, clock=SystemClock(), directory=tmp_path)
        leases = Leases(client, journal, clock=SystemClock())
        try:
            yield Server(client=client, leases=leases, key=key)
        finally:
            for lease in leases.held:
                leases.release(lease)
            assert resident_ids(client.models()) == resident_ids(before)


def test_a_loaded_instance_is_listed_with_its_config_and_gone_after_the_release(server: Server) -> None:
    lease = server.leases.acquire(server.key, LoadConfig(context_length=2048))
    assert lease.instance.config.context_length == 2048
    assert lease.load_time_s is not None
    assert lease.load_wall_s is not None
    assert 0 < lease.load_time_s <= lease.load_wall_s + 0.5
    assert server.leases.release(lease).is_verified


def test_a_second_load_is_a_second_instance_and_each_answers_as_itself(server: Server) -> None:
    one = server.leases.acquire(server.key, LoadConfig(context_length=2048))
    two = server.leases.acquire(server.key, LoadConfig(context_length=2048), reuse=False)
    assert two.instance.id == f"{one.instance.id}:2"
    for lease in (two, one):
        answer = server.client.chat(server.ask(lease.instance.id))
        assert answer.model_instance_id == lease.instance.id
    server.leases.release(one)
    assert server.client.chat(server.ask(two.instance.id)).model_instance_id == two.instance.id


def test_plain_and_streamed_answers_agree_and_neither_tells_a_load(server: Server) -> None:
    lease = server.leases.acquire(server.key, LoadConfig(context_length=2048))
    request = server.ask(lease.instance.id)
    server.client.chat(request)
    plain, streamed = server.client.chat(request), server.client.chat(request, stream=True)
    assert plain.text == streamed.text
    assert plain.text
    assert plain.stats.input_tokens == streamed.stats.input_tokens
    assert (plain.stats.total_output_tokens or 0) <= 8
    assert not plain.loaded_model
    assert not streamed.loaded_model
    assert streamed.times.ttft_s is not None
    assert streamed.times.ttft_s <= streamed.times.e2e_s <= streamed.times.total_s
    assert plain.response_id is None


def test_a_cold_chat_loads_and_tells_so(server: Server) -> None:
    lease, answer = server.leases.acquire_jit(server.key, server.ask(server.key), despite_others=True)
    assert answer.loaded_model
    assert answer.stats.load_time_s is not None
    assert lease.is_owned
    assert not server.client.chat(server.ask(lease.instance.id)).loaded_model


def test_a_stored_answer_is_continued_and_branches_cost_the_same(server: Server) -> None:
    lease = server.leases.acquire(server.key, LoadConfig(context_length=2048))
    first = server.client.chat(replace(server.ask(lease.instance.id), store=True))
    assert first.response_id is not None
    more = replace(server.ask(lease.instance.id, "Another one."), previous_response_id=first.response_id)
    one, two = server.client.chat(more), server.client.chat(more)
    alone = server.client.chat(server.ask(lease.instance.id, "Another one."))
    assert one.stats.input_tokens == two.stats.input_tokens
    assert (one.stats.input_tokens or 0) > (alone.stats.input_tokens or 0)


def test_errors_are_the_same_errors(server: Server) -> None:
    with pytest.raises(ModelNotFound):
        server.client.load("nobody/nothing")
    with pytest.raises(ModelNotFound):
        server.client.chat(server.ask("nobody/nothing"))
    with pytest.raises(InstanceNotLoaded):
        server.client.unload(InstanceId("nobody/nothing"))
    with pytest.raises(InvalidRequest):
        server.client.download_status("job_nothing")
    lease = server.leases.acquire(server.key, LoadConfig(context_length=2048))
    with pytest.raises(InvalidRequest):
        server.client.chat(replace(server.ask(lease.instance.id), previous_response_id=ResponseId("resp_nothing")))
    with pytest.raises(HarnessError):
        server.client.chat(replace(server.ask(lease.instance.id), temperature=7.0))


def test_openais_chat_names_the_instance_that_answered(server: Server) -> None:
    lease = server.leases.acquire(server.key, LoadConfig(context_length=2048))
    messages = [{"role": "user", "content": "Name some animals of the sea."}]
    request = OpenAIChatRequest(model=lease.instance.id, messages=messages, max_tokens=4)
    for stream in (False, True):
        answer = server.client.openai_chat(request, stream=stream)
        assert answer.model_instance_id == lease.instance.id
        assert answer.stats.total_output_tokens == 4
        assert answer.finish_reason == "length"
