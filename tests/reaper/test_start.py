"""What a reaper imports: it is part of every run that loads anything, so it starts on the standard library alone."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.clock import SystemClock
from harness.reaper import identity
from harness.reaper.journal import Journal
from harness.testing.scripted import ScriptedServer

KEY = "acme/tiny-1b"
NO_SERVER = "http://127.0.0.1:9"
OWN_AT_START = {
    "harness",
    "harness.clock",
    "harness.errors",
    "harness.reaper",
    "harness.reaper.entry",
    "harness.reaper.filelock",
    "harness.reaper.identity",
    "harness.reaper.journal",
    "harness.reaper.lease",
}


def imported(folder: Path, url: str, *messages: dict[str, Any]) -> set[str]:
    """Start a reaper, send it these messages, end it, and return every module that it has imported."""
    journal = Journal("run", url=url, clock=SystemClock(), directory=folder / "journals")
    lease = journal.intent(KEY, resident=())
    hello = {
        "op": "hello",
        "id": 1,
        "journal": str(journal.path),
        "url": url,
        "token": "",
        "locks": str(folder / "locks"),
        "settle_s": 0.2,
        "owner": identity.owner(),
    }
    if not messages:
        journal.close_lease(lease, "denied")
    with subprocess.Popen(
        [sys.executable, "-S", "-X", "importtime", "-m", "harness.reaper.process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number, message in enumerate((hello, *messages), 1):
            process.stdin.write(json.dumps({"id": number, "lease": lease, **message}) + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == number
        _, trace = process.communicate(timeout=60)
    journal.finish()
    assert process.returncode == 0, trace
    return set(re.findall(r"^import time:\s+\d+ \|\s+\d+ \|\s+(\S+)$", trace, flags=re.MULTILINE))


def test_before_it_has_work_a_reaper_has_imported_the_standard_library_alone(tmp_path: Path) -> None:
    """`-S` hides the installed packages, so a third-party import would fail, too."""
    modules = imported(tmp_path, NO_SERVER)
    assert {name for name in modules if name.partition(".")[0] == "harness"} == OWN_AT_START
    known = {*sys.stdlib_module_names, "harness", "org"}  # "org": copy.py asks for a class of Jython.
    assert {name for name in modules if name.partition(".")[0] not in known} == set()
    assert not modules & {"urllib.request", "http.client", "ssl", "socket"}, "only for work"


@pytest.mark.parametrize("op", ["load", "undo"])
def test_it_works_without_any_installed_package(tmp_path: Path, op: str) -> None:
    with ScriptedServer() as server:
        modules = imported(tmp_path, server.url, {"op": op, "body": {"model": KEY}, "deadline_s": 30.0})
        assert "urllib.request" in modules
        assert server.loaded == []
