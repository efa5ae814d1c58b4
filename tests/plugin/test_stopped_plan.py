"""A run that is stopped before it begins prints why, and no plan."""

import os
from dataclasses import replace
from pathlib import Path

from harness.domain.model import Capabilities, ModelKey
from harness.testing.library import DEFAULT_MODELS
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


def test_a_plan_says_which_tasks_no_model_is_asked_and_which_levels_are_not_listed(tmp_path: Path) -> None:
    """Who waits for hours should know before; the run's end has the same reasons."""
    tiny, small = DEFAULT_MODELS[:2]
    levels = Capabilities(reasoning_options=("off", "high"))
    with ScriptedServer([tiny, small, replace(small, key=ModelKey("acme/think-8b"), capabilities=levels)]) as server:
        around = {**os.environ, "LM_STUDIO_API_URL": server.url, "LMS_HARNESS_STATE": str(tmp_path / "state")}
        words = ("run", "--model=all", "--suite=offload", "--reasoning=off,high", "--limit=1", "--dry-run")
        done = forkserver.run("harness.cli", *words, cwd=tmp_path, env=around)
    plan = " ".join(done.stdout.split())
    assert "Not asked, as these models do not list the level: acme/small-4b@high." in plan
    assert "vision is not asked: it needs a model with vision." in plan
    assert "retrieval" not in plan, "a run that selects no embedding model collects none of their tests"
