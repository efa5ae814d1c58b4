"""Thoughts are kept apart from the answer."""

import os
from pathlib import Path

from harness.domain.record import MeasureRecord
from harness.store.reader import read_run
from harness.testing.chat import Reply
from harness.testing.message import Request
from harness.testing.scripted import ScriptedServer
from tests import forkserver

from .test_smoke import ROOT

KEY = "acme/small-4b"


def test_thoughts_and_answer_are_timed_apart_and_a_round_without_an_answer_is_counted(tmp_path: Path) -> None:
    thoughts = iter([20, 20, 20, 20, 20, 5000])

    def speak(request: Request) -> Reply:
        if "coins" not in request.prompt:
            return Reply(text="one two three four")
        return Reply(reasoning=" ".join(["hm"] * next(thoughts)), text="42")

    words = ("-p", "no:cacheprovider", "suites/latency/test_thinking.py", f"--lms-model={KEY}", "--lms-thorough")
    environ = {name: value for name, value in os.environ.items() if name != "PYTEST_XDIST_WORKER"}
    environ["LMS_HARNESS_STATE"] = str(tmp_path / "state")
    with ScriptedServer(token_s=0.0002) as server:
        server.reply_with(speak)
        where = (f"--lms-url={server.url}", f"--lms-results={tmp_path}", "--lms-reasoning=on")
        done = forkserver.run("pytest", *words, *where, cwd=ROOT, env=environ)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = tmp_path.glob("*.jsonl")
    found: dict[str, list[float]] = {}
    for record in read_run(path):
        if isinstance(record, MeasureRecord):
            found.setdefault(record.name, []).append(record.value)
    assert found["thinking_reasoning_tokens"] == [20, 20, 20, 20, 1024]
    assert len(found["thinking_ttft_s"]) == 5
    assert len(found["thinking_ttft_answer_s"]) == len(found["thinking_reasoning_s"]) == 4
    apart = zip(found["thinking_ttft_s"], found["thinking_reasoning_s"], found["thinking_ttft_answer_s"], strict=False)
    assert all(abs(first_s + thought_s - answer_s) < 1e-6 for first_s, thought_s, answer_s in apart)
    said = " ".join(done.stdout.split())
    assert "Thoughts before the answer:" in said
    assert "20 tokens" in said
    assert f"{KEY}: 1 of 5 rounds had no answer within 1,024 tokens" in said
