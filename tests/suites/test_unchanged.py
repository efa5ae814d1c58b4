"""A thorough run asks its first requests once more at the end."""

import os
from pathlib import Path

from harness.domain.record import MeasureRecord
from harness.store.reader import read_run
from harness.testing.route import CHAT
from harness.testing.scripted import ScriptedServer
from suites.latency.probe import MAX_ROUNDS
from tests import forkserver

from .test_smoke import KEY, ROOT


def test_the_late_block_follows_everything_else_and_its_noise_is_shown(tmp_path: Path) -> None:
    tests = ("suites/latency", "-k", "late_block or one_at_a_time or test_all_slots_busy")
    words = ("-p", "no:cacheprovider", *tests, f"--lms-model={KEY}", "--lms-thorough")
    environ = {name: value for name, value in os.environ.items() if name != "PYTEST_XDIST_WORKER"}
    environ["LMS_HARNESS_STATE"] = str(tmp_path / "state")
    with ScriptedServer(token_s=0.0002) as server:
        where = (f"--lms-url={server.url}", f"--lms-results={tmp_path}")
        done = forkserver.run("pytest", *words, *where, cwd=ROOT, env=environ)
        prompts = [str(body["system_prompt"]) for body in server.asked("POST", CHAT) if "Nonce" in str(body)]
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(prompts) > 2 * MAX_ROUNDS
    assert len(set(prompts)) == len(prompts), "a prompt that was asked before may be answered from the server's cache"
    (path,) = tmp_path.glob("*.jsonl")
    names = [record.name for record in read_run(path) if isinstance(record, MeasureRecord)]
    assert names.count("late_e2e_s") == names.count("late_ttft_s") == 10
    assert names.index("late_e2e_s") > max(place for place, name in enumerate(names) if name == "e2e_s")
    assert "Noise: how far a figure is from itself" in " ".join(done.stdout.split())
    assert "When the run began: load average" in " ".join(done.stdout.split())
