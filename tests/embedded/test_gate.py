"""What every request passes: routes, Host, size, token; and how the server ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from harness.errors import EmbeddedError

from .test_models import KEY, load, workers

if TYPE_CHECKING:
    from harness.embedded.process import EmbeddedServer

pytestmark = pytest.mark.embedded


@pytest.fixture
def guarded(embedded_server: "EmbeddedServer") -> "Iterator[EmbeddedServer]":
    """Another server, which demands a token; `embedded_server` has made sure that the models are there."""
    from harness.embedded.process import EmbeddedServer

    with EmbeddedServer.start(token="sk-lm-canary:secret") as server:
        yield server


def test_the_greeting_is_lm_studios(http: httpx.Client) -> None:
    answer = http.get("/lmstudio-greeting")
    assert answer.json() == {"lmstudio": True}
    assert answer.headers["server"].startswith("lms-harness-embedded/")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/api/v1/nothing"), ("GET", "/api/v1/chat"), ("DELETE", "/api/v1/models")],
)
def test_unknown_routes_and_wrong_methods_are_answered_with_200_as_the_original_does(
    http: httpx.Client, method: str, path: str
) -> None:
    answer = http.request(method, path)
    assert answer.status_code == 200
    assert answer.json() == {"error": f"Unexpected endpoint or method. ({method} {path})"}


@pytest.mark.parametrize("host", ["evil.example", "evil.example:1234", "127.0.0.1:1", ""])
def test_a_foreign_host_header_is_refused(http: httpx.Client, host: str) -> None:
    answer = http.get("/api/v1/models", headers={"host": host})
    assert answer.status_code == 403


def test_localhost_is_this_server_too(http: httpx.Client) -> None:
    assert http.get("/api/v1/models", headers={"host": f"LOCALHOST:{http.base_url.port}"}).status_code == 200


def test_an_oversized_body_is_refused_with_and_without_a_length(http: httpx.Client) -> None:
    piece = b"x" * 2**20

    def parts() -> Iterator[bytes]:
        for _ in range(40):
            yield piece

    for content in (piece * 40, parts()):
        try:
            answer = http.post("/api/v1/chat", content=content, headers={"content-type": "application/json"})
        except httpx.TransportError:
            continue  # Refused before all of it was sent.
        assert answer.status_code == 413
    assert http.get("/lmstudio-greeting").status_code == 200


@pytest.mark.parametrize("length", ["abc", "-1", "99999999999999999999"])
def test_a_senseless_content_length_does_not_break_the_server(http: httpx.Client, length: str) -> None:
    with socket.create_connection(("127.0.0.1", http.base_url.port or 0), timeout=10) as raw:
        head = f"POST /api/v1/chat HTTP/1.1\r\nHost: 127.0.0.1:{http.base_url.port}\r\n"
        raw.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode())
        status = raw.recv(200).split(b" ")[1]
    assert status in {b"400", b"413"}
    assert http.get("/lmstudio-greeting").status_code == 200


def test_without_a_token_it_takes_any(http: httpx.Client) -> None:
    assert http.get("/api/v1/models", headers={"authorization": "Bearer whatever"}).status_code == 200


def test_with_a_token_it_wants_exactly_that(guarded: "EmbeddedServer") -> None:
    def status(**headers: str) -> tuple[int, str | None]:
        answer = httpx.get(f"{guarded.url}/api/v1/models", headers=headers, trust_env=False)
        return answer.status_code, answer.json().get("error", {}).get("code")

    assert status() == (401, "invalid_api_key")
    assert status(authorization="Bearer wrong") == (401, "invalid_api_key")
    assert status(authorization="Basic sk-lm-canary:secret") == (401, "invalid_api_key")
    assert status(authorization="Bearer sk-lm-canary:secret")[0] == 200
    assert httpx.get(f"{guarded.url}/lmstudio-greeting", trust_env=False).status_code == 200


def gone(pid: int, within_s: float = 60.0) -> bool:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        stat = Path(f"/proc/{pid}/stat")
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, "close"])
def test_no_worker_outlives_the_server(embedded_server: "EmbeddedServer", how: "signal.Signals | str") -> None:
    from harness.embedded.process import EmbeddedServer

    server = EmbeddedServer.start()
    try:
        with httpx.Client(base_url=server.url, timeout=60, trust_env=False) as http:
            load(http)
            load(http)
        pids = workers(server.pid)
        assert len(pids) == 2
        if isinstance(how, signal.Signals):
            os.kill(server.pid, how)
        else:
            server.close()
        assert all(gone(pid) for pid in pids)
    finally:
        server.close()


def test_the_server_ends_with_whoever_started_it(embedded_server: "EmbeddedServer") -> None:
    code = (
        "import os, signal; from harness.embedded.process import EmbeddedServer\n"
        "server = EmbeddedServer.start(); print(server.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    assert gone(int(done.stdout))


def test_a_folder_of_gguf_files_is_served_and_a_broken_one_fails_alone(
    embedded_server: "EmbeddedServer", tmp_path: Path
) -> None:
    from harness.embedded.default_models import cache_dir
    from harness.embedded.process import EmbeddedServer

    weights = cache_dir() / f"{KEY}.gguf"
    folder = tmp_path / "acme" / "Tiny-GGUF"
    folder.mkdir(parents=True)
    (folder / "tiny-Q4_0.gguf").symlink_to(weights)
    with weights.open("rb") as file:
        (tmp_path / "torn-q4_0.gguf").write_bytes(file.read(20_000_000))
    (tmp_path / "noise.gguf").write_bytes(b"GGUF" + os.urandom(1000))
    (tmp_path / "empty.gguf").write_bytes(b"")
    with (
        EmbeddedServer.start(models_dir=tmp_path) as server,
        httpx.Client(base_url=server.url, timeout=60, trust_env=False) as http,
    ):
        listed = {model["key"]: model for model in http.get("/api/v1/models").json()["models"]}
        assert set(listed) == {"acme/tiny", "torn-q4_0"}
        assert listed["acme/tiny"]["quantization"] == {"name": "Q4_0", "bits_per_weight": 4}
        assert listed["acme/tiny"]["publisher"] == "acme"
        answer = http.post("/api/v1/models/load", json={"model": "torn-q4_0"})
        assert (answer.status_code, answer.json()["error"]["type"]) == (500, "model_load_failed")
        assert "Failed to load LLM 'torn-q4_0'" in answer.json()["error"]["message"]
        assert load(http, "acme/tiny")["instance_id"] == "acme/tiny"


def test_a_folder_without_models_is_an_error_that_says_so(tmp_path: Path) -> None:
    from harness.embedded.process import EmbeddedServer

    with pytest.raises(EmbeddedError, match="no GGUF model"):
        EmbeddedServer.start(models_dir=tmp_path)
    with pytest.raises(EmbeddedError, match="expected a folder"):
        EmbeddedServer.start(models_dir=tmp_path / "nowhere")


def test_a_port_that_is_taken_is_an_error_that_says_so(http: httpx.Client) -> None:
    from harness.embedded.process import EmbeddedServer

    with pytest.raises(EmbeddedError, match="cannot listen on") as caught:
        EmbeddedServer.start(port=http.base_url.port or 0)
    assert "--port 0" in str(caught.value)


def test_a_cache_that_cannot_be_written_is_an_error_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.embedded.process import EmbeddedServer

    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LMS_HARNESS_CACHE", str(tmp_path / "file"))
    with pytest.raises(EmbeddedError, match="LMS_HARNESS_CACHE"):
        EmbeddedServer.start()


def test_the_json_is_pretty_printed_as_lm_studios(http: httpx.Client) -> None:
    text = http.get("/api/v1/models").text
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False)
