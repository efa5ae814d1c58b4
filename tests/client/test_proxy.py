"""A proxy of the environment that refuses or answers is named as the proxy; no token is named as none."""

import socket
import threading
from collections.abc import Iterator

import pytest

from harness.client.deadline import Deadlines
from harness.client.http import Client
from harness.client.proxy import proxy_for
from harness.errors import HarnessError, NotAuthorised, ServerUnreachable
from harness.testing.scripted import ScriptedServer

AWAY = "http://lm-studio.example:1234"


@pytest.fixture
def answering() -> Iterator[str]:
    """A proxy that refuses to connect anywhere."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 6\r\n\r\nblock!")

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def test_a_proxy_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        proxy = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("http_proxy", proxy)
    with Client(AWAY, deadlines=Deadlines(connect_s=2)) as client, pytest.raises(ServerUnreachable) as caught:
        client.preflight()
    assert f"the proxy {proxy} of the environment does not answer" in caught.value.message
    assert "NO_PROXY=lm-studio.example" in caught.value.hint
    assert "lms server start" not in str(caught.value)


def test_a_proxy_that_answers_is_named(monkeypatch: pytest.MonkeyPatch, answering: str) -> None:
    monkeypatch.setenv("http_proxy", answering)
    with Client(AWAY) as client, pytest.raises(HarnessError) as caught:
        client.preflight()
    assert f"through the proxy {answering} of the environment" in caught.value.message
    assert "NO_PROXY=lm-studio.example" in caught.value.hint


def test_a_proxy_is_named_without_its_password_and_only_where_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://user:canary@proxy.example:3128")
    assert proxy_for(AWAY) == "http://proxy.example:3128"
    assert proxy_for("http://127.0.0.1:1234") is None
    monkeypatch.setenv("no_proxy", "lm-studio.example")
    assert proxy_for(AWAY) is None


def test_no_token_is_not_a_malformed_one() -> None:
    with ScriptedServer(token="another") as server:
        with Client(server.url) as client, pytest.raises(NotAuthorised, match="requires an API token, and none is set"):
            client.preflight()
        with Client(server.url, token="sk-wrong-token") as client, pytest.raises(NotAuthorised) as caught:
            client.preflight()
        assert "none is set" not in caught.value.message
