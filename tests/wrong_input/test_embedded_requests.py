"""What strangers may send to the embedded server: it refuses in LM Studio's words, and lives on."""

import contextlib
import http.client
import json
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from harness.embedded.process import EmbeddedServer

pytestmark = pytest.mark.embedded

MODELS = "/api/v1/models"
LOAD = "/api/v1/models/load"
CHAT = "/api/v1/chat"
KEY = "smollm2-135m-instruct-q4_0"
CANARY = "sk-canary-5d1e77"


@pytest.fixture
def port(embedded_server: "EmbeddedServer") -> Iterator[int]:
    """The port of the running server, which must still answer and have nothing loaded when the test is done."""
    number = int(embedded_server.url.rpartition(":")[2])
    yield number
    status, body = ask(number, "GET", MODELS)
    assert status == 200
    for model in body["models"]:
        for instance in model["loaded_instances"]:
            ask(number, "POST", "/api/v1/models/unload", json.dumps({"instance_id": instance["id"]}).encode())


def ask(port: int, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request(method, path, body, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        raw = answer.read()
        return answer.status, json.loads(raw) if raw else None


def raw(port: int, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(sent)
        received = b""
        with contextlib.suppress(ConnectionError):
            while piece := connection.recv(65536):
                received += piece
        return received


@pytest.mark.parametrize(
    ("line", "host", "status"),
    [
        ("/api/v1/models", "127.0.0.1:{port}", b"200"),
        ("/api/v1/models", "localhost:{port}", b"200"),
        ("/api/v1/models", "[::1]:{port}", b"200"),
        ("/api/v1/models", "127.0.0.1", b"403"),
        ("/api/v1/models", "127.0.0.1:1", b"403"),
        ("/api/v1/models", "[::1]", b"403"),
        ("/api/v1/models", "127.0.0.1:{port}.evil.example", b"403"),
        ("/api/v1/models", "evil.example:{port}", b"403"),
        ("http://evil.example/api/v1/models", "evil.example", b"403"),
    ],
)
def test_the_host_must_be_this_server(port: int, line: str, host: str, status: bytes) -> None:
    head = f"GET {line} HTTP/1.1\r\nHost: {host.format(port=port)}\r\nConnection: close\r\n\r\n"
    assert raw(port, head.encode()).split(b" ")[1] == status


def test_a_request_without_a_host_is_refused(port: int) -> None:
    for version in (b"1.0", b"1.1"):
        answer = raw(port, b"GET /api/v1/models HTTP/" + version + b"\r\nConnection: close\r\n\r\n")
        assert answer.split(b" ")[1] in {b"400", b"403"}


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
def test_no_other_site_is_let_in_by_the_browser(port: int, method: str) -> None:
    asked = (
        f"{method} {CHAT} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: https://evil.example\r\nContent-Length: 0\r\n"
        "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n"
        "Connection: close\r\n\r\n"
    )
    assert b"access-control-" not in raw(port, asked.encode()).lower()


BIG = b"9" * 5000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"1",
        b'"x"',
        b"{",
        b"\xff\xfe{}",
        b"\x00",
        b"NaN",
        b'{"model": "' + KEY.encode() + b'", "context_length": NaN}',
        b'{"model": "' + KEY.encode() + b'", "context_length": Infinity}',
        b'{"model": "' + KEY.encode() + b'", "context_length": 1e999}',
        b'{"model": "' + KEY.encode() + b'", "context_length": ' + BIG + b"}",
        b'{"model": "' + KEY.encode() + b'", "context_length": "512"}',
        b'{"model": "' + KEY.encode() + b'", "context_length": true}',
        b'{"model": "' + KEY.encode() + b'", "context_length": 512.5}',
        b'{"model": "' + KEY.encode() + b'", "context_length": null}',
        b'{"model": "' + KEY.encode() + b'", "context_length": 0}',
        b'{"model": "' + KEY.encode() + b'", "eval_batch_size": 1000000000000000000000}',
        b'{"model": "' + KEY.encode() + b'", "ttl": 5}',
        b'{"model": "nobody", "model": "' + KEY.encode() + b'"}',
        b'{"model": ["' + KEY.encode() + b'"]}',
        b'{"model": "\xed\xa0\x80"}',
        b'{"model": "\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
    ids=lambda body: repr(body[:60] + body[-20:]),
)
def test_a_malformed_body_is_a_client_error_and_loads_nothing(port: int, body: bytes) -> None:
    for path in (LOAD, CHAT, "/v1/chat/completions", "/v1/embeddings", "/api/v1/models/unload"):
        status, answer = ask(port, "POST", path, body)
        assert 400 <= status < 500, (path, answer)
        assert answer["error"]["message"]
    assert not any(model["loaded_instances"] for model in ask(port, "GET", MODELS)[1]["models"])


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "/etc/passwd", f"../{KEY}", "a\nb", "\x1b[31m", "::error::x", "x" * 10_000, "", "."]
)
def test_a_hostile_key_is_only_ever_looked_up(port: int, key: str) -> None:
    for path, more in ((LOAD, {}), (CHAT, {"input": "x"}), ("/v1/chat/completions", {"messages": []})):
        status, answer = ask(port, "POST", path, json.dumps({"model": key, **more}).encode())
        assert status in {400, 404}
        assert "not_found" in json.dumps(answer)
    assert ask(port, "POST", "/api/v1/models/unload", json.dumps({"instance_id": key}).encode())[0] == 404


