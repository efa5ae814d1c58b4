"""What a server may say of a download: nothing of it ends in a traceback, acts in a terminal, or goes on for ever."""

import io
import itertools
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.command import download as following
from harness.testing.fault import Call, Raw, Status
from harness.testing.scripted import ScriptedServer

NAME = "acme/new-2b"
DOWNLOAD = "/api/v1/models/download"
STATUS = f"{DOWNLOAD}/status/job_1"
USUAL = {"job_id": "job_1", "status": "downloading", "total_size_bytes": 1000, "downloaded_bytes": 10}

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        scripted.on("POST", DOWNLOAD, Status(200, {"job_id": "job_1", "status": "downloading"}))
        yield scripted


@pytest.fixture
def lms(
    server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run `lms-harness download` in this process, against the server, and with an impatient watch."""
    monkeypatch.setattr(following, "POLL_S", 0.005)
    monkeypatch.setenv("LMS_HARNESS_STATE", str(tmp_path))

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["lms-harness", "download", *words, f"--url={server.url}"])
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        assert "\x1b" not in out + err
        return code, out, err

    return run


def sent(text: str) -> Raw:
    """Return an answer with this body, as it stands."""
    body = text.encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return Raw((head.encode() + body,))


NUMBERS = {
    "NaN": "NaN",
    "infinite": "1e999",
    "negative": "-7",
    "tiny": "1e-300",
    "400 digits": "9" * 400,
    "4,000 digits": "-" + "9" * 4000,
    "a large float": "1e300",
}


@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
def test_a_number_that_means_nothing_is_not_told(server: ScriptedServer, lms: Run, number: str) -> None:
    fields = ", ".join(f'"{name}": {number}' for name in ("total_size_bytes", "downloaded_bytes", "bytes_per_second"))
    server.on("GET", STATUS, sent(f'{{"job_id": "job_1", "status": "downloading", {fields}}}'))
    code, _, err = lms(NAME, "--stall=0.05")
    assert (code, err.splitlines()[0]) == (1, "downloading")
    assert "made no progress for 0.05 s" in err
    assert lms("--status=job_1")[:2] == (0, "job_1: downloading\n")
    shown = json.loads(lms("--status=job_1", "--json")[1])
    assert {shown[name] for name in ("total_size_bytes", "downloaded_bytes", "bytes_per_second")} <= {None, 0}


@dataclass(frozen=True)
class Endless:
    """A download whose state changes with each look, and which never ends."""

    states: Iterator[dict[str, Any]]

    def apply(self, call: Call) -> None:
        """Answer with the next state."""
        sent(json.dumps({**USUAL, **next(self.states)})).apply(call)


ENDLESS = {
    "to and fro": itertools.cycle([{"downloaded_bytes": 10}, {"downloaded_bytes": 500}]),
    "more than there is": ({"downloaded_bytes": 1001 + count} for count in itertools.count()),
    "never the same status": ({"status": f"state {count}"} for count in itertools.count()),
    "pauses": itertools.cycle([{"status": "paused"}, {"status": "downloading"}]),
    "another job": itertools.cycle([{"job_id": "job_2"}, {"job_id": None}]),
}


@pytest.mark.parametrize("states", ENDLESS.values(), ids=ENDLESS)
def test_what_is_no_progress_does_not_extend_the_watch(
    server: ScriptedServer, lms: Run, states: Iterator[dict[str, Any]]
) -> None:
    server.on("GET", STATUS, Endless(states))
    code, _, err = lms(NAME, "--stall=0.2")
    assert code == 1
    assert "the download job_1 made no progress for 0.2 s" in err
    assert {request.path for request in server.requests} == {"/api/v1/models", DOWNLOAD, STATUS}


def test_a_status_of_10_mb_and_one_with_commands_are_cut_and_inert(server: ScriptedServer, lms: Run) -> None:
    for status in ("x" * 10_000_000, "\x1b[2J\r\n::error::y\r##[error]z"):
        server.heal()
        server.on("POST", DOWNLOAD, Status(200, {"job_id": "job_1", "status": "downloading"}))
        server.on("GET", STATUS, Status(200, {**USUAL, "status": status, "estimated_completion": "\x1b[31m"}))
        for words in ((NAME, "--stall=0.05"), ("--status=job_1",)):
            _, out, err = lms(*words)
            assert len(out + err) < 500
            assert not [line for line in (out + err).splitlines() if line.startswith(("::", "##["))]


def test_a_job_without_an_id_is_named_at_once(server: ScriptedServer, lms: Run) -> None:
    server.heal()
    server.on("POST", DOWNLOAD, Status(200, {"status": "downloading"}))
    code, out, err = lms(NAME)
    assert (code, out) == (3, "")
    assert err == "the download's status is 'downloading', but the answer names no job to look at\n"


def test_an_id_is_quoted_in_the_command_that_is_suggested(server: ScriptedServer, lms: Run) -> None:
    server.heal()
    server.on("POST", DOWNLOAD, Status(200, {"job_id": "a; touch b", "status": "downloading"}))
    assert "lms-harness download --status 'a; touch b'\n" in lms(NAME, "--no-wait")[2]
