"""What the suite `smoke` records of an embedding model, over the double: its vectors count all words of a text."""

import os
from pathlib import Path

import pytest

from harness.domain.record import MeasureRecord
from harness.store.reader import read_run
from harness.testing.fault import Status
from harness.testing.scripted import ScriptedServer
from tests import forkserver

EMBEDDER = "text-embedding-acme"


@pytest.mark.parametrize("refuses", [False, True], ids=["takes-long-texts", "refuses-long-texts"])
def test_smoke_records_what_the_vectors_are_like(tmp_path: Path, *, refuses: bool) -> None:
    with ScriptedServer() as server:
        if refuses:  # The seventh request is the first with long texts.
            said = {"error": {"type": "invalid_request", "message": "too long"}}
            server.on("POST", "/v1/embeddings", Status(400, said), after=6, times=1)
        around = {**os.environ, "LM_STUDIO_API_URL": server.url, "LMS_HARNESS_STATE": str(tmp_path / "state")}
        words = ("run", f"--model={EMBEDDER}", "--suite=smoke")
        done = forkserver.run("harness.cli", *words, cwd=tmp_path, env=around)
        assert server.loaded == []
        assert server.asked("POST", "/api/v1/chat") == []
        (long,) = (n for n, body in enumerate(server.asked("POST", "/v1/embeddings")) if len(str(body)) > 2000)
        assert long == 6
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = (tmp_path / "results").glob("*.jsonl")
    measures = [record for record in read_run(path) if isinstance(record, MeasureRecord)]
    found = {record.name: record.value for record in measures if record.name.startswith("embedding_")}
    assert found.pop("embedding_dimension") > 1
    assert abs(found.pop("embedding_norm") - 1) < 1e-6
    assert found.pop("embedding_texts_per_s") > 0
    assert found == {"embedding_moved": 0.0, "embedding_moved_in_batch": 0.0, "embedding_cuts_silently": 0.0}
    rates = [record.params["batch"] for record in measures if record.name == "embedding_texts_per_s"]
    assert rates == [1, 8, 32]
    (cut,) = (record for record in measures if record.name == "embedding_cuts_silently")
    assert cut.params["context_length"] == 512
    assert {record.model_key for record in measures} == {EMBEDDER}