def test_a_body_shorter_than_its_length_is_waited_for_without_holding_anybody_up(port: int) -> None:
    head = f"POST {CHAT} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n".encode()
    head += b"Content-Length: 1000\r\n\r\n"
    with contextlib.ExitStack() as slow:
        for sent in (b"", b"GET", b"GET / HTTP/1.1\r\nHost: ", head, head + b'{"model"') * 20:
            connection = slow.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            connection.sendall(sent)
        assert ask(port, "GET", MODELS)[0] == 200


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"Transfer-Encoding: nonsense\r\n\r\n{}",
        b"Content-Length: +2\r\n\r\n{}",
        b"Content-Length: 1_0\r\n\r\n{}12345678",
    ],
)
def test_a_body_of_false_length_is_refused(port: int, framing: bytes) -> None:
    head = f"POST {LOAD} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n".encode()
    head += b"Content-Type: application/json\r\n"
    answer = raw(port, head + framing)
    assert answer == b"" or answer.split(b" ")[1] in {b"400", b"413", b"501"}


def test_a_worker_has_no_port_and_a_socket_for_this_user_alone(port: int, embedded_server: "EmbeddedServer") -> None:
    """llama.cpp's server reflects any Origin with credentials, ignores Host and answers /health without the key."""
    assert ask(port, "POST", LOAD, json.dumps({"model": KEY, "context_length": 512}).encode())[0] == 200
    worker = children(embedded_server.pid)[0]
    links = [str(link.readlink()) for link in Path(f"/proc/{worker}/fd").iterdir()]
    inodes = {link[8:-1] for link in links if link.startswith("socket:[")}
    for table in ("tcp", "tcp6", "udp", "udp6"):
        rows = [line.split() for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
        assert not [row for row in rows if row[9] in inodes]
    rows = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    (socket_path,) = {Path(row[7]) for row in rows if row[6] in inodes and len(row) > 7}
    assert stat.S_IMODE(socket_path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(socket_path.stat().st_mode) & 0o077 == 0
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(socket_path)), base_url="http://worker") as http:
        body = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 1}
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            assert http.post("/v1/chat/completions", json=body, headers=headers).status_code == 401
            assert http.get("/slots", headers=headers).status_code == 401
    unloading = json.dumps({"instance_id": KEY}).encode()
    assert ask(port, "POST", "/api/v1/models/unload", unloading)[0] == 200
    assert not socket_path.parent.exists()


def test_the_token_is_in_no_process_list_and_no_environment(embedded_server: "EmbeddedServer") -> None:
    from harness.embedded.process import EmbeddedServer

    with EmbeddedServer.start(token=CANARY) as server:
        number = int(server.url.rpartition(":")[2])
        loading = json.dumps({"model": KEY, "context_length": 512}).encode()
        assert ask(number, "POST", LOAD, loading)[0] == 401
        assert ask(number, "POST", LOAD, loading, Authorization=f"Bearer {CANARY}")[0] == 200
        pids = [server.pid, *children(server.pid)]
        assert len(pids) == 2
        shown = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True).stdout
        assert CANARY not in shown
        for pid in pids:
            for what in ("cmdline", "environ"):
                assert CANARY.encode() not in Path(f"/proc/{pid}/{what}").read_bytes()


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    if not listed.exists():
        pytest.skip("needs /proc/PID/task/TID/children (Linux)")
    return [int(child) for child in listed.read_text().split()]
