"""The proxy itself: what passes, what is recorded, and that every connection and thread ends."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from harness.client.http import Client
from harness.domain.generation import ChatRequest
from harness.errors import ConnectionLost, DeadlineExceeded, HarnessError, ServerUnreachable, SettingsError
from harness.testing.fault import Call, Cut, Delay, Drop, Fault, Hang, Raw, Reset, Status
from harness.testing.plan import ANY
from harness.testing.proxy import CLOSE_S, FaultProxy
from harness.testing.scripted import ScriptedServer

KEY = "acme/tiny-1b"
MODELS = "/api/v1/models"
LOAD = "/api/v1/models/load"
CHAT = "/api/v1/chat"
HI = ChatRequest(model=KEY, input="one two three", max_output_tokens=20)
CANARY = "sk-canary-77f1"

Eventually = Callable[[Callable[[], object]], None]


class Flood:
    """A fault of our own: writes for ever."""

    def __init__(self) -> None:
        self._wrote_at = 0.0

    def apply(self, call: Call) -> None:
        while True:
            self._wrote_at = time.monotonic()
            call.write(b"x" * 65536)

    def is_stuck(self) -> bool:
        return 0 < self._wrote_at < time.monotonic() - 0.3


def connected(proxy: FaultProxy) -> socket.socket:
    parts = urlsplit(proxy.url)
    assert parts.hostname is not None
    return socket.create_connection((parts.hostname, parts.port or 0), timeout=10)


def threads_of_proxies() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("fault-proxy")]


def test_without_faults_a_client_sees_the_server(server: ScriptedServer, client: Client) -> None:
    with Client(server.url) as direct:
        assert client.models() == direct.models()
    assert client.load(KEY).instance_id == KEY
    assert client.chat(HI).text == client.chat(HI, stream=True).text == "one two three"
    assert client.unload(KEY) == KEY
    assert server.loaded == []


def test_only_the_host_header_is_another(server: ScriptedServer, proxy: FaultProxy) -> None:
    wire = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=10)
    wire.request("GET", MODELS, headers={"X-Odd": "Ä;  b", "Authorization": f"Bearer {CANARY}"})
    assert wire.getresponse().status == 200
    wire.close()
    (seen,) = server.requests
    assert seen.headers["host"] == urlsplit(server.url).netloc
    assert seen.headers["x-odd"] == "Ä;  b"
    assert seen.headers["authorization"] == f"Bearer {CANARY}"


def test_what_passed_is_recorded_without_the_token(server: ScriptedServer, eventually: Eventually) -> None:
    with FaultProxy(server.url, keep_bodies=True) as proxy, Client(proxy.url, token=CANARY) as client:
        fault = Status(503, "", after_effect=True)
        proxy.on("POST", LOAD, fault, times=1)
        client.models()
        with pytest.raises(HarnessError):
            client.load(KEY)
    listed, loaded = proxy.passed
    assert (listed.method, listed.path, listed.status, listed.fault, listed.body) == ("GET", MODELS, 200, None, b"")
    assert (loaded.method, loaded.path, loaded.status, loaded.fault) == ("POST", LOAD, 200, fault)
    assert json.loads(loaded.body or b"")["model"] == KEY
    assert loaded.is_forwarded
    assert listed.answer_bytes > listed.request_bytes > 100
    # The proxy notes the end after it has passed on the last byte, upon which the client may already ask again.
    eventually(lambda: listed.ended_at)
    assert listed.started_at <= min(listed.ended_at or 0.0, loaded.started_at)
    assert CANARY not in repr(proxy.passed)


def test_bodies_are_not_kept_unless_asked_for(proxy: FaultProxy, client: Client) -> None:
    client.load(KEY)
    assert proxy.passed[0].body is None


def test_many_requests_on_one_connection_are_told_apart(server: ScriptedServer, proxy: FaultProxy) -> None:
    wire = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=10)
    proxy.on("GET", MODELS, Status(503, "no"), after=2, times=1)
    statuses = []
    for _ in range(3):
        wire.request("GET", MODELS)
        answer = wire.getresponse()
        answer.read()
        statuses.append(answer.status)
    wire.close()
    assert statuses == [200, 200, 503]
    assert [passed.path for passed in proxy.passed] == [MODELS] * 3
    assert len(server.requests) == 2


def test_requests_that_come_all_at_once_are_answered_one_after_the_other(proxy: FaultProxy) -> None:
    with connected(proxy) as wire:
        request = b"POST /api/v1/models/unload HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%s"
        body = b'{"instance_id": "nobody"}'
        last = b"GET /lmstudio-greeting HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        wire.sendall(request % (len(body), body) * 2 + last)
        answers = b"".join(iter(lambda: wire.recv(65536), b""))
    assert answers.count(b"HTTP/1.1 404") == 2
    assert answers.endswith(b'{\n  "lmstudio": true\n}')


def test_a_large_request_passes(server: ScriptedServer, client: Client) -> None:
    said = "word " * 1_000_000
    assert client.chat(ChatRequest(model=KEY, input=said, max_output_tokens=1)).stats.input_tokens == 1_000_003
    assert len(server.requests[-1].body) > 5_000_000


def test_faults_come_in_the_order_in_which_they_were_given(proxy: FaultProxy, client: Client) -> None:
    proxy.on("GET", MODELS, Status(500, "first"), times=1)
    proxy.on(ANY, ANY, Status(501, "second"), times=1)
    seen = []
    for _ in range(2):
        with pytest.raises(HarnessError) as caught:
            client.models()
        seen.append(getattr(caught.value, "status", None))
    assert seen == [500, 501]
    assert client.models()


def test_the_third_request_is_the_third_even_if_something_else_hit_the_first(proxy: FaultProxy, client: Client) -> None:
    proxy.on("POST", LOAD, Status(500, "first"), times=1)
    proxy.on("POST", LOAD, Status(501, "third"), after=2, times=1)
    for _ in range(4):
        with pytest.raises(HarnessError):
            client.load("nothing")
    faults = [passed.fault for passed in proxy.passed]
    assert faults == [Status(500, "first"), None, Status(501, "third"), None]


def test_a_random_plan_is_the_same_for_the_same_seed(server: ScriptedServer) -> None:
    def faults(seed: int) -> list[object]:
        with FaultProxy(server.url) as proxy, Client(proxy.url) as client:
            proxy.at_random(seed, rate=0.5, make=lambda draw: Status(500 + draw.randrange(90), "made up"))
            for _ in range(20):
                try:
                    client.load("nothing")
                except HarnessError:
                    continue
            return [passed.fault for passed in proxy.passed]

    first = faults(1)
    assert first == faults(1)
    assert first != faults(2)
    assert 3 <= first.count(None) <= 17


def test_nothing_goes_wrong_any_more_once_it_is_healed(proxy: FaultProxy, client: Client) -> None:
    proxy.on(ANY, ANY, Status(500, ""))
    proxy.on_connect(Reset())
    proxy.at_random(1, rate=1.0)
    proxy.heal()
    assert client.models()


def test_while_it_refuses_nobody_answers_and_afterwards_the_same_url_does(proxy: FaultProxy, client: Client) -> None:
    url = proxy.url
    with proxy.refusing(), pytest.raises(ServerUnreachable, match="refused"):
        client.models()
    assert proxy.url == url
    assert client.models()


def test_refusing_leaves_requests_in_progress_alone(
    server: ScriptedServer, proxy: FaultProxy, client: Client, eventually: Eventually
) -> None:
    server.on("POST", LOAD, Delay(0.5))
    done: list[object] = []
    thread = threading.Thread(target=lambda: done.append(client.load(KEY).instance_id))
    thread.start()
    eventually(lambda: proxy.passed)
    with proxy.refusing():
        thread.join(60)
    assert done == [KEY]


def test_a_connection_may_be_reset_before_anything_is_read(
    proxy: FaultProxy, client: Client, eventually: Eventually
) -> None:
    proxy.on_connect(Reset(), after=1, times=1)
    assert client.load(KEY).instance_id == KEY
    with pytest.raises((ConnectionLost, ServerUnreachable)):  # As early as the reset comes.
        client.load(KEY)
    eventually(lambda: len(proxy.passed) == 2)  # Noted by the proxy's own thread.
    assert [passed.method for passed in proxy.passed] == ["POST", ""]


def test_an_accepted_connection_that_is_read_late_is_answered(proxy: FaultProxy, client: Client) -> None:
    proxy.on_connect(Delay(0.1), times=1)
    assert client.models()
    assert (proxy.passed[0].method, proxy.passed[0].path) == ("GET", MODELS)


def test_an_accepted_connection_that_is_never_read_ends_at_the_deadline(proxy: FaultProxy, hasty: Client) -> None:
    proxy.on_connect(Hang())
    with pytest.raises(DeadlineExceeded) as caught:
        hasty.load(KEY)
    assert caught.value.phase == "load"


def test_a_server_that_refuses_resets_the_client(server: ScriptedServer, proxy: FaultProxy, client: Client) -> None:
    server.close()
    with pytest.raises(ConnectionLost, match="reset"):
        client.load(KEY)
    assert not proxy.passed[0].is_forwarded


@pytest.mark.parametrize("fault", [Drop(), Reset(), Cut(5), Raw([b"HTTP/1.1 200 OK\r\ncontent-le"])])
def test_a_server_that_breaks_off_breaks_off_the_client(server: ScriptedServer, client: Client, fault: Fault) -> None:
    server.on("POST", LOAD, fault)
    with pytest.raises(ConnectionLost):
        client.load(KEY)


def test_a_client_that_vanishes_is_seen_by_the_server(
    server: ScriptedServer, proxy: FaultProxy, eventually: Eventually
) -> None:
    server.on("POST", LOAD, Hang())
    with connected(proxy) as wire:
        wire.sendall(b"POST /api/v1/models/load HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}")
        eventually(lambda: server.requests)
    eventually(lambda: server.abandoned)
    eventually(lambda: proxy.passed[0].ended_at)


def test_a_client_that_never_finishes_its_request_reaches_nobody(server: ScriptedServer, proxy: FaultProxy) -> None:
    with connected(proxy) as wire:
        wire.sendall(b"POST /api/v1/models/load HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\n{")
    proxy.close()
    assert server.requests == []
    assert proxy.passed == []


def test_what_is_no_http_is_reset(server: ScriptedServer, proxy: FaultProxy) -> None:
    with connected(proxy) as wire:
        wire.sendall(b"\x16\x03\x01\x02\x00\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            wire.recv(1)
    assert server.requests == []


@pytest.mark.parametrize("where", ["connect", "before", "after_effect", "server"])
def test_closing_ends_every_connection_and_thread(server: ScriptedServer, eventually: Eventually, where: str) -> None:
    proxy = FaultProxy(server.url)
    proxy.start()
    if where == "connect":
        proxy.on_connect(Hang())
    elif where == "server":
        server.on("POST", LOAD, Hang())
    else:
        proxy.on("POST", LOAD, Hang(after_effect=where == "after_effect"))
    lost: list[BaseException] = []

    def load() -> None:
        with Client(proxy.url) as client, pytest.raises(ConnectionLost) as caught:
            client.load(KEY)
        lost.append(caught.value)

    clients = [threading.Thread(target=load) for _ in range(5)]
    for thread in clients:
        thread.start()
    eventually(lambda: len(proxy.passed) == 5)
    started = time.monotonic()
    proxy.close()
    assert time.monotonic() - started < CLOSE_S
    assert threads_of_proxies() == []
    for thread in clients:
        thread.join(60)
    assert len(lost) == 5


def test_closing_does_not_wait_for_a_client_that_reads_nothing(proxy: FaultProxy, eventually: Eventually) -> None:
    flood = Flood()
    proxy.on("GET", MODELS, flood, times=1)
    with connected(proxy) as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.sendall(b"GET /api/v1/models HTTP/1.1\r\nhost: x\r\n\r\n")
        eventually(flood.is_stuck)
        started = time.monotonic()
        proxy.close()
        assert time.monotonic() - started < CLOSE_S
    assert threads_of_proxies() == []


def test_closing_twice_is_harmless_and_it_can_be_started_again(server: ScriptedServer) -> None:
    proxy = FaultProxy(server.url)
    with proxy:
        pass
    proxy.close()
    with pytest.raises(RuntimeError, match="only within its context"):
        _ = proxy.url
    with pytest.raises(RuntimeError, match="only within its context"), proxy.refusing():
        pass
    with proxy, Client(proxy.url) as client:
        assert client.models()


@pytest.mark.parametrize(("url", "said"), [("https://127.0.0.1:1", "plain HTTP"), ("ftp://x", "ftp")])
def test_a_server_that_it_cannot_speak_to_is_a_clear_error(url: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        FaultProxy(url)


def test_a_fault_for_a_method_and_path_leaves_all_others_alone(proxy: FaultProxy, client: Client) -> None:
    proxy.on("POST", MODELS, Drop())
    proxy.on("GET", LOAD, Drop())
    assert client.models()
    assert client.load(KEY).instance_id == KEY
