"""A scripted LM Studio, a journal, and leases that wait by a clock which does not; so does their reaper."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.client.deadline import Deadlines
from harness.client.http import Client
from harness.clock import Clock, SystemClock
from harness.lifecycle.lease import Policy
from harness.lifecycle.leases import Leases
from harness.reaper.journal import Journal
from harness.reaper.link import ReaperLink
from harness.testing.clock import FakeClock
from harness.testing.reaper import in_thread
from harness.testing.scripted import ScriptedServer

Make = Callable[..., Leases]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        yield scripted


@pytest.fixture
def clock() -> Clock:
    """A fake one, so that deadlines of minutes are tested in milliseconds."""
    return FakeClock()


@pytest.fixture
def journal(server: ScriptedServer, clock: Clock, tmp_path: Path) -> Journal:
    return Journal("run", url=server.url, clock=clock, directory=tmp_path)


@pytest.fixture
def make(server: ScriptedServer, journal: Journal, clock: Clock) -> Iterator[Make]:
    made: list[tuple[Client, Leases]] = []

    def build(policy: Policy = "ours", *, client: Client | None = None, **deadlines: float) -> Leases:
        client = client or Client(server.url, deadlines=Deadlines(**deadlines))
        link = ReaperLink(journal, token=client.token, launch=in_thread(clock))
        load_s = client.deadlines.load_s
        leases = Leases(client, journal, link=link, policy=policy, clock=clock, load_deadline_s=load_s)
        made.append((client, leases))
        return leases

    yield build
    for client, leases in made:
        leases.close()
        client.close()


@pytest.fixture
def in_real_time(tmp_path: Path) -> Iterator[Callable[..., tuple[Leases, Journal]]]:
    """Make leases whose reaper is a process and waits for what really takes time."""
    made: list[Leases] = []

    def build(client: Client, **options: Any) -> tuple[Leases, Journal]:
        journal = Journal("run", url=client.url, clock=SystemClock(), directory=tmp_path / "journals")
        made.append(Leases(client, journal, **{"settle_s": 1.0, **options}))
        return made[-1], journal

    yield build
    for leases in made:
        leases.close()
