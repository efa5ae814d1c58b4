"""A scripted LM Studio, a journal, and leases that wait by a clock which does not."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.client.http import Client, Deadlines
from harness.lifecycle.journal import Journal
from harness.lifecycle.lease import Leases, Policy
from harness.testing.clock import FakeClock
from harness.testing.scripted import ScriptedServer


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        yield scripted


@pytest.fixture
def journal(server: ScriptedServer, tmp_path: Path) -> Journal:
    return Journal("run", url=server.url, clock=FakeClock(), directory=tmp_path)


@pytest.fixture
def make(server: ScriptedServer, journal: Journal) -> Iterator[Callable[..., Leases]]:
    clients = []

    def build(policy: Policy = "ours", **deadlines: float) -> Leases:
        client = Client(server.url, deadlines=Deadlines(**deadlines))
        clients.append(client)
        # The fake clock polls without waiting, so that deadlines of minutes are tested in milliseconds.
        return Leases(client, journal, policy=policy, clock=FakeClock(), load_deadline_s=600.0, settle_s=15.0)

    yield build
    for client in clients:
        client.close()
