"""Every fault of the proxy, seen by the client: the right error in time, or the right answer; and what happened."""

import random
import threading
import time
from collections.abc import Callable

import pytest

from harness.client.deadline import Deadlines
from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.domain.generation import ChatRequest
from harness.errors import (
    ConnectionLost,
    DeadlineExceeded,
    HarnessError,
    MalformedAnswer,
    NotLMStudio,
    ServerFault,
)
from harness.testing.fault import Abandon, Cut, Delay, Drop, Fault, Hang, Raw, Reset, ScriptedCall, Status, Trickle
from harness.testing.proxy import FaultProxy
from harness.testing.random_fault import random_fault
from harness.testing.scripted import ScriptedServer
from harness.testing.stream_fault import CutEvent, Repeat
from harness.testing.wire_fault import Garbage, Latency, Pause, Throttle, WrongLength

KEY = "acme/tiny-1b"
MODELS = "/api/v1/models"
LOAD = "/api/v1/models/load"
UNLOAD = "/api/v1/models/unload"
CHAT = "/api/v1/chat"
HI = ChatRequest(model=KEY, input="one two three", max_output_tokens=20)
HTML = "<html><body>Bad gateway</body></html>"

Eventually = Callable[[Callable[[], object]], None]

HARMLESS = [
    Delay(0.05),
    Delay(0.05, after_effect=True),
    Trickle(),
    Trickle(every_s=0.001, part_bytes=7),
    Latency(0.01, jitter_s=0.02, seed=3),
    Throttle(50_000),
    Pause(0, 0.05),
    Pause(250, 0.05),
    Cut(1_000_000, "reset"),
]
BREAKING = [
    Drop(),
    Drop(after_effect=True),
    Reset(),
    Reset(after_effect=True),
    Abandon(),
    Abandon("close"),
    Cut(0),
    Cut(30),
    Cut(30, "reset"),
    Cut(30, "half_close"),
    Cut(0, "reset", with_head=True),
    Cut(10, with_head=True),
    Raw([b"HTTP/1.1 200 OK\r\n", b"content-length: 99\r\n\r\n{"], every_s=0.01),
    Raw([b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"], then="reset", after_effect=True),
]
SILENT = [Hang(), Hang(after_effect=True), Cut(30, "hang"), Cut(10, "hang", with_head=True), Pause(200, 60), Delay(60)]
LYING = [
    (Status(503, {"error": {"message": "busy", "type": "internal_error"}}), ServerFault),
    (Status(500, {"error": "down"}, after_effect=True), ServerFault),
    (Status(502, HTML, "text/html"), ServerFault),
    (Status(200, HTML, "text/html"), MalformedAnswer),
    (Status(200, HTML, "text/html", after_effect=True), MalformedAnswer),
    (Garbage(), NotLMStudio),
    (Raw([b"220 mail.example ESMTP\r\n\r\n"]), NotLMStudio),
]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("fault", HARMLESS, ids=repr)
def test_a_harmless_fault_changes_no_answer(
    server: ScriptedServer, proxy: FaultProxy, client: Client, fault: Fault, *, stream: bool
) -> None:
    server.load(KEY)
    proxy.on("POST", CHAT, fault)
    answer = client.chat(HI, stream=stream)
    assert (answer.text, answer.stats.total_output_tokens) == ("one two three", 3)
    assert proxy.passed[-1].fault == fault
    assert proxy.passed[-1].status == 200


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("fault", BREAKING, ids=repr)
def test_a_broken_connection_is_a_lost_one(
    server: ScriptedServer, proxy: FaultProxy, client: Client, fault: Fault, *, stream: bool
) -> None:
    server.load(KEY)
    proxy.on("POST", CHAT, fault)
    with pytest.raises(ConnectionLost):
        client.chat(HI, stream=stream)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("fault", SILENT, ids=repr)
def test_silence_ends_at_the_deadline(
    server: ScriptedServer, proxy: FaultProxy, hasty: Client, fault: Fault, *, stream: bool
) -> None:
    server.load(KEY)
    proxy.on("POST", CHAT, fault)
    with pytest.raises(DeadlineExceeded) as caught:
        # The wait for the first event counts as well: on a busy machine both deadlines would come at once.
        hasty.chat(HI, stream=stream, total_s=60 if stream else 1.0)
    assert caught.value.phase == ("idle" if stream else "total")


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize(("fault", "error"), LYING, ids=repr)
def test_an_answer_of_somebody_else_is_no_answer(
    server: ScriptedServer,
    proxy: FaultProxy,
    client: Client,
    *,
    fault: Fault,
    error: type[HarnessError],
    stream: bool,
) -> None:
    server.load(KEY)
    proxy.on("POST", CHAT, fault)
    with pytest.raises(error):
        client.chat(HI, stream=stream)


def test_a_wrong_length_is_a_lost_connection_or_half_an_answer(
    server: ScriptedServer, proxy: FaultProxy, client: Client
) -> None:
    server.load(KEY)
    proxy.on("POST", CHAT, WrongLength(+7), times=1)
    with pytest.raises(ConnectionLost):
        client.chat(HI)
    proxy.on("POST", CHAT, WrongLength(-7), times=2)
    with pytest.raises(MalformedAnswer):
        client.chat(HI)
    with pytest.raises(MalformedAnswer, match=r"without chat\.end"):
        client.chat(HI, stream=True)


@pytest.mark.parametrize("after_events", [0, 1, 4, 8])
@pytest.mark.parametrize("then", ["close", "reset"])
def test_a_stream_that_breaks_off_within_an_event_is_never_an_answer(
    server: ScriptedServer, proxy: FaultProxy, client: Client, after_events: int, then: str
) -> None:
    server.load(KEY)
    proxy.on("POST", CHAT, CutEvent(after_events, "close" if then == "close" else "reset"))
    seen: list[str] = []
    with pytest.raises(ConnectionLost):
        client.chat(HI, stream=True, on_event=lambda event: seen.append(event.name))
    # A reset may overtake what was sent before it.
    assert len(seen) == after_events if then == "close" else len(seen) <= after_events


def test_a_stream_that_is_shorter_than_its_cut_passes_whole(
    server: ScriptedServer, proxy: FaultProxy, client: Client
) -> None:
    server.load(KEY)
    proxy.on("POST", CHAT, CutEvent(1000))
    assert client.chat(HI, stream=True).text == "one two three"


def test_repeated_events_are_seen_twice_and_the_answer_is_right(
    server: ScriptedServer, proxy: FaultProxy, client: Client
) -> None:
    server.load(KEY)
    once: list[str] = []
    assert client.chat(HI, stream=True, on_event=lambda event: once.append(event.name)).text == "one two three"
    proxy.on("POST", CHAT, Repeat(), times=1)
    twice: list[str] = []
    answer = client.chat(HI, stream=True, on_event=lambda event: twice.append(event.name))
    assert (answer.text, answer.stats.total_output_tokens) == ("one two three", 3)
    assert twice == [name for name in once for _ in range(2)]
    proxy.on("POST", CHAT, Repeat(3, only=1), times=1)
    third: list[str] = []
    client.chat(HI, stream=True, on_event=lambda event: third.append(event.name))
    assert third == [once[0], *[once[1]] * 3, *once[2:]]


def test_splitting_sends_every_byte_on_its_own(proxy: FaultProxy, client: Client) -> None:
    proxy.on("GET", MODELS, Trickle(), times=1)
    split = client.models()
    assert split == client.models()
    split_passed, other = proxy.passed
    assert split_passed.answer_bytes == other.answer_bytes


def test_a_slow_line_takes_its_time(proxy: FaultProxy, client: Client) -> None:
    proxy.on("GET", MODELS, Throttle(5_000), times=1)
    started = time.monotonic()
    client.models()
    assert time.monotonic() - started > 0.8 * proxy.passed[0].answer_bytes / 5_000


@pytest.mark.parametrize(
    ("fault", "is_done"),
    [
        (Drop(), False),
        (Drop(after_effect=True), True),
        (Reset(), False),
        (Reset(after_effect=True), True),
        (Hang(), False),
        (Hang(after_effect=True), True),
        (Status(500, ""), False),
        (Status(500, "", after_effect=True), True),
        (Status(200, HTML, "text/html"), False),
        (Status(200, HTML, "text/html", after_effect=True), True),
        (Raw([b""]), False),
        (Raw([b""], after_effect=True), True),
        (Abandon(), True),
        (Cut(0), True),
        (Garbage(), True),
        (Delay(60), False),
        (Delay(60, after_effect=True), True),
    ],
    ids=repr,
)
def test_the_server_did_what_was_asked_or_did_not_as_the_fault_says(
    server: ScriptedServer, proxy: FaultProxy, eventually: Eventually, *, fault: Fault, is_done: bool
) -> None:
    proxy.on("POST", LOAD, fault)
    exchange = Exchange()

    def leave() -> None:
        """A client that leaves before the proxy has read its request asks nothing."""
        eventually(lambda: server.loaded if is_done else proxy.passed)
        exchange.cancel()

    if isinstance(fault, Hang | Delay):
        threading.Thread(target=leave, daemon=True).start()
    with Client(proxy.url, deadlines=Deadlines(load_s=120)) as client, pytest.raises(HarnessError):
        client.load(KEY, exchange=exchange)
    if is_done:
        eventually(lambda: server.loaded == [KEY])
    else:
        proxy.close()
        assert server.asked("POST", LOAD) == []
    assert proxy.passed[0].is_forwarded == is_done


def test_a_load_may_be_abandoned_while_the_server_is_at_it(eventually: Eventually) -> None:
    is_left = threading.Event()

    class Held:
        def apply(self, call: ScriptedCall) -> None:
            assert is_left.wait(60)
            call.send(call.answer())

    with ScriptedServer() as server, FaultProxy(server.url) as proxy, Client(proxy.url) as client:
        proxy.on("POST", LOAD, Abandon())
        server.on("POST", LOAD, Held())
        with pytest.raises(ConnectionLost):
            client.load(KEY)
        assert server.loaded == []
        is_left.set()
        eventually(lambda: server.loaded == [KEY])


def test_an_abandoned_chat_is_seen_by_the_server(eventually: Eventually) -> None:
    with ScriptedServer(token_s=0.2) as server, FaultProxy(server.url) as proxy, Client(proxy.url) as client:
        server.load(KEY)
        proxy.on("POST", CHAT, Abandon())
        with pytest.raises(ConnectionLost):
            client.chat(HI)
        eventually(lambda: server.abandoned)


def test_a_listing_survives_one_broken_connection(proxy: FaultProxy, client: Client) -> None:
    for fault in (Drop(), Reset(), Cut(10), Cut(3, "reset", with_head=True)):
        proxy.on("GET", MODELS, fault, times=1)
        assert client.models()


def test_random_faults_are_of_every_kind_and_never_hang() -> None:
    draw = random.Random(5)
    drawn = [random_fault(draw) for _ in range(500)]
    assert {type(fault) for fault in drawn} == {
        Abandon,
        Cut,
        CutEvent,
        Delay,
        Drop,
        Garbage,
        Latency,
        Pause,
        Repeat,
        Reset,
        Status,
        Trickle,
        WrongLength,
    }
    assert not [fault for fault in drawn if isinstance(fault, Cut | CutEvent) and fault.then == "hang"]
    assert max(fault.seconds for fault in drawn if isinstance(fault, Delay | Pause)) <= 0.5
