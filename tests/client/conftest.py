from collections.abc import Iterator

import pytest

from harness.client.deadline import Deadlines
from harness.client.http import Client
from harness.testing.scripted import ScriptedServer


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        yield scripted


@pytest.fixture
def client(server: ScriptedServer) -> Iterator[Client]:
    with Client(server.url) as one:
        yield one


@pytest.fixture
def hasty(server: ScriptedServer) -> Iterator[Client]:
    """A client whose every deadline is near."""
    near = Deadlines(connect_s=0.3, list_s=0.3, load_s=0.3, unload_s=0.3, idle_s=0.3, total_s=0.6)
    with Client(server.url, deadlines=near) as one:
        yield one
