"""Downloads followed on a scripted server, by a clock that does not wait."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from harness.client.http import Client
from harness.command.download import POLL_S, Downloads, listed_as
from harness.domain.download import COMPLETED, DOWNLOADING, FAILED, PAUSED, Download
from harness.domain.model import ModelKey
from harness.errors import DownloadFailed, InvalidRequest, ModelNotFound, ServerFault
from harness.testing.clock import FakeClock
from harness.testing.download import Offer, Step
from harness.testing.fault import Drop, Status
from harness.testing.library import DEFAULT_MODELS
from harness.testing.scripted import ScriptedServer

NEW = replace(DEFAULT_MODELS[0], key=ModelKey("acme/new-2b"), size_bytes=1_000_000_000)
STATUS = "/api/v1/models/download/status/job_0000000001"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        scripted.offer(Offer(name="acme/new-2b", model=NEW))
        yield scripted


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def downloads(server: ScriptedServer, clock: FakeClock) -> Iterator[Downloads]:
    with Client(server.url) as client:
        yield Downloads(client=client, clock=clock)


def offered(server: ScriptedServer, *steps: Step) -> str:
    server.offer(Offer(name="acme/odd-2b", model=replace(NEW, key=ModelKey("acme/odd-2b")), steps=steps))
    return "acme/odd-2b"


def test_a_download_is_followed_to_its_end_and_found_in_the_listing(downloads: Downloads, clock: FakeClock) -> None:
    before = downloads.client.models()
    seen: list[Download] = []
    ended = downloads.follow(downloads.begin("acme/new-2b"), on_progress=seen.append)
    assert ended.status == COMPLETED
    assert [progress.downloaded_bytes for progress in seen] == [None, *(n * 250_000_000 for n in (1, 2, 3, 4))]
    assert seen[1].bytes_per_second is not None
    assert seen[1].estimated_completion is not None
    assert ended.bytes_per_second is None
    assert clock.slept == [POLL_S] * 4
    assert downloads.listed("acme/new-2b", ended, before).key == "acme/new-2b"


def test_what_is_downloaded_already_has_no_job_and_is_not_followed(downloads: Downloads, clock: FakeClock) -> None:
    known = downloads.client.models()
    told = downloads.begin("ACME/tiny-1b")
    assert (told.status, told.job_id) == ("already_downloaded", None)
    assert downloads.follow(told, on_progress=lambda _: None) == told
    assert clock.slept == []
    assert downloads.listed("ACME/tiny-1b", told, known).key == "acme/tiny-1b"


def test_downloaded_already_but_not_listed_is_an_error_that_names_the_cause(
    downloads: Downloads, server: ScriptedServer
) -> None:
    server.on("POST", "/api/v1/models/download", Status(200, {"status": "already_downloaded"}))
    told = downloads.begin("acme/half-9b")
    with pytest.raises(DownloadFailed, match=r"\.part file"):
        downloads.listed("acme/half-9b", told, downloads.client.models())


def test_a_complete_download_that_never_gets_listed_is_an_error_after_a_while(
    downloads: Downloads, server: ScriptedServer, clock: FakeClock
) -> None:
    server.offer(Offer(name="acme/ghost", model=None))
    before = downloads.client.models()
    ended = downloads.follow(downloads.begin("acme/ghost"), on_progress=lambda _: None)
    waited_from = clock.monotonic()
    with pytest.raises(DownloadFailed, match="completed"):
        downloads.listed("acme/ghost", ended, before)
    assert clock.monotonic() - waited_from >= 15.0


def test_a_failed_download_is_an_error(downloads: Downloads, server: ScriptedServer) -> None:
    name = offered(server, Step(share=0.5), Step(FAILED))
    with pytest.raises(DownloadFailed, match="failed") as caught:
        downloads.follow(downloads.begin(name), on_progress=lambda _: None)
    assert caught.value.exit_code == 1


@pytest.mark.parametrize(("status", "why"), [(DOWNLOADING, "no data received"), (PAUSED, "paused in LM Studio")])
def test_one_that_stands_still_is_left_after_the_deadline_with_the_command_to_look_again(
    downloads: Downloads, server: ScriptedServer, clock: FakeClock, status: str, why: str
) -> None:
    name = offered(server, Step(share=0.5), Step(status, 0.5))
    with pytest.raises(DownloadFailed, match=why) as caught:
        downloads.follow(downloads.begin(name), stall_s=120, on_progress=lambda _: None)
    assert "lms-harness download --status job_0000000001" in caught.value.hint
    assert 120 <= clock.monotonic() <= 125


def test_a_paused_download_that_is_resumed_ends_well(downloads: Downloads, server: ScriptedServer) -> None:
    name = offered(server, Step(share=0.1), Step(PAUSED, 0.1), Step(PAUSED, 0.1), Step(COMPLETED, 1.0))
    seen: list[Download] = []
    downloads.follow(downloads.begin(name), stall_s=10, on_progress=seen.append)
    assert [progress.status for progress in seen][2:] == [PAUSED, PAUSED, COMPLETED]


def test_looks_that_fail_are_forgiven_while_bytes_still_come(downloads: Downloads, server: ScriptedServer) -> None:
    server.on("GET", STATUS, Drop(), times=3)
    assert downloads.follow(downloads.begin("acme/new-2b"), on_progress=lambda _: None).status == COMPLETED


def test_a_server_that_is_gone_ends_it_at_the_deadline(downloads: Downloads, server: ScriptedServer) -> None:
    begun = downloads.begin("acme/new-2b")
    server.on("GET", STATUS, Drop())
    with pytest.raises(DownloadFailed, match="could not be asked"):
        downloads.follow(begun, stall_s=5, on_progress=lambda _: None)


def test_what_nobody_offers_and_jobs_that_nobody_knows_are_clear_errors(
    downloads: Downloads, server: ScriptedServer
) -> None:
    with pytest.raises(ModelNotFound, match="huggingface"):
        downloads.begin("nobody/nothing")
    with pytest.raises(InvalidRequest, match=r"job/\.\./x") as caught:
        downloads.look("job/../x")
    assert "lms-harness models" in caught.value.hint
    assert server.requests[-1].path == "/api/v1/models/download/status/job%2F..%2Fx"
    server.on("POST", "/api/v1/models/download", Status(501, {"error": {"message": "no", "type": "not_implemented"}}))
    with pytest.raises(ServerFault, match="--models-dir"):
        downloads.begin("a/b")


def test_asking_twice_for_what_is_running_gets_the_same_job(downloads: Downloads) -> None:
    assert downloads.begin("acme/new-2b").job_id == downloads.begin("acme/new-2b").job_id


@pytest.mark.parametrize(
    ("asked", "key"),
    [
        ("acme/new-2b", "acme/new-2b"),
        ("Acme/New-2B", "acme/new-2b"),
        ("https://huggingface.co/others/New-2B-GGUF", "acme/new-2b"),
        ("https://huggingface.co/others/New-2B-GGUF/", "acme/new-2b"),
        ("acme/new-2b@q4_k_m", "acme/new-2b"),
        ("https://huggingface.co/x/tiny-1b-gguf", "acme/tiny-1b"),
    ],
)
def test_a_model_is_found_by_key_or_by_the_name_of_its_repository(asked: str, key: str) -> None:
    found = listed_as(asked, DEFAULT_MODELS, (*DEFAULT_MODELS, NEW))
    assert found is not None
    assert found.key == key


def test_what_is_new_is_taken_for_what_was_asked_and_what_is_old_is_not() -> None:
    found = listed_as("others/quite-different", DEFAULT_MODELS, (*DEFAULT_MODELS, NEW))
    assert found == NEW
    assert listed_as("others/quite-different", DEFAULT_MODELS, DEFAULT_MODELS) is None
