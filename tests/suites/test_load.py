"""Loads in full on a scripted LM Studio, whose files nobody knows: nothing is called cold, and nothing stays loaded."""

import os
from collections import Counter
from pathlib import Path

from harness.domain.record import MeasureRecord, SkipRecord
from harness.store.reader import read_run
from harness.testing.scripted import ScriptedServer
from tests import forkserver

from .test_smoke import KEY, ROOT

JIT = ("jit_e2e_s", "jit_load_time_s", "load_then_e2e_s")


def test_warm_loads_and_first_requests_have_five_rounds_and_cold_ones_a_reason(tmp_path: Path) -> None:
    words = ("-p", "no:cacheprovider", "suites/latency/test_load.py", f"--lms-model={KEY}", "--lms-thorough")
    environ = {name: value for name, value in os.environ.items() if name != "PYTEST_XDIST_WORKER"}
    environ["LMS_HARNESS_STATE"] = str(tmp_path / "state")
    with ScriptedServer() as server:
        where = (f"--lms-url={server.url}", f"--lms-results={tmp_path}")
        done = forkserver.run("pytest", *words, *where, cwd=ROOT, env=environ)
        assert server.loaded == []
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = tmp_path.glob("*.jsonl")
    records = list(read_run(path))
    measures = [record for record in records if isinstance(record, MeasureRecord)]
    assert Counter(record.cold for record in measures if record.name == "load_time_s") == {None: 1, False: 5}
    assert Counter(record.name for record in measures if record.name in JIT) == dict.fromkeys(JIT, 5)
    (skip,) = [record for record in records if isinstance(record, SkipRecord)]
    assert (skip.task, skip.reason) == (
        "cold load",
        "which file the server loads is known only of an embedded server that the run starts itself",
    )
    said = " ".join(done.stdout.split())  # Whatever the width of the terminal.
    assert f"Skipped: {KEY} cold load: which file" in said
    assert "a first request that loads the model (JIT) takes" in said
    assert f"{KEY}, uncontrolled: which file the server loads is known only of" in said


def test_what_is_kept_is_not_loaded_again_and_again_for_its_time(tmp_path: Path) -> None:
    words = ("-p", "no:cacheprovider", "suites/latency/test_load.py", f"--lms-model={KEY}", "--lms-thorough")
    environ = {**os.environ, "LMS_HARNESS_STATE": str(tmp_path / "state")}
    with ScriptedServer() as server:
        where = (f"--lms-url={server.url}", f"--lms-results={tmp_path}", "--lms-unload=keep", "-rs")
        done = forkserver.run("pytest", *words, *where, cwd=ROOT, env=environ)
        assert server.loaded == []
    assert "with --unload keep every load that is timed would stay" in " ".join(done.stdout.split())


def test_beside_what_others_loaded_no_request_loads_the_model(tmp_path: Path) -> None:
    words = ("-p", "no:cacheprovider", "suites/latency/test_load.py", f"--lms-model={KEY}", "--lms-thorough")
    environ = {**os.environ, "LMS_HARNESS_STATE": str(tmp_path / "state")}
    with ScriptedServer() as server:
        other = server.load(next(model.key for model in server.models if model.key != KEY and not model.is_embedding))
        where = (f"--lms-url={server.url}", f"--lms-results={tmp_path}", "-k", "first_request")
        done = forkserver.run("pytest", *words, *where, cwd=ROOT, env=environ)
        assert server.loaded == [other]
    assert "a JIT load could evict what others have loaded" in " ".join(done.stdout.split())
