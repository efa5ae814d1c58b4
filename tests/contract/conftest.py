"""The servers that must behave alike, and a bench for each."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from harness.clock import SystemClock
from harness.contract.bench import Bench, Witness, chosen
from harness.lifecycle.leases import Leases
from harness.lifecycle.resident import resident_ids
from harness.reaper.journal import Journal
from harness.testing.null.server import KEY, NullServer
from harness.testing.scripted import ScriptedServer

TOKEN = "sk-the-right-one"
MakeBench = Callable[..., AbstractContextManager[Bench]]


@pytest.fixture(scope="session")
def bench_at(tmp_path_factory: pytest.TempPathFactory) -> MakeBench:
    """Make a bench for a server; in the end all that it loaded is gone, and all that was there before is there."""

    @contextmanager
    def make(url: str, *, token: str = "lmstudio", model: str | None = None) -> Iterator[Bench]:
        folder: Path = tmp_path_factory.mktemp("journals")
        clock = SystemClock()
        with Witness(url, token=token) as client:
            before = client.preflight()
            journal = Journal("contract", url=client.url, clock=clock, directory=folder)
            leases = Leases(client, journal, clock=clock)
            bench = Bench(client, leases, key=chosen(before, model), token=token, clock=clock)
            try:
                yield bench
            finally:
                bench.clear()
                leases.close()
                assert set(resident_ids(client.models())) == set(resident_ids(before))

    return make


@pytest.fixture(
    scope="module",
    params=["scripted", "scripted with a token", "null", pytest.param("embedded", marks=pytest.mark.embedded), "live"],
)
def bench(request: pytest.FixtureRequest, bench_at: MakeBench) -> Iterator[Bench]:
    """A bench for each server, one for all tests of a module."""
    if request.param == "embedded":
        with bench_at(request.getfixturevalue("embedded_server").url) as made:
            yield made
    elif request.param == "null":
        with NullServer(is_loaded=False) as null, bench_at(null.url, model=KEY) as made:
            yield made
    elif request.param == "live":
        if not (url := os.environ.get("LM_STUDIO_LIVE_URL", "")):
            pytest.skip("needs a running LM Studio: set LM_STUDIO_LIVE_URL=http://127.0.0.1:1234, or use `make live`")
        with bench_at(url, token=os.environ.get("LM_API_TOKEN", "lmstudio")) as made:
            yield made
    else:
        token = TOKEN if "token" in request.param else None
        with ScriptedServer(load_s=0.01, token=token) as server, bench_at(server.url, token=token or "any") as made:
            yield made
