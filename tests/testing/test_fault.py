"""One set of faults: a client of the scripted server and a client behind the proxy see the same."""

from collections.abc import Callable, Iterator

import pytest

from harness.client.deadline import Deadlines
from harness.client.http import Client
from harness.domain.generation import ChatRequest
from harness.errors import ConnectionLost, DeadlineExceeded, HarnessError, MalformedAnswer, NotLMStudio
from harness.testing.fault import Abandon, Cut, Delay, Drop, Fault, Hang, Ignore, Raw, Reset, Status, Trickle
from harness.testing.plan import ANY
from harness.testing.proxy import FaultProxy
from harness.testing.scripted import ScriptedServer
from harness.testing.stream_fault import CutEvent, KeepAlive, Repeat
from harness.testing.wire_fault import Garbage, Latency, Pause, Throttle, WrongLength

KEY = "acme/tiny-1b"
LOAD, CHAT, MODELS = "/api/v1/models/load", "/api/v1/chat", "/api/v1/models"
HI = ChatRequest(model=KEY, input="one two three", max_output_tokens=20)
PATIENT = Deadlines(load_s=30, idle_s=30, total_s=30)
NEAR = Deadlines(load_s=1.5, idle_s=0.4, total_s=5)
"""For silence only: a busy machine may take longer for an answer."""

# What a streamed chat ends with; None: with its answer.
OF_A_STREAM: list[tuple[Fault, type[HarnessError] | None]] = [
    (Delay(0.02), None),
    (Delay(0.02, after_effect=True), None),
    (Trickle(part_bytes=3), None),
    (Trickle(part_bytes=3, with_head=True), None),
    (Latency(0.001, jitter_s=0.001), None),
    (Throttle(200_000), None),
    (Pause(250, 0.02), None),
    (Repeat(), None),
    (Cut(1_000_000), None),
    (Cut(30), ConnectionLost),
    (Cut(10, "half_close", with_head=True), ConnectionLost),
    (Cut(30, "hang"), DeadlineExceeded),
    (CutEvent(3, "reset"), ConnectionLost),
    (Drop(), ConnectionLost),
    (Reset(after_effect=True), ConnectionLost),
    (Abandon(), ConnectionLost),
    (Hang(), DeadlineExceeded),
    (KeepAlive(every_s=0.05), DeadlineExceeded),
    (Raw([b"HTTP/1.1 200 OK\r\n", b"content-le"], then="half_close"), ConnectionLost),
    (Status(200, "<html>", "text/html"), MalformedAnswer),
    (Garbage(), NotLMStudio),
    (WrongLength(-7), MalformedAnswer),
]


@pytest.fixture(params=["scripted server", "proxy"])
def on(request: pytest.FixtureRequest, server: ScriptedServer) -> Iterator[tuple[str, Callable[..., None]]]:
    """The address of a server, and how a fault is planned there."""
    if request.param == "scripted server":
        yield server.url, server.on
    else:
        with FaultProxy(server.url) as proxy:
            yield proxy.url, proxy.on


@pytest.mark.parametrize(("fault", "error"), OF_A_STREAM, ids=repr)
def test_a_stream_ends_alike_whoever_applies_the_fault(
    server: ScriptedServer, on: tuple[str, Callable[..., None]], fault: Fault, error: type[HarnessError] | None
) -> None:
    url, plan = on
    server.load(KEY)
    plan("POST", CHAT, fault)
    with Client(url, deadlines=NEAR if error is DeadlineExceeded else PATIENT) as client:
        if error is None:
            assert client.chat(HI, stream=True).text == "one two three"
        else:
            with pytest.raises(error):
                client.chat(HI, stream=True)


def test_a_body_that_is_shorter_than_promised_is_a_lost_connection(
    server: ScriptedServer, on: tuple[str, Callable[..., None]]
) -> None:
    url, plan = on
    server.load(KEY)
    plan("POST", CHAT, WrongLength(7))
    with Client(url) as client, pytest.raises(ConnectionLost):
        client.chat(HI)  # A stream ends with its chat.end, so only a plain answer misses the rest.


@pytest.mark.parametrize("is_after", [False, True])
@pytest.mark.parametrize("kind", [Drop, Reset, Hang, lambda **more: Status(500, "no", **more)])
def test_the_server_acts_before_the_fault_only_if_the_fault_says_so(
    server: ScriptedServer, on: tuple[str, Callable[..., None]], kind: Callable[..., Fault], *, is_after: bool
) -> None:
    url, plan = on
    plan("POST", LOAD, kind(after_effect=is_after))
    with Client(url, deadlines=NEAR if kind is Hang else PATIENT) as client, pytest.raises(HarnessError):
        client.load(KEY)
    assert server.loaded == ([KEY] if is_after else [])


def test_a_chat_whose_answer_is_lost_has_still_loaded_its_model(
    server: ScriptedServer, on: tuple[str, Callable[..., None]]
) -> None:
    url, plan = on
    plan("POST", CHAT, Drop(after_effect=True))
    with Client(url) as client, pytest.raises(ConnectionLost):
        client.chat(HI)
    assert server.loaded == [KEY]


def test_the_scripted_server_plans_as_the_proxy_does(server: ScriptedServer) -> None:
    server.on("POST", LOAD, Ignore(), after=1, times=1)
    server.on(ANY, ANY, Status(501, "no"), after=2, times=1)
    with Client(server.url) as client:
        assert client.load(KEY).instance_id == KEY
        assert client.load(KEY).instance_id == f"{KEY}:2"
        assert server.loaded == [KEY]
        with pytest.raises(HarnessError):
            client.models()
        server.on("GET", MODELS, Status(503, "no"))
        server.heal()
        assert client.models()
