"""Journals that no run wrote: no command stops or hangs on one, forgets a lease, or unloads what is foreign."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.clock import SystemClock
from harness.reaper import identity
from harness.reaper.entry import MAX_BYTES
from harness.reaper.journal import Journal, replay
from harness.testing.scripted import ScriptedServer

KEY = "acme/tiny-1b"
AT = "2026-01-01T00:00:00.000Z"
INTENT: dict[str, Any] = {"kind": "intent", "lease": 1, "model_key": KEY, "resident": [], "config": {}, "at": AT}
SENT: dict[str, Any] = {"kind": "sent", "lease": 1}
GRANT: dict[str, Any] = {"kind": "grant", "lease": 1, "instance_id": KEY}

BROKEN = {
    "a text as deadline": json.dumps({**INTENT, "deadline_s": "soon"}),
    "an endless deadline": json.dumps(INTENT)[:-1] + ', "deadline_s": 1e999}',
    "a deadline that no float holds": json.dumps({**INTENT, "deadline_s": 10**400}),
    "null resident": json.dumps({**INTENT, "resident": None}),
    "a list as config": json.dumps({**INTENT, "config": [1]}),
    "a second intent": json.dumps({**INTENT, "model_key": "other"}),
    "a list as lease": json.dumps({**GRANT, "lease": [1]}),
    "an object as lease": json.dumps({"kind": "released", "lease": {}}),
    "true as lease": json.dumps({"kind": "released", "lease": True}),
    "no lease": json.dumps({"kind": "released"}),
    "a number as instance": json.dumps({**GRANT, "instance_id": 7}),
    "a text as instances": json.dumps({"kind": "doubt", "lease": 1, "instances": 3}),
    "a text as verified config": json.dumps({"kind": "verified", "lease": 1, "config": "x"}),
    "no kind": json.dumps({"lease": 1}),
    "a list as kind": json.dumps({"kind": [], "lease": 1}),
    "an unknown kind": json.dumps({"kind": "future", "lease": 1}),
    "a number": "7",
    "null": "null",
    "brackets": "[" * 200_000,
    "nested objects": '{"a":' * 200_000,
    "a number of 5,000 digits": '{"kind": "grant", "lease": ' + "1" * 5000 + "}",
    "no UTF-8": "\udcff\udcfe",
    "text": "hello",
}


def owner(url: str, **more: Any) -> dict[str, Any]:
    return {"kind": "owner", "url": url, "pid": 2**22 + 1, "process_start": "1", "boot_id": identity.boot_id(), **more}


def write(path: Path, *lines: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return path


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        yield scripted


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "state" / "journals"
    folder.mkdir(parents=True)
    return folder


def lms(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environ = {**os.environ, "LMS_HARNESS_STATE": str(folder.parent)}
    command = [sys.executable, "-P", "-m", "harness.cli", *words]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("line", BROKEN.values(), ids=BROKEN)
def test_a_broken_entry_leaves_the_good_lease_open_in_doubt_and_the_journal_in_place(tmp_path: Path, line: str) -> None:
    path = write(tmp_path / "run.jsonl", owner("http://127.0.0.1:9"), INTENT, SENT, GRANT, line)
    state = replay(path)
    lease = state.open_leases[1]
    assert (lease.model_key, lease.instance_id, lease.doubtful_ids) == (KEY, KEY, (KEY,))
    assert lease.doubt
    assert len(state.flaws) == 1
    # A good end closes the lease; what cannot be read is still named.
    state = replay(write(path, owner("http://127.0.0.1:9"), INTENT, SENT, GRANT, line, {"kind": "gone", "lease": 1}))
    assert not state.open_leases
    assert not state.is_settled


def test_a_broken_intent_is_not_forgotten_and_nothing_is_taken_for_its_instance(
    folder: Path, server: ScriptedServer
) -> None:
    path = write(folder / "run.jsonl", owner(server.url), {**INTENT, "resident": None}, SENT)
    instance = server.load(KEY)
    done = lms(folder, "doctor", "--fix", "--json", f"--url={server.url}")
    assert done.returncode == 1, done.stderr
    (swept,) = json.loads(done.stdout)["done"]
    assert (swept["how"], swept["instances"]) == ("doubtful", [instance])
    assert server.loaded == [instance]
    assert replay(path).open_leases[1].doubtful_ids == (instance,)


@pytest.fixture
def traps(folder: Path, tmp_path: Path) -> list[str]:
    """Fill the folder with everything that must not stop, hang or exhaust a reader; return the names."""
    lines = [line for line in BROKEN.values() if line != BROKEN["a second intent"]]
    write(folder / "alone.jsonl", *lines)
    write(folder / "owner.jsonl", {**owner("x"), "url": [], "pid": "1"}, INTENT, GRANT)
    write(folder / "boot.jsonl", {**owner("x"), "boot_id": {}, "pid": 10**300}, INTENT)
    (folder / "folder.jsonl").mkdir()
    (folder / "zero.jsonl").symlink_to("/dev/zero")
    (folder / "link.jsonl").symlink_to(write(tmp_path / "elsewhere.jsonl", owner("x"), INTENT))
    (folder / "nowhere.jsonl").symlink_to(tmp_path / "nothing")
    with (folder / "large.jsonl").open("wb") as file:
        file.truncate(MAX_BYTES * 1000)
    os.mkfifo(folder / "pipe.jsonl")
    if os.getuid() == 0:
        os.chown(write(folder / "foreign.jsonl", owner("x"), INTENT), 65534, 65534)
    return sorted(path.stem for path in folder.iterdir())


def test_doctor_names_each_journal_that_it_cannot_read_once_and_forgets_it_when_told(
    folder: Path, traps: list[str], tmp_path: Path
) -> None:
    done = lms(folder, "doctor", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    left = {journal["run_id"]: journal["flaws"] for journal in json.loads(done.stdout)["left"]}
    assert sorted(left) == traps
    assert all(left.values())
    assert left["pipe"] == left["folder"] == ["it is not a regular file"]
    assert left["zero"] == left["link"] == left["nowhere"] == ["it is a symbolic link"]
    assert left["large"] == ["it is larger than 16 MiB"]
    assert left.get("foreign", ["it belongs to another user"]) == ["it belongs to another user"]
    done = lms(folder, "doctor")
    assert (done.returncode, done.stderr) == (1, "")
    assert [done.stdout.count(f"{name}.jsonl was passed over where") for name in traps] == [1] * len(traps)
    done = lms(folder, "doctor", "--forget", "all")
    assert [path.name for path in folder.iterdir()] == ["folder.jsonl"]
    assert (tmp_path / "elsewhere.jsonl").exists()


def test_a_load_works_and_a_good_journal_is_cleaned_up_among_the_traps(
    folder: Path, traps: list[str], server: ScriptedServer
) -> None:
    write(folder / "good.jsonl", owner(server.url), INTENT, SENT, GRANT)
    server.load(KEY)
    foreign = server.load(KEY)
    done = lms(folder, "doctor", "--fix", "--json", f"--url={server.url}")
    assert done.returncode == 1
    assert [(swept["run_id"], swept["how"]) for swept in json.loads(done.stdout)["done"]] == [("good", "released")]
    assert server.loaded == [foreign]
    done = lms(folder, "load", "acme/small-4b", f"--url={server.url}", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["instance_id"] in server.loaded
    assert [done.stderr.count(f"{name}.jsonl") for name in traps] == [1] * len(traps)
    assert foreign in server.loaded


def test_a_live_journal_takes_a_foreign_line_without_losing_its_lease(folder: Path) -> None:
    journal = Journal("run", url="http://127.0.0.1:9", clock=SystemClock(), directory=folder)
    lease = journal.intent(KEY, resident=())
    with journal.path.open("a") as file:
        file.write("[" * 200_000)
    journal.grant(lease, KEY)
    assert replay(journal.path).open_leases[lease].doubtful_ids == (KEY,)
    journal.close_lease(lease, "released")
    journal.finish()
    assert journal.path.exists()
