"""The HTTP library at its worst: every failure is one of ours, and no wait is endless."""

import logging
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from harness.client import transport
from harness.client.deadline import Deadlines
from harness.client.http import Client
from harness.client.transport import BY_KIND, mapped
from harness.domain.generation import ChatRequest
from harness.errors import (
    ConnectionLost,
    DeadlineExceeded,
    HarnessError,
    MalformedAnswer,
    NotLMStudio,
    ServerUnreachable,
    SettingsError,
)
from harness.testing.fault import Cut, Drop, Fault, Hang, Raw, Reset, Status, Trickle
from harness.testing.message import event
from harness.testing.route import CHAT, LOAD, MODELS, UNLOAD
from harness.testing.scripted import ScriptedServer
from harness.testing.stream_fault import KeepAlive

ASKED = ChatRequest(model="acme/tiny-1b", input="one two three")
CANARY = "sk-canary-0123456789"
HTTPX_ERRORS = [
    member
    for name in httpx.__all__
    if isinstance(member := getattr(httpx, name), type) and issubclass(member, Exception)
]


def made(kind: type[Exception]) -> Exception:
    """An instance without the arguments that differ from class to class."""
    error = kind.__new__(kind)
    error.args = ("text",)
    return error


def test_every_exception_of_httpx_is_mapped() -> None:
    assert len(HTTPX_ERRORS) > 20
    assert set(HTTPX_ERRORS) <= set(BY_KIND)


@pytest.mark.parametrize("kind", HTTPX_ERRORS)
def test_each_becomes_an_error_of_ours_with_its_cause(kind: type[Exception]) -> None:
    error = made(kind)
    found = mapped(error, url="http://127.0.0.1:1")
    assert isinstance(found, HarnessError)
    assert found.__cause__ is error
    assert "http://127.0.0.1:1" in found.message


def test_a_defect_is_not_disguised_as_a_failure_of_the_server() -> None:
    defect = ZeroDivisionError()
    assert mapped(defect, url="http://127.0.0.1:1") is defect


def test_httpx_is_imported_by_the_transport_only() -> None:
    modules = Path(transport.__file__).parent.glob("*.py")
    users = [path.name for path in modules if re.search(r"^\s*(import|from) httpx", path.read_text(), re.MULTILINE)]
    assert users == ["transport.py"]


@pytest.mark.parametrize("fault", [Drop(), Reset(), Cut(after_bytes=10), Cut(after_bytes=10, then="reset")])
def test_a_connection_that_breaks_is_lost(server: ScriptedServer, client: Client, fault: Fault) -> None:
    server.on("POST", LOAD, fault)
    with pytest.raises(ConnectionLost):
        client.load("acme/tiny-1b")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "garbage", [b"\x15\x03\x01\x00\x02\x02\x46", b"220 smtp.example.org ESMTP\r\n\r\n", b"\x00" * 300]
)
def test_somebody_who_speaks_no_http_is_not_lm_studio(server: ScriptedServer, client: Client, garbage: bytes) -> None:
    server.on("GET", MODELS, Raw([garbage]))
    with pytest.raises(NotLMStudio, match="does not speak HTTP") as caught:
        client.models()
    assert "https://" in caught.value.hint


def test_nobody_at_the_address_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with Client(f"http://127.0.0.1:{port}") as client, pytest.raises(ServerUnreachable) as caught:
        client.models()
    assert "lms server start" in caught.value.hint


def test_a_host_name_that_cannot_be_is_a_setting_to_correct() -> None:
    with Client(f"http://{'a' * 70}.localhost:1") as client, pytest.raises((SettingsError, ServerUnreachable)):
        client.models()


def test_an_endless_answer_is_refused(server: ScriptedServer, client: Client) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n"
    server.on("GET", MODELS, Raw([head, *([b" " * 1024 * 1024] * 80)]))
    with pytest.raises(MalformedAnswer, match="longer than"):
        client.models()


def test_a_compressed_answer_is_refused_as_it_could_hold_anything(server: ScriptedServer, client: Client) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc"
    server.on("GET", MODELS, Raw([head]))
    with pytest.raises(MalformedAnswer, match="compressed"):
        client.models()


