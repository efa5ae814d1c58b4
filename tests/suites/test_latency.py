"""The latency suite records all that it promises, on a scripted LM Studio."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from harness.domain.record import MeasureRecord
from harness.run.plan import estimate
from harness.settings import Settings
from harness.store.reader import read_run
from harness.testing.library import DEFAULT_MODELS
from harness.testing.scripted import ScriptedServer
from suites.latency import ladder, test_load, test_texts, test_throughput, test_unchanged
from suites.latency.probe import LEAST_ROUNDS, LEAST_WINDOWS, MAX_ROUNDS, rounds_within
from tests import forkserver

from .test_smoke import KEY, ROOT

LOADS = {"load_time_s", "load_wall_s", "unload_wall_s"}
ANSWERS = {"ttft_s", "server_ttft_s", "e2e_s", "prefill_tps", "tpot_s", "decode_tps", "server_tps", "itl_s"}


def test_loads_answers_and_throughput_are_measured_and_nothing_stays(tmp_path: Path) -> None:
    words = ("-p", "no:cacheprovider", "suites/latency", f"--lms-model={KEY}", "--lms-latency-budget=0.5s")
    # In a worker of pytest-xdist pytest-benchmark takes one round of each.
    environ = {name: value for name, value in os.environ.items() if name != "PYTEST_XDIST_WORKER"}
    environ["LMS_HARNESS_STATE"] = str(tmp_path / "state")
    with ScriptedServer(token_s=0.0005) as server:
        where = (f"--lms-url={server.url}", f"--lms-results={tmp_path}")
        done = forkserver.run("pytest", *words, *where, cwd=ROOT, env=environ)
        assert server.loaded == []
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = tmp_path.glob("*.jsonl")
    measures = [record for record in read_run(path) if isinstance(record, MeasureRecord)]
    assert {record.name for record in measures} >= LOADS | ANSWERS | {"throughput_tps"}
    # An answer that a busy client reads in one go has no decode rate.
    for name in (*ANSWERS - {"tpot_s", "decode_tps"}, "throughput_tps"):
        assert [record.round for record in measures if record.name == name][:3] == [1, 2, 3], name
    alone = [record.params["concurrency"] for record in measures if record.name in ANSWERS]
    assert set(alone) == {1}
    (slots,) = {record.params["concurrency"] for record in measures if record.name == "throughput_tps"}
    assert slots > 1


def test_single_requests_fill_the_budget_and_take_thirty_rounds_if_thorough() -> None:
    budget = Settings(latency_budget_s=9.0)
    assert [rounds_within(budget, first_s, least=LEAST_ROUNDS) for first_s in (0.0, 0.25, 9.0)] == [30, 12, 4]
    assert rounds_within(budget, 9.0, least=LEAST_WINDOWS) == 3
    assert rounds_within(replace(budget, thorough=True), 9.0, least=LEAST_ROUNDS) == 30


def test_the_estimate_of_a_thorough_run_counts_each_request_and_load() -> None:
    single, *several = ladder.steps(estimate._SLOTS)
    a_step = (1 + ladder.WINDOWS) * ladder.REQUESTS
    singly = (1 + MAX_ROUNDS) + (1 + test_unchanged.ROUNDS) + a_step * single + 3 * test_throughput.FLIP_QUESTIONS
    at_once = (1 + MAX_ROUNDS) * estimate._SLOTS + a_step * sum(several) + test_throughput.FLIP_QUESTIONS
    assert (singly, at_once) == (estimate._SINGLE_REQUESTS, estimate._REQUESTS_AT_ONCE)
    explicit = 1 + test_load.THOROUGH_COLD_ROUNDS + test_load.THOROUGH_WARM_ROUNDS
    assert explicit + 2 * (1 + test_load.JIT_ROUNDS) + 1 == estimate._THOROUGH_LOADS
    assert explicit + 1 == estimate._THOROUGH_EMBEDDER_LOADS
    assert test_texts.BATCHES == estimate._BATCHES


def test_the_estimate_of_an_everyday_run_counts_as_many_loads_as_the_budget_allows() -> None:
    settings = Settings(latency_budget_s=45.0)
    chat, *_, embedder = DEFAULT_MODELS
    assert [estimate._loads(chat, settings, load_s) for load_s in (0.5, 5.0, 20.0)] == [5, 4, 3]
    assert [estimate._loads(model, Settings(thorough=True), 0.5) for model in (chat, embedder)] == [22, 10]


def test_an_embedding_model_is_estimated_by_its_texts_and_not_by_chats() -> None:
    chat, *_, embedder = DEFAULT_MODELS
    settings = Settings(thorough=True)
    same_size = replace(chat, size_bytes=embedder.size_bytes, params_string=None)
    token_s = embedder.size_bytes / 10e9
    assert estimate.measuring_s(embedder, settings) == pytest.approx(30 * (1 + 8 + 32) * 20 * token_s / 4)
    assert estimate.measuring_s(same_size, settings) > 4 * estimate.measuring_s(embedder, settings)


def test_where_the_budget_is_too_short_a_line_says_how_many_rounds_there_are_and_why(tmp_path: Path) -> None:
    words = ("-p", "no:cacheprovider", "-k", "one_at_a_time", "suites/latency", f"--lms-model={KEY}")
    environ = {name: value for name, value in os.environ.items() if name != "PYTEST_XDIST_WORKER"}
    environ["LMS_HARNESS_STATE"] = str(tmp_path / "state")
    with ScriptedServer(token_s=0.005) as server:
        where = (f"--lms-url={server.url}", f"--lms-results={tmp_path}", "--lms-latency-budget=0.3s")
        done = forkserver.run("pytest", *words, *where, cwd=ROOT, env=environ)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = tmp_path.glob("*.jsonl")
    measures = [record for record in read_run(path) if isinstance(record, MeasureRecord)]
    assert [record.round for record in measures if record.name == "e2e_s"] == [1, 2, 3, 4]
    assert f"{KEY}: 4 rounds of single requests, the fewest that say anything" in done.stdout + done.stderr


def test_the_plan_counts_the_rounds_that_are_asked() -> None:
    planned = estimate._LEAST_ROUNDS, estimate._LEAST_WINDOWS, estimate._MOST_ROUNDS
    assert planned == (LEAST_ROUNDS, LEAST_WINDOWS, MAX_ROUNDS)
