"""A pid that the system has given to another process does not make a dead run look alive."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.clock import SystemClock
from harness.reaper import identity
from harness.reaper.sweep import left_journals, sweep
from harness.testing.scripted import ScriptedServer

KEY = "acme/tiny-1b"
REUSE = """
import json, os, signal, sys, time
from pathlib import Path
from harness.reaper import identity

ours, theirs = os.pipe()
if not (first := os.fork()):
    os.write(theirs, json.dumps(identity.owner()).encode())
    os._exit(0)
entry = json.loads(os.read(ours, 65536))
os.waitpid(first, 0)
time.sleep(0.05)  # A start time is told in ticks of 10 ms.
Path("/proc/sys/kernel/ns_last_pid").write_text(str(first - 1))
if not (second := os.fork()):
    signal.pause()
now = {**entry, "process_start": identity.process_start(second)}
print(json.dumps([entry["pid"], second, identity.is_alive(entry), identity.is_alive(now)]))
os.kill(second, signal.SIGKILL)
"""


def test_a_process_that_got_the_pid_of_a_dead_one_is_not_taken_for_it() -> None:
    """In a namespace of pids, where the next one can be chosen."""
    unshare = shutil.which("unshare")
    if unshare is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("needs Linux, unshare (util-linux) and root, to choose the pid of a process")
    words = [unshare, "--pid", "--fork", "--mount-proc", sys.executable, "-c", REUSE]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0 and ("unshare" in done.stderr or "ns_last_pid" in done.stderr):
        pytest.skip(f"no namespace of pids can be made here: {done.stderr.splitlines()[-1]}")
    first, second, is_first_alive, is_second_alive = json.loads(done.stdout)
    assert first == second
    assert (is_first_alive, is_second_alive) == (False, True)


def test_a_journal_whose_pid_is_now_another_process_is_swept(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        path = tmp_path / "run.jsonl"
        head = {"kind": "owner", "run_id": "run", "url": server.url, **identity.owner(), "process_start": "1"}
        at = "2026-01-01T00:00:00.000Z"
        intent = {"kind": "intent", "lease": 1, "model_key": KEY, "resident": [], "config": {}, "at": at}
        grant = {"kind": "grant", "lease": 1, "instance_id": KEY}
        path.write_text("".join(json.dumps(entry) + "\n" for entry in (head, intent, grant)))
        server.load(KEY)
        (left,) = left_journals(tmp_path)
        assert (left.keeper, head["pid"]) == ("nobody", os.getpid())
        (done,) = sweep(tmp_path, url=server.url, token="", clock=SystemClock(), settle_s=0.1)
        assert done.ending.how == "released"
        assert server.loaded == []
        assert not path.exists()
