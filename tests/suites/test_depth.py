"""Prefill and decode by length of the prompt: what is recorded, and what is left out with its reason."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.domain.generation import Generation, ServerStats, Times
from harness.domain.model import InstanceId, Model, ModelKey
from harness.domain.record import MeasureRecord, SkipRecord
from harness.run.recorder import Recorder
from harness.store.reader import read_run
from harness.testing.clock import FakeClock
from harness.testing.route import CHAT
from harness.testing.scripted import ScriptedServer
from suites.latency.depth import Measured
from tests import forkserver

from .test_smoke import KEY, ROOT

NAMES = {
    "ttft_s",
    "server_ttft_s",
    "e2e_s",
    "prefill_tps",
    "tpot_s",
    "decode_tps",
    "server_tps",
    "itl_s",
    "warm_ttft_s",
}


def test_each_length_that_fits_has_five_rounds_of_new_prompts_and_of_cached_ones(tmp_path: Path) -> None:
    tests = ("suites/latency/test_depth.py", "suites/latency/test_thinking.py")  # One run for both saves seconds.
    words = ("-p", "no:cacheprovider", *tests, f"--lms-model={KEY}", "--lms-thorough", "-rs")
    environ = {name: value for name, value in os.environ.items() if name != "PYTEST_XDIST_WORKER"}
    environ["LMS_HARNESS_STATE"] = str(tmp_path / "state")
    with ScriptedServer(token_s=0.001) as server:
        server.reply_with(lambda _: "one two three four five six")
        where = (f"--lms-url={server.url}", f"--lms-results={tmp_path}", "--lms-context-length=2500")
        done = forkserver.run("pytest", *words, *where, cwd=ROOT, env=environ)
        assert server.loaded == []
        prompts = Counter(body.get("system_prompt") for body in server.asked("POST", CHAT))
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = tmp_path.glob("*.jsonl")
    records = list(read_run(path))
    measures = [record for record in records if isinstance(record, MeasureRecord) and "depth" in record.params]
    counts = Counter((record.name.removeprefix("depth_"), record.params["depth"]) for record in measures)
    for depth in (128, 512, 2048):
        assert {name for name, at in counts if at == depth} >= NAMES
        # An answer that a busy client reads in one go has no decode rate.
        assert {counts[name, depth] for name in NAMES - {"tpot_s", "decode_tps"}} == {5}
        lengths = {record.params["prompt_tokens"] for record in measures if record.params["depth"] == depth}
        assert all(abs(length - depth) <= 4 for length in lengths), (depth, lengths)
    (skip,) = [record for record in records if isinstance(record, SkipRecord)]
    assert skip.task == "latency at 8000 tokens"
    assert skip.reason == (
        "a prompt of 8,000 tokens does not fit: the model was loaded with a context of 2,500; it takes 8,192"
    )
    said = " ".join(done.stdout.split())  # Whatever the width of the terminal.
    assert f"Skipped: {KEY} latency at 8000 tokens: a prompt of 8,000 tokens does not fit" in said
    assert f"{KEY}: prompts of 2,048 tokens, 5 rounds ..." in said
    assert f"{KEY}, by length of the prompt:" in said
    assert "^ : unproved" in said  # As LM Studio, this server tells nothing of its cache.
    assert prompts.pop(None) == 2  # The warm-up, and a question that shows whether the model thinks.
    assert "it does not think before it answers, or is told not to" in said
    assert Counter(prompts.values())[2] == 3 * 5  # Each is asked once more, as the cached one.
    assert set(prompts.values()) == {1, 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """Stands in for a run and for a leased model where only what is recorded of them matters."""

    recorder: Recorder
    model: Model
    instance_id: str = KEY


def test_a_round_that_met_the_prompt_cache_is_counted_and_left_out(tmp_path: Path) -> None:
    def answer(cached: int) -> Generation:
        stats = ServerStats(input_tokens=512, total_output_tokens=64, cached_tokens=cached)
        times = Times(ttft_s=0.5, e2e_s=1.5, total_s=1.6, chunks=64)
        return Generation(model_instance_id=InstanceId(KEY), text="one", stats=stats, times=times)

    recorder = Recorder(tmp_path, clock=FakeClock())
    noted: Any = Noted(recorder=recorder, model=Model(key=ModelKey(KEY), type="llm"))
    cold = [answer(cached) for cached in (12, 12, 500, 13, 12)]
    Measured(depth=512, cold=cold, warm=[answer(500)] * 5).record(noted, noted, {"others": []})
    recorder.end(exit_code=0, interrupted=False, resident=None)
    measures = [record for record in read_run(recorder.path) if isinstance(record, MeasureRecord)]
    assert [record.round for record in measures if record.name == "depth_ttft_s"] == [1, 2, 4, 5]
    assert [record.value for record in measures if record.name == "depth_prefill_tps"] == [1000, 1000, 998, 1000]
    assert [record.value for record in measures if record.name == "depth_cache_hits"] == [1]
    assert len([record for record in measures if record.name == "depth_warm_ttft_s"]) == 5
