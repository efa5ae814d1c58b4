"""Requests over a socket of our own: which servers get them, and what becomes of connections at their edges."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.client.deadline import Deadlines
from harness.client.direct import can_be_direct
from harness.client.http import Client
from harness.domain.generation import ChatRequest
from harness.errors import ApiError, ConnectionLost
from harness.testing.fault import Drop
from harness.testing.route import CHAT
from harness.testing.scripted import ScriptedServer

ASKED = ChatRequest(model="acme/tiny-1b", input="one two three")


@pytest.mark.parametrize(
    ("url", "is_direct"),
    [
        ("http://127.0.0.1:1234", True),
        ("http://localhost:1234", True),
        ("http://[::1]:1234", True),
        ("http://192.168.1.7:1234/below", True),
        ("https://127.0.0.1:1234", False),
        ("http://studio.example:1234", False),
        ("http://studio.localhost:1234", False),
    ],
)
def test_plain_http_to_an_address_is_direct(url: str, *, is_direct: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert can_be_direct(url) == is_direct


def test_a_proxy_on_the_way_to_another_machine_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert not can_be_direct("http://192.168.1.7:1234")
    assert can_be_direct("http://127.0.0.1:1234")


def test_the_http_library_is_not_imported_for_a_server_on_this_machine(server: ScriptedServer) -> None:
    code = (
        "import sys; from harness.client.http import Client\n"
        f"with Client({server.url!r}) as client: assert client.models()\n"
        "print('httpx' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"


@contextmanager
def answering(answer: bytes, *, reads: int) -> Iterator[str]:
    """A server that reads a few bytes of one request, answers and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(reads)
                connection.sendall(answer)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):  # Closing with unread bytes would destroy the answer on its way.
                    pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(60)


def test_an_answer_that_comes_before_the_request_was_read_counts() -> None:
    body = b'{"error":{"message":"the body is too long","type":"invalid_request"}}'
    answer = b"HTTP/1.1 413 -\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    long = ChatRequest(model="m", input="x" * 4_000_000)
    with answering(answer, reads=1000) as url, Client(url) as client, pytest.raises(ApiError) as caught:
        client.chat(long, stream=True)
    assert caught.value.status == 413


def asked_of(family: socket.AddressFamily, address: str, url: str) -> tuple[list[bytes], int]:
    """Return the lines of a request to a server at this address, and its port, which the URL names as `{port}`."""
    seen: list[bytes] = []
    with socket.create_server((address, 0), family=family) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                seen.append(connection.recv(65536))
                connection.sendall(b'HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{"models":[]}')

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        with Client(url.format(port=port)) as client:
            assert client.models() == ()
        thread.join(60)
    return seen[0].split(b"\r\n"), port


def test_the_path_below_which_the_api_lies_is_asked() -> None:
    (first, host, *_), port = asked_of(socket.AF_INET, "127.0.0.1", "http://127.0.0.1:{port}/behindé")
    assert (first, host) == (b"GET /behind%C3%A9/api/v1/models HTTP/1.1", b"host: 127.0.0.1:%d" % port)


@pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="needs IPv6, with 1 as the zone of loopback")
def test_the_zone_of_an_address_is_not_for_the_server() -> None:
    (_, host, *_), port = asked_of(socket.AF_INET6, "::1", "http://[::1%1]:{port}")
    assert host == b"host: [::1]:%d" % port


def test_every_request_has_a_connection_of_its_own(server: ScriptedServer, client: Client) -> None:
    server.load("acme/tiny-1b")
    for _ in range(3):
        client.chat(ASKED, stream=True)
    assert {request.headers["connection"] for request in server.requests} == {"close"}


def test_a_server_that_closes_without_a_word_has_lost_the_connection(server: ScriptedServer, client: Client) -> None:
    server.on("POST", CHAT, Drop())
    with pytest.raises(ConnectionLost, match="before the answer was complete"):
        client.chat(ASKED, stream=True)


def test_a_deadline_may_be_longer_than_the_system_can_wait(server: ScriptedServer) -> None:
    with Client(server.url, deadlines=Deadlines(connect_s=1e12, list_s=1e12)) as client:
        assert client.models()
