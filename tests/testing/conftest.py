"""A scripted LM Studio with a proxy in front of it, and clients that ask through the proxy."""

import time
from collections.abc import Callable, Iterator

import pytest

from harness.client.deadline import Deadlines
from harness.client.http import Client
from harness.testing.proxy import FaultProxy
from harness.testing.scripted import ScriptedServer


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        yield scripted


@pytest.fixture
def proxy(server: ScriptedServer) -> Iterator[FaultProxy]:
    with FaultProxy(server.url) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: FaultProxy) -> Iterator[Client]:
    with Client(proxy.url, deadlines=Deadlines(list_s=30, load_s=30, unload_s=30, idle_s=30, total_s=30)) as client:
        yield client


@pytest.fixture
def hasty(proxy: FaultProxy) -> Iterator[Client]:
    """A client whose every deadline is near."""
    near = Deadlines(connect_s=0.5, list_s=0.5, load_s=0.5, unload_s=0.5, idle_s=0.5, total_s=1.0)
    with Client(proxy.url, deadlines=near) as client:
        yield client


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], None]:
    """Wait until something is true, for at most 60 s."""

    def wait(is_true: Callable[[], object]) -> None:
        end = time.monotonic() + 60
        while not is_true():
            assert time.monotonic() < end, "it did not come true within 60 s"
            time.sleep(0.01)

    return wait
