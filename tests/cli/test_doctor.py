"""`doctor` in this process, on journals as dead runs leave them, against a scripted LM Studio."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from harness.domain.model import LoadConfig
from harness.reaper import identity
from harness.reaper.filelock import FileLock
from harness.testing.scripted import ScriptedServer

from .conftest import Call, Result

KEY = "acme/tiny-1b"
UNLOAD = "/api/v1/models/unload"
CONFIG = LoadConfig(context_length=2048)
AT = "2026-01-01T00:00:00.000Z"


Write = Callable[..., Path]


@pytest.fixture
def left(server: ScriptedServer, tmp_path: Path) -> Write:
    """Write the journal of a dead run: what it was granted, then an entry for each argument."""
    folder = tmp_path / "journals"
    folder.mkdir()

    def write(run_id: str, *entries: Mapping[str, Any], instance_id: str | None = KEY, **owner: Any) -> Path:
        lines = [
            {
                "kind": "owner",
                "url": server.url,
                "pid": 2**22 + 1,
                "process_start": "1",
                "boot_id": identity.boot_id(),
                **owner,
            },
            {"kind": "intent", "lease": 1, "model_key": KEY, "resident": [], "config": CONFIG.as_dict(), "at": AT},
            {"kind": "sent", "lease": 1},
        ]
        if instance_id is not None:
            lines.append({"kind": "grant", "lease": 1, "instance_id": instance_id})
        path = folder / f"{run_id}.jsonl"
        path.write_text("".join(f"{json.dumps(entry)}\n" for entry in (*lines, *entries)))
        return path

    return write


@pytest.fixture
def doctor(call: Call) -> Call:
    return partial(call, "doctor")


def test_where_nothing_is_left_it_says_so_and_asks_no_server(doctor: Call, server: ScriptedServer) -> None:
    assert doctor() == Result(0, "No run has left anything.\n", "")
    assert doctor("--json").json == {"done": [], "left": []}
    assert server.requests == []


def test_it_shows_what_a_dead_run_left_and_how_to_finish(doctor: Call, left: Write, server: ScriptedServer) -> None:
    left("a-run")
    result = doctor()
    assert result.code == 1
    assert result.out.splitlines() == [
        f"a-run on {server.url}: died; nothing is cleaning up after it",
        f"  {KEY} since {AT}",
        "Clean up with: lms-harness doctor --fix (add --url for another server); or --forget RUN",
    ]
    assert server.requests == []


def test_as_json_it_names_run_server_and_instances(doctor: Call, left: Write, server: ScriptedServer) -> None:
    left("a-run", instance_id=None)
    assert doctor("--json").json == {
        "done": [],
        "left": [
            {
                "run_id": "a-run",
                "url": server.url,
                "keeper": "nobody",
                "flaws": [],
                "leases": [{"model_key": KEY, "instance_id": None, "since": AT, "doubt": None, "doubtful_ids": []}],
            }
        ],
    }


def test_fix_unloads_exactly_that_and_removes_the_journal(doctor: Call, left: Write, server: ScriptedServer) -> None:
    path = left("a-run")
    server.load(KEY, CONFIG)
    foreign = server.load(KEY, CONFIG)
    result = doctor("--fix")
    assert result.code == 0
    assert result.out == f"Left by the run a-run, which died: unloaded {KEY}\n"
    assert result.err == f"Cleaning up {KEY} ...\n"
    assert server.loaded == [foreign]
    assert not path.exists()


def test_fix_as_json_tells_how_each_ended(doctor: Call, left: Write, server: ScriptedServer) -> None:
    left("a-run")
    server.load(KEY, CONFIG)
    done = {"run_id": "a-run", "model_key": KEY, "how": "released", "instances": [KEY], "why": ""}
    result = doctor("--fix", "--json")
    assert result.json == {"done": [done], "left": []}
    assert result.code == 0


def test_what_may_be_somebody_elses_is_named_with_the_command_and_not_touched(
    doctor: Call, left: Write, server: ScriptedServer
) -> None:
    left("a-run", instance_id=None)
    for _ in range(2):
        server.load(KEY, CONFIG)
    result = doctor("--fix")
    assert result.code == 1
    assert "not touched: several instances could come from this load" in result.out
    assert f"if no program uses it: lms-harness unload --instance '{KEY}:2'" in result.out
    assert server.asked("POST", UNLOAD) == []
    assert doctor("--forget", "a-run").code == 0
    assert doctor().out == "No run has left anything.\n"
    assert server.loaded == [KEY, f"{KEY}:2"]


def test_forget_takes_one_run_or_all_and_refuses_what_it_does_not_know(doctor: Call, left: Write) -> None:
    left("one")
    two = left("two")
    refused = doctor("--forget", "three")
    assert refused.code == 2
    assert "expected a dead run that left something, got 'three'" in refused.err
    assert doctor("--forget", "one").code == 1
    assert two.exists()
    assert doctor("--forget", "all").code == 0
    assert not two.exists()
    assert doctor("--forget", "all").code == 0


def test_a_living_run_and_a_reaper_at_work_are_shown_and_left_alone(
    doctor: Call, left: Write, server: ScriptedServer
) -> None:
    left("living", **identity.owner())
    shown = doctor("--fix")
    assert shown.code == 0
    assert "living on" in shown.out
    assert "is running" in shown.out
    assert doctor("--forget", "living").code == 2
    lock = FileLock(left("dying"))
    assert lock.try_acquire()
    try:
        busy = doctor()
        assert busy.code == 1
        assert "died; its reaper is cleaning up" in busy.out
        assert doctor("--forget", "dying").code == 2
    finally:
        lock.release()
    assert server.asked("POST", UNLOAD) == []


def test_fix_needs_the_server_and_says_so_in_one_line(doctor: Call, left: Write) -> None:
    left("a-run")
    result = doctor("--fix", "--url", "http://127.0.0.1:9")
    assert result.code == 3
    assert "no server answers at http://127.0.0.1:9" in result.err


def test_other_commands_finish_what_is_left_before_they_begin(call: Call, left: Write, server: ScriptedServer) -> None:
    path = left("a-run")
    server.load(KEY, CONFIG)
    assert call("chat", KEY, "Say hello.", "--unload-after").code == 0
    assert server.loaded == []
    assert not path.exists()
