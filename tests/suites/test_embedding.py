"""What the suites smoke and latency record of an embedding model, over the double: its vectors count all words."""

import os
from pathlib import Path

import pytest

from harness.domain.record import MeasureRecord
from harness.store.reader import read_run
from harness.testing.fault import Status
from harness.testing.scripted import ScriptedServer
from tests import forkserver

EMBEDDER = "text-embedding-acme"


def run(folder: Path, server: ScriptedServer, *words: str) -> tuple[str, list[MeasureRecord]]:
    """Run suites on the embedding model; return what was printed, and what was measured."""
    # Else pytest-benchmark would measure nothing.
    around = {name: value for name, value in os.environ.items() if name != "PYTEST_XDIST_WORKER"}
    around |= {"LM_STUDIO_API_URL": server.url, "LMS_HARNESS_STATE": str(folder / "state")}
    done = forkserver.run("harness.cli", "run", f"--model={EMBEDDER}", *words, cwd=folder, env=around)
    assert done.returncode == 0, done.stdout + done.stderr
    assert server.loaded == []
    assert server.asked("POST", "/api/v1/chat") == []
    (path,) = (folder / "results").glob("*.jsonl")
    measures = [record for record in read_run(path) if isinstance(record, MeasureRecord)]
    assert {record.model_key for record in measures} == {EMBEDDER}
    return " ".join(done.stdout.split()), measures


@pytest.mark.parametrize("refuses", [False, True], ids=["takes-long-texts", "refuses-long-texts"])
def test_smoke_records_what_the_vectors_are_like(tmp_path: Path, *, refuses: bool) -> None:
    with ScriptedServer() as server:
        if refuses:  # The seventh request is the first with long texts.
            said = {"error": {"type": "invalid_request", "message": "too long"}}
            server.on("POST", "/v1/embeddings", Status(400, said), after=6, times=1)
        shown, measures = run(tmp_path, server, "--suite=smoke")
        (long,) = (n for n, body in enumerate(server.asked("POST", "/v1/embeddings")) if len(str(body)) > 2000)
        assert long == 6
    found = {record.name: record.value for record in measures}
    assert found.pop("embedding_dimension") > 1
    assert abs(found.pop("embedding_norm") - 1) < 1e-6
    assert found == {"embedding_moved": 0.0, "embedding_moved_in_batch": 0.0, "embedding_cuts_silently": 0.0}
    assert measures[-1].params["context_length"] == 512
    assert "whole or refused" in shown


def test_latency_times_loads_and_texts_a_second_alone(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        shown, measures = run(tmp_path, server, "--suite=latency", "--latency-budget=1s")
    assert {record.cold for record in measures if record.name == "load_time_s"} == {None, False}
    texts = [record for record in measures if record.name == "embedding_texts_per_s"]
    assert {record.params["batch"] for record in texts} == {1, 8, 32}
    assert all(record.value > 0 and record.unit == "text/s" for record in texts)
    assert "model 1 text 8 texts 32 texts" in shown
    assert "TTFT" not in shown
