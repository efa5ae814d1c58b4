"""The running embedded server with nothing loaded, and ways to ask it by hand."""

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from harness.embedded.process import EmbeddedServer

KEY = "smollm2-135m-instruct-q4_0"
Event = tuple[str, dict[str, Any]]


@pytest.fixture
def http(embedded_server: "EmbeddedServer") -> Iterator[httpx.Client]:
    """A plain client of the server; whatever a test loads is unloaded after it."""
    with httpx.Client(base_url=embedded_server.url, timeout=60, trust_env=False) as client:
        before = loaded(client)
        yield client
        for instance_id in set(loaded(client)) - set(before):
            client.post("/api/v1/models/unload", json={"instance_id": instance_id})


@pytest.fixture(scope="module")
def resident(embedded_server: "EmbeddedServer") -> Iterator[None]:
    """One loaded instance for all tests of a file: loading takes longer than most of them."""
    with httpx.Client(base_url=embedded_server.url, timeout=60, trust_env=False) as client:
        client.post("/api/v1/models/load", json={"model": KEY, "context_length": 8192})
        yield
        client.post("/api/v1/models/unload", json={"instance_id": KEY})


def loaded(http: httpx.Client) -> list[str]:
    """Return the ids of all resident instances."""
    models = http.get("/api/v1/models").json()["models"]
    return [instance["id"] for model in models for instance in model["loaded_instances"]]


@pytest.fixture
def stream(http: httpx.Client) -> Callable[..., list[Event]]:
    """Ask for a streamed chat and return all its events."""

    def ask(**body: Any) -> list[Event]:
        with http.stream("POST", "/api/v1/chat", json={**body, "stream": True}) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            return list(events(response))

    return ask


def events(response: httpx.Response) -> Iterator[Event]:
    """Yield the events of a stream; every frame must be `event:` and one line of `data:`."""
    name = ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            data = json.loads(line.removeprefix("data: "))
            assert data["type"] == name
            yield name, data
        else:
            assert line == ""