def test_a_redirect_is_not_followed_and_says_where_it_points(server: ScriptedServer, client: Client) -> None:
    with ScriptedServer() as other:
        head = f"HTTP/1.1 302 Found\r\nlocation: {other.url}/api/v1/models\r\ncontent-length: 0\r\n\r\n"
        server.on("GET", MODELS, Raw([head.encode()]))
        with pytest.raises(NotLMStudio, match="redirected") as caught:
            client.models()
        assert other.url in caught.value.message
        assert other.requests == []


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_proxies_of_the_environment_are_ignored_on_this_machine(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    with Client(server.url) as client:
        assert client.models()


def test_a_proxy_is_used_for_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        with Client("http://lm-studio.invalid:1234") as client, pytest.raises(HarnessError):
            client.models()
        assert "lm-studio.invalid" in proxy.requests[0].headers["host"]


def test_an_unusable_proxy_is_a_setting_to_correct(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "nonsense://127.0.0.1:9")
    with pytest.raises(SettingsError, match="proxy"):
        Client("http://lm-studio.invalid:1234")


def assert_exceeds(call: Callable[[], object], *, phase: str) -> None:
    """Make sure that the call ends by this deadline."""
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded) as caught:
        call()
    assert caught.value.phase == phase
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    "fault", [Hang(), Trickle(every_s=0.05), Raw([b"HTTP/1.1 200 OK\r\nx: y"] + [b"y"] * 100, 0.05)]
)
def test_the_deadline_of_a_listing_holds_however_the_server_dawdles(
    server: ScriptedServer, hasty: Client, fault: Fault
) -> None:
    server.on("GET", MODELS, fault)
    assert_exceeds(hasty.models, phase="list")


@pytest.mark.parametrize("fault", [Hang(), Trickle(every_s=0.05)])
def test_a_load_and_an_unload_have_deadlines_of_their_own(server: ScriptedServer, hasty: Client, fault: Fault) -> None:
    server.on("POST", LOAD, fault)
    server.on("POST", UNLOAD, fault)
    assert_exceeds(lambda: hasty.load("acme/tiny-1b"), phase="load")
    assert_exceeds(lambda: hasty.unload("acme/tiny-1b"), phase="unload")


@pytest.mark.parametrize("fault", [Hang(), Trickle(every_s=0.05)])
def test_a_plain_chat_has_the_total_deadline_only(
    server: ScriptedServer, hasty: Client, client: Client, fault: Fault
) -> None:
    server.on("POST", CHAT, fault)
    assert_exceeds(lambda: hasty.chat(ASKED), phase="total")
    assert_exceeds(lambda: client.chat(ASKED, total_s=0.2), phase="total")


@pytest.mark.parametrize("own_thread", [False, True])
@pytest.mark.parametrize(
    "ping", [b": keep-alive\n\n", event("message.delta", content=""), event("server.ping"), b"\n\n", b"data"]
)
def test_signs_of_life_without_progress_do_not_extend_a_stream(
    server: ScriptedServer, hasty: Client, ping: bytes, *, own_thread: bool
) -> None:
    server.on("POST", CHAT, KeepAlive(every_s=0.02, ping=ping))
    assert_exceeds(lambda: hasty.chat(ASKED, stream=True, own_thread=own_thread), phase="idle")


@pytest.mark.parametrize("name", ["model_load.progress", "prompt_processing.progress"])
def test_progress_extends_a_stream_up_to_the_total_deadline(server: ScriptedServer, name: str) -> None:
    server.on("POST", CHAT, KeepAlive(every_s=0.05, ping=event(name, progress=0.5)))
    # On a busy machine the server may pause for half a second.
    with Client(server.url, deadlines=Deadlines(idle_s=1.2, total_s=1.6)) as client:
        assert_exceeds(lambda: client.chat(ASKED, stream=True), phase="total")


def test_a_server_that_never_answers_the_connection_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        queued = [socket.socket() for _ in range(2)]
        for connection in queued:
            connection.setblocking(False)
            connection.connect_ex(address)
        with Client(f"http://127.0.0.1:{address[1]}", deadlines=Deadlines(connect_s=0.3)) as client:
            assert_exceeds(client.models, phase="connect")
        for connection in queued:
            connection.close()


