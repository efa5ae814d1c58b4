from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.command import download as following
from harness.domain.download import COMPLETED, FAILED, PAUSED
from harness.domain.model import ModelKey
from harness.testing.download import Offer, Step
from harness.testing.fault import Status
from harness.testing.library import DEFAULT_MODELS
from harness.testing.scripted import ScriptedServer

NAME = "acme/new-2b"
NEW = replace(DEFAULT_MODELS[0], key=ModelKey(NAME), size_bytes=1_000_000_000)
JOB = "job_0000000001"

Call = Callable[..., Any]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch, server: ScriptedServer) -> None:
    monkeypatch.setattr(following, "POLL_S", 0.01)
    server.offer(Offer(name=NAME, model=NEW))


def test_it_is_followed_in_lines_and_listed_afterwards(call: Call) -> None:
    result = call("download", NAME)
    assert (result.code, result.out) == (0, f"{NAME} is downloaded, and the server lists it\n")
    assert result.err.splitlines() == [
        "downloading: 1.0 GB in total",
        "downloading: 250 MB of 1.0 GB (25 %), 50 MB/s, 15.0 s left",
        "downloading: 500 MB of 1.0 GB (50 %), 50 MB/s, 10.0 s left",
        "downloading: 750 MB of 1.0 GB (75 %), 50 MB/s, 5.00 s left",
        "completed: 1.0 GB of 1.0 GB (100 %)",
    ]
    assert NAME in call("models").out


def test_json_tells_how_it_ended_and_the_key(call: Call) -> None:
    told = call("download", NAME, "--json").json
    assert (told["status"], told["job_id"], told["model"]) == ("completed", JOB, NAME)
    assert told["downloaded_bytes"] == told["total_size_bytes"] == told["size_bytes"] == 1_000_000_000
    assert told["completed_at"]


def test_what_is_there_already_is_said_after_a_look_at_the_listing(call: Call, server: ScriptedServer) -> None:
    result = call("download", "acme/tiny-1b", "--no-wait")
    assert (result.code, result.out) == (0, "acme/tiny-1b was downloaded already, and the server lists it\n")
    server.on("POST", "/api/v1/models/download", Status(200, {"status": "already_downloaded"}))
    half = call("download", "acme/half")
    assert (half.code, half.out) == (1, "")
    assert ".part file" in half.err


def test_no_wait_leaves_it_to_the_server_and_status_looks_at_it(call: Call, server: ScriptedServer) -> None:
    begun = call("download", NAME, "--no-wait")
    assert (begun.code, begun.out) == (0, f"{JOB}\n")
    assert f"lms-harness download --status {JOB}" in begun.err
    assert call("download", "--status", JOB).out.startswith(f"{JOB}: downloading: 250 MB of 1.0 GB (25 %)")
    assert call("download", "--status", JOB, "--json").json["downloaded_bytes"] == 500_000_000
    assert len(server.asked("POST", "/api/v1/models/download")) == 1


def test_one_that_fails_is_exit_code_1(call: Call, server: ScriptedServer) -> None:
    server.offer(Offer(name="acme/bad", model=None, steps=(Step(share=0.2), Step(FAILED))))
    result = call("download", "acme/bad")
    assert (result.code, result.out) == (1, "")
    assert "failed" in result.err
    assert call("download", "--status", JOB).code == 1


def test_a_pause_is_told_and_a_standstill_ends_the_watching(call: Call, server: ScriptedServer) -> None:
    server.offer(Offer(name="acme/slow", model=NEW, steps=(Step(share=0.2), Step(PAUSED, 0.2))))
    result = call("download", "acme/slow", "--stall", "0.3s")
    assert result.code == 1
    assert "paused: 200 MB of 1.0 GB (20 %)" in result.err
    assert "paused in LM Studio" in result.err
    assert f"lms-harness download --status {JOB}" in result.err


def test_a_pause_that_ends_is_no_failure(call: Call, server: ScriptedServer) -> None:
    server.offer(Offer(name=NAME, model=NEW, steps=(Step(share=0.2), Step(PAUSED, 0.2), Step(COMPLETED, 1.0))))
    assert call("download", NAME).code == 0


def test_the_quantisation_goes_with_an_address(call: Call, server: ScriptedServer) -> None:
    address = "https://huggingface.co/acme/New-2B-GGUF"
    server.offer(Offer(name=address, model=NEW))
    assert call("download", address, "--quantization", "Q4_K_M").code == 0
    assert server.asked("POST", "/api/v1/models/download") == [{"model": address, "quantization": "Q4_K_M"}]


def test_what_nobody_offers_is_exit_code_5_and_says_what_was_expected(call: Call) -> None:
    result = call("download", "nobody/nothing")
    assert result.code == 5
    assert "owner/name" in result.err
    assert "huggingface.co" in result.err


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("",),
        ("--status", ""),
        (NAME, "--status", JOB),
        ("--status", JOB, "--no-wait"),
        (NAME, "--stall", "0"),
        (NAME, "--stall", "soon"),
    ],
)
def test_words_that_do_not_go_together_are_usage_errors(
    call: Call, server: ScriptedServer, words: tuple[str, ...]
) -> None:
    assert call("download", *words).code == 2
    assert server.requests == []


def test_a_job_that_nobody_knows_is_said(call: Call) -> None:
    result = call("download", "--status", "job_x")
    assert result.code == 2
    assert "Download job with id 'job_x' not found" in result.err
