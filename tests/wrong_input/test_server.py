"""Whoever may answer in LM Studio's place: each is told apart, with the exit code, within the deadline."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from harness.testing.fault import Raw
from harness.testing.scripted import ScriptedServer

from .conftest import Lms

Talk = Callable[[socket.socket], None]
CANARY = "sk-canary-77ab12"


@contextmanager
def stranger(talk: Talk) -> Iterator[str]:
    """Listen on a free port and let `talk` have every connection, in a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(30)
            talk(connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join(5)


def answering(status: str, body: bytes = b"", *, length: int | None = None, then: float = 0.0, more: str = "") -> Talk:
    """Return a talk that answers every request so, and perhaps waits then."""

    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        size = len(body) if length is None else length
        connection.sendall(f"HTTP/1.1 {status}\r\ncontent-length: {size}\r\n{more}\r\n".encode() + body)
        time.sleep(then)

    return talk


def banner(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    connection.recv(65536)


def noise(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(os.urandom(4096))


def greets_only(connection: socket.socket) -> None:
    is_greeting = b"greeting" in connection.recv(65536)
    status, body = ("200 OK", b'{"lmstudio": true}') if is_greeting else ("404 Not Found", b"no")
    connection.sendall(f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)


UNEXPECTED = b'{"error": "Unexpected endpoint or method. (GET /api/v1/models)"}'


@pytest.mark.parametrize(
    ("talk", "code", "said"),
    [
        pytest.param(banner, 3, "does not speak HTTP: it began with b'SSH-2.0", id="ssh"),
        pytest.param(noise, 3, "answers at http://127.0.0.1", id="noise"),
        pytest.param(lambda one: one.close(), 3, "is not LM Studio", id="hangs up"),
        pytest.param(answering("200 OK", b"<html>Welcome</html>"), 3, "is not LM Studio", id="web page"),
        pytest.param(answering("200 OK", b'{"hello": "you"}'), 3, "is not LM Studio", id="other JSON"),
        pytest.param(answering("200 OK", b'{"mod', length=900), 3, "is not LM Studio", id="half an answer"),
        pytest.param(answering("500 Oops", b"oops"), 3, "is not LM Studio", id="broken web server"),
        pytest.param(
            answering("200 OK", UNEXPECTED), 3, "LM Studio 0.4: update LM Studio", id="LM Studio 0.3 with 200"
        ),
        pytest.param(greets_only, 3, "Update it to 0.4 or later", id="LM Studio 0.3 with 404"),
        pytest.param(answering("403 No", b'{"error": "no permission"}'), 4, "LM_API_TOKEN", id="403"),
        pytest.param(answering("401 No", b""), 4, "LM_API_TOKEN", id="401 without a body"),
    ],
)
def test_who_is_not_lm_studio_is_told(lms: Lms, talk: Talk, code: int, said: str) -> None:
    with stranger(talk) as url:
        result = lms("preflight", f"--url={url}")
        assert result.code == code, result.said
        assert said in result.said


def test_a_run_tells_it_too(lms: Lms) -> None:
    with stranger(answering("200 OK", UNEXPECTED)) as url:
        result = lms("run", f"--url={url}")
        assert result.code == 3, result.said
        assert "LM Studio 0.4: update LM Studio" in result.said


@pytest.mark.parametrize("talk", [lambda one: time.sleep(180), answering("200 OK", b'{"mod', length=900, then=180)])
def test_who_never_answers_is_given_up(lms: Lms, talk: Talk) -> None:
    with stranger(talk) as url:
        started = time.monotonic()
        result = lms("run", f"--url={url}")
        assert time.monotonic() - started < 90
    assert result.code == 3
    assert "without a complete answer" in result.said


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed_and_the_token_goes_nowhere_else(lms: Lms, server: ScriptedServer, status: int) -> None:
    with ScriptedServer() as other:
        head = f"HTTP/1.1 {status} Moved\r\nlocation: {other.url}/api/v1/models\r\ncontent-length: 0\r\n\r\n"
        server.on("GET", "/api/v1/models", Raw([head.encode()]))
        result = lms("preflight" if status < 307 else "run", f"--url={server.url}", LM_API_TOKEN=CANARY)
        assert result.code == 3, result.said
        assert f"redirected to {other.url}" in result.said
        assert CANARY not in result.said
        assert other.requests == []


def test_a_wrong_token_is_never_shown_not_even_its_beginning(lms: Lms) -> None:
    with ScriptedServer(token="right") as guarded:
        for words in (["preflight"], ["load", "x"], ["run"]):
            result = lms(*words, f"--url={guarded.url}", LM_API_TOKEN=CANARY)
            assert result.code == 4, result.said
            assert CANARY[:4] not in result.said
            assert "LM_API_TOKEN" in result.said


def test_the_proxy_of_the_environment_gets_nothing_that_is_for_this_machine(lms: Lms, server: ScriptedServer) -> None:
    with ScriptedServer() as proxy:
        names = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
        result = lms("run", f"--url={server.url}", "--limit=1", "--suite=offload", **dict.fromkeys(names, proxy.url))
        assert result.code == 0, result.said
        assert proxy.requests == []


@pytest.mark.parametrize("proxy", ["nonsense://x", "http://x:port"])
def test_an_unusable_proxy_is_a_setting_to_correct_where_it_would_be_used(lms: Lms, proxy: str) -> None:
    for command in ("preflight", "run"):
        result = lms(command, "--url=http://lm-studio.invalid:1234", http_proxy=proxy, HTTP_PROXY=proxy)
        assert result.code == 2, result.said
        assert "HTTP_PROXY" in result.said


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["run", "--model=acme/tny-1b"], 5, "acme/tiny-1b"),
        (["run", "--model=text-embedding-acm"], 5, "text-embedding-acme"),
        (["run", "--model=zzz*"], 5, "zzz*"),
        (["run", "--model=../../x"], 5, "../../x"),
        (["load", "acme/tny-1b"], 5, "acme/tiny-1b"),
        (["unload", "acme/tny-1b"], 5, "acme/tiny-1b"),
        (["unload", "--instance=acme/tiny-1b:2"], 5, "Loaded instances: none"),
    ],
)
def test_an_unknown_model_or_instance_names_near_ones(
    lms: Lms, server: ScriptedServer, words: list[str], code: int, said: str
) -> None:
    result = lms(*words, f"--url={server.url}")
    assert result.code == code, result.said
    assert said in result.said
    assert server.loaded == []
