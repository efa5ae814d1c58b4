"""A server of its own for what strangers may do to it, so that its memory can be measured."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx
import pytest

if TYPE_CHECKING:
    from harness.embedded.process import EmbeddedServer

KEY = "smollm2-135m-instruct-q4_0"
EMBEDDING = "text-embedding-smollm2-135m-instruct"
JSON_TYPE = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def server(embedded_server: "EmbeddedServer") -> "Iterator[EmbeddedServer]":
    """An embedded server of this module; `embedded_server` has made sure of its models. It must live to the end."""
    from harness.embedded.process import EmbeddedServer

    with EmbeddedServer.start() as fresh:
        yield fresh
        assert httpx.get(f"{fresh.url}/api/v1/models", trust_env=False, timeout=30).status_code == 200


@pytest.fixture
def http(server: "EmbeddedServer") -> Iterator[httpx.Client]:
    """A client of this module's server; what a test loads is unloaded after it."""
    with httpx.Client(base_url=server.url, timeout=60, trust_env=False) as client:
        yield client
        for model in client.get("/api/v1/models").json()["models"]:
            for instance in model["loaded_instances"]:
                client.post("/api/v1/models/unload", json={"instance_id": instance["id"]})


def load(http: httpx.Client, model: str = KEY, **config: Any) -> None:
    answer = http.post("/api/v1/models/load", json={"model": model, "context_length": 512, **config})
    assert answer.status_code == 200, answer.text


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    if not listed.exists():
        pytest.skip("needs /proc/PID/task/TID/children (Linux)")
    return [int(child) for child in listed.read_text().split()]


def memory(pid: int, field: str = "VmRSS") -> float:
    """Return the resident memory of a process in MB, or its peak (`VmHWM`)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(f"{field}:")) / 1024


def reset_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


class Onlooker:
    """Asks for the listing all the time; `longest_s` is how long it waited for one at most."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._is_done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.longest_s = 0.0
        self.looks = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_done.set()
        self._thread.join(60)

    def _look(self) -> None:
        with httpx.Client(base_url=self._url, timeout=60, trust_env=False) as http:
            while not self._is_done.is_set():
                began = time.monotonic()
                assert http.get("/api/v1/models").status_code == 200
                self.longest_s = max(self.longest_s, time.monotonic() - began)
                self.looks += 1
                time.sleep(0.01)


def head(url: str, path: str, length: int, *, method: str = "POST", more: Mapping[str, str] | None = None) -> bytes:
    """Return the head of a request."""
    fields = {"Host": url.rpartition("/")[2], "Content-Type": "application/json", "Content-Length": str(length)}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in {**fields, **(more or {})}.items())]
    return "\r\n".join([*lines, "", ""]).encode()


@contextlib.contextmanager
def connected(url: str) -> Iterator[socket.socket]:
    """Yield a connection to the server, to be written to by hand."""
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        yield connection


def received(connection: socket.socket) -> bytes:
    """Return all that comes until the server closes."""
    pieces = []
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65536):
            pieces.append(piece)
    return b"".join(pieces)


def chat_body(**more: Any) -> bytes:
    return json.dumps({"model": KEY, "input": "Hi", "max_output_tokens": 4, "store": False, **more}).encode()
