"""What a run file says about an instance of ours that drifts, goes away, or cannot be told from another client's."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.client.http import Client
from harness.domain.generation import ChatRequest
from harness.domain.model import LoadConfig
from harness.domain.record import EndRecord, ReleaseRecord
from harness.errors import ReleaseFailed
from harness.run.run import Run
from harness.settings import Settings
from harness.store.reader import read_run
from harness.testing.scripted import ScriptedServer
from tests.run.silent import Silent

KEY = "acme/tiny-1b"
CONFIG = LoadConfig(context_length=2048)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        yield scripted


@pytest.fixture
def run(server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.setenv("LMS_HARNESS_STATE", str(tmp_path / "state"))
    settings = Settings(results=tmp_path / "results", url=server.url)
    with Client(server.url) as client:
        yield Run(
            settings,
            client,
            server_kind="lm-studio",
            listing=client.models(),
            progress=Silent(),
            plan={"tasks": {}},
        )


def ended(run: Run) -> tuple[list[ReleaseRecord], EndRecord]:
    records = list(read_run(run.path))
    (end,) = [record for record in records if isinstance(record, EndRecord)]
    return [record for record in records if isinstance(record, ReleaseRecord)], end


def test_an_instance_whose_config_drifts_is_released_and_the_run_ends_well(server: ScriptedServer, run: Run) -> None:
    run.acquire(run.client.models()[0], CONFIG)
    server.reconfigure(KEY, LoadConfig(context_length=1024))
    run.close(exit_code=0)
    (release,), end = ended(run)
    assert (release.unload_verified, release.error, end.exit_code) == (True, None, 0)
    assert server.loaded == []


def test_one_that_was_gone_is_released_and_the_record_says_so(server: ScriptedServer, run: Run) -> None:
    run.acquire(run.client.models()[0], CONFIG)
    server.unload(KEY)
    run.close(exit_code=0)
    (release,), end = ended(run)
    assert (release.unload_verified, end.exit_code) == (True, 0)
    assert release.error == f"{KEY} was gone before it was released: a listing did not show it"


def test_what_may_be_another_clients_ends_the_run_with_7_and_the_record_says_why(
    server: ScriptedServer, run: Run
) -> None:
    run.acquire(run.client.models()[0], CONFIG)
    server.unload(KEY)
    run.client.models()
    server.load(KEY, CONFIG)
    with pytest.raises(ReleaseFailed):
        run.close(exit_code=0)
    (release,), end = ended(run)
    assert (release.unload_verified, end.exit_code) == (False, 7)
    assert "may belong to another client" in (release.error or "")
    assert server.loaded == [KEY]


def test_a_stray_is_recorded_too_and_one_that_may_be_another_clients_ends_the_run_with_7(
    server: ScriptedServer, run: Run
) -> None:
    run.client.chat(ChatRequest(model=KEY, input="Hello"))
    server.unload(KEY)
    run.client.models()
    server.load(KEY)
    with pytest.raises(ReleaseFailed):
        run.close(exit_code=0)
    (release,), end = ended(run)
    assert (release.instance_id, release.unload_verified, end.exit_code) == (KEY, False, 7)
    assert server.loaded == [KEY]
