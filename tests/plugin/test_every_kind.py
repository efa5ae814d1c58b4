"""A chat model, a model with vision and an embedding model in one run: one table, and who is not asked what and why."""

import os
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

from harness.domain.model import Capabilities, ModelKey
from harness.domain.record import PromptRecord, SampleRecord, SkipRecord, SummaryRecord
from harness.store.reader import read_run
from harness.testing.library import DEFAULT_MODELS
from harness.testing.message import Request
from harness.testing.scripted import ScriptedServer
from tests import forkserver
from tests.suites.seeing import answer

CHATS, EMBEDS = DEFAULT_MODELS[0], next(model for model in DEFAULT_MODELS if model.is_embedding)
SEES = replace(CHATS, key=ModelKey("acme/sees-2b"), capabilities=Capabilities(vision=True))


def _looks(request: Request) -> str:
    asked = request.json.get("input")
    if not isinstance(asked, list):
        return "I do not know."
    words, image = ([part[name] for part in asked if name in part] for name in ("content", "data_url"))
    return answer(b64decode(image[0].partition(",")[2]), words[0])


def test_one_command_over_every_kind_of_model_ends_in_one_table(tmp_path: Path) -> None:
    with ScriptedServer([CHATS, SEES, EMBEDS]) as server:
        server.reply_with(_looks)
        around = {**os.environ, "LM_STUDIO_API_URL": server.url, "LMS_HARNESS_STATE": str(tmp_path / "state")}
        tasks = [f"--task={name}" for name in ("reason", "retrieval", "vision")]
        words = ("run", *(f"--model={model.key}" for model in (CHATS, SEES, EMBEDS)), "--limit=12", *tasks)
        done = forkserver.run("harness.cli", *words, cwd=tmp_path, env={**around, "COLUMNS": "100"})
        assert server.loaded == []
        chosen = forkserver.run("harness.cli", "choose", f"--primary={CHATS.key}", cwd=tmp_path, env=around).stdout
        why = ("choose", f"--primary={CHATS.key}", "--why=retrieval")
        reasons = forkserver.run("harness.cli", *why, cwd=tmp_path, env=around).stdout
    out = done.stdout + done.stderr
    assert done.returncode == 0, out
    (path,) = (tmp_path / "results").glob("*.jsonl")
    records = list(read_run(path))
    cells = {(cell.model_key, cell.task): cell.score for cell in records if isinstance(cell, SummaryRecord)}
    assert set(cells) == {
        (CHATS.key, "reason"), (SEES.key, "reason"), (SEES.key, "vision"), (EMBEDS.key, "retrieval")
    }  # fmt: skip
    assert cells[SEES.key, "vision"] == 1.0
    skips = {(skip.model_key, skip.task): skip.reason for skip in records if isinstance(skip, SkipRecord)}
    assert skips == {
        (CHATS.key, "vision"): "needs a model with vision",
        (CHATS.key, "retrieval"): "needs an embedding model",
        (SEES.key, "retrieval"): "needs an embedding model",
        (EMBEDS.key, "reason"): "needs a chat model",
        (EMBEDS.key, "vision"): "needs a chat model",
    }
    _check_who_is_kept(chosen, reasons)
    assert all(any(line.startswith(f"{task}  ") for line in out.splitlines()) for task in ("reason", "vision")), out
    assert [len(record.images) for record in records if isinstance(record, PromptRecord) and record.images] == [1] * 12
    seen = [record for record in records if isinstance(record, SampleRecord) and record.task == "vision"]
    assert all(record.tags["image"] for record in seen)
    assert "base64" not in path.read_text(encoding="utf-8")


def _check_who_is_kept(chosen: str, reasons: str) -> None:
    """A chat model as the primary is no yardstick for an embedding task: its floor is, and the words say so."""
    rows = {words[0]: line for line in chosen.splitlines() if (words := line.split())}
    assert "none suffices" in rows["retrieval"]
    told = " ".join(chosen.split())
    floored = "retrieval (0.80), vision (0.80). none suffices: no model reaches it, so keep what you use now."
    assert f"{CHATS.key} has no answers to these tasks, where a floor is to be reached instead: {floored}" in told
    assert f"a score of 0.80 (the floor, as {CHATS.key} has no answers to this task)" in " ".join(reasons.split())
    assert "your primary" not in chosen + reasons
    assert max(map(len, chosen.splitlines())) <= 110


def test_a_named_task_that_no_selected_model_can_be_asked_ends_before_a_load(tmp_path: Path) -> None:
    with ScriptedServer([CHATS, SEES, EMBEDS]) as server:
        around = {**os.environ, "LM_STUDIO_API_URL": server.url, "LMS_HARNESS_STATE": str(tmp_path / "state")}
        words = ("run", f"--model={CHATS.key}", "--task=vision", "--task=reason", "--limit=2")
        done = forkserver.run("harness.cli", *words, cwd=tmp_path, env=around)
        assert server.asked("POST", "/api/v1/models/load") == []
    assert done.returncode == 2, done.stdout
    assert "vision needs a model with vision, and no selected model is one" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