def test_a_tls_handshake_that_is_never_answered_is_given_up() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        Client(f"https://127.0.0.1:{silent.getsockname()[1]}", deadlines=Deadlines(connect_s=0.3)) as client,
    ):
        assert_exceeds(client.models, phase="connect")


def test_tls_to_a_plain_port_is_told(server: ScriptedServer) -> None:
    with Client(server.url.replace("http:", "https:")) as client, pytest.raises(NotLMStudio, match="TLS") as caught:
        client.models()
    assert "http://" in caught.value.hint


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the certificate, is not installed")
    folder = tmp_path_factory.mktemp("tls")
    key, chain = folder / "key.pem", folder / "cert.pem"
    made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
    words = [*made.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(chain)]
    subprocess.run(words, check=True, capture_output=True, timeout=30)
    return key, chain


@pytest.fixture
def tls_port(certificate: tuple[Path, Path]) -> Iterator[int]:
    """A TLS server that answers every request with an empty listing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate[1], certificate[0])
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.settimeout(2)
            try:
                with context.wrap_socket(connection, server_side=True) as secure:
                    secure.recv(65536)
                    secure.sendall(b'HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{"models":[]}')
            except OSError:
                connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(3)


def test_a_certificate_that_is_not_trusted_is_told(tls_port: int) -> None:
    with Client(f"https://127.0.0.1:{tls_port}") as client, pytest.raises(ServerUnreachable, match="certificate"):
        client.models()


def test_a_trusted_certificate_is_fine(
    tls_port: int, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    with Client(f"https://127.0.0.1:{tls_port}") as client:
        assert client.models() == ()


def test_plain_http_to_a_tls_port_is_told(tls_port: int) -> None:
    with Client(f"http://127.0.0.1:{tls_port}") as client, pytest.raises((NotLMStudio, ConnectionLost)):
        client.models()


@pytest.mark.parametrize("token", ["a b", "a\nb", "é", "a\x00"])
def test_a_token_that_no_header_can_hold_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Client("http://127.0.0.1:1", token=token)
    assert repr(token) not in str(caught.value)


@pytest.mark.parametrize(
    "fault",
    [
        None,
        Hang(),
        Drop(),
        Reset(),
        Raw([CANARY.encode()]),
        Raw([f"HTTP/1.1 302 Found\r\nlocation: http://{CANARY}/\r\ncontent-length: 0\r\n\r\n".encode()]),
        Status(500, {"error": f"your token {CANARY} is bad"}),
        Status(400, {"error": {"message": "x", "type": CANARY, "code": CANARY, "param": CANARY}}),
        Status(401, {"error": {"message": f"token provided: {CANARY[:7]}...", "code": "invalid_api_key"}}),
        Status(200, f"<html>{CANARY}</html>"),
        Status(200, {"models": CANARY}),
    ],
)
def test_the_token_is_in_no_error_no_traceback_and_no_log(
    fault: Fault | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    near = Deadlines(list_s=0.3)
    with ScriptedServer(token="another") as server, Client(server.url, token=CANARY, deadlines=near) as client:
        if fault is not None:
            server.on("GET", MODELS, fault)
        for call in (client.models, client.preflight):
            with pytest.raises(HarnessError) as caught:
                call()
            told = "".join(traceback.format_exception(caught.value))
            assert "sk-canary" not in told + repr(caught.value) + repr(vars(caught.value)) + repr(client)
        assert server.requests[0].headers["authorization"] == f"Bearer {CANARY}"
    # What was received is the server's own text; what was sent must not be there.
    assert f"Bearer {CANARY}" not in caplog.text


@pytest.mark.parametrize("fault", [None, Hang(), Drop(), Reset(), Status(500, "no")])
def test_the_token_is_in_no_variable_that_showlocals_would_print(fault: Fault | None) -> None:
    near = Deadlines(list_s=0.3)
    with ScriptedServer(token="another") as server, Client(server.url, token=CANARY, deadlines=near) as client:
        if fault is not None:
            server.on("GET", MODELS, fault)
        with pytest.raises(HarnessError) as caught:
            client.preflight()
        shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        assert "sk-canary" not in "".join(shown.format())
