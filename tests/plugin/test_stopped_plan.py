"""A run that is stopped before it begins prints why, and no plan."""

import os
from pathlib import Path

from harness.testing.scripted import ScriptedServer
from tests import forkserver


def test_a_dry_run_that_is_stopped_prints_the_reason_and_no_plan(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        around = {**os.environ, "LM_STUDIO_API_URL": server.url, "LMS_HARNESS_STATE": str(tmp_path / "state")}
        words = ("run", "--model=all", "--task=tolls", "--dry-run")
        done = forkserver.run("harness.cli", *words, cwd=tmp_path, env=around)
    out = done.stdout + done.stderr
    assert done.returncode == 2, out
    assert "--task: no such task: tolls" in out
    assert "Plan:" not in out
    assert "test_classify.py" not in out


def test_all_means_both_kinds_of_model_where_tasks_of_both_are_named(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        around = {**os.environ, "LM_STUDIO_API_URL": server.url, "LMS_HARNESS_STATE": str(tmp_path / "state")}
        words = ("run", "--model=all", "--task=reason", "--task=retrieval", "--limit=2", "--dry-run")
        done = forkserver.run("harness.cli", *words, cwd=tmp_path, env=around)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Plan: 3 models" in done.stdout
    assert "tasks: retrieval, reason." in " ".join(done.stdout.split())
