"""What earlier runs took, from a folder in which not every file is a run."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.client.http import Client
from harness.domain.model import Model
from harness.domain.record import InstanceRecord, RunRecord, SampleRecord
from harness.domain.sample import Sample
from harness.run.plan.estimate import Work, guess_sample_s, load_cost, measuring_s, model_cost
from harness.run.plan.history import read_history
from harness.run.plan.plan import Plan
from harness.run.provenance import cpu_name
from harness.scoring.exact import Exact
from harness.selection.selection import Selection
from harness.settings import Settings
from harness.task.task import Task
from harness.testing.scripted import ScriptedServer
from tests.store.written import write
from tests.verdict.test_noise import measured

AT = "2026-11-28T08:00:00.000Z"


def earlier(name: str, model: Model, settings: Settings, *, e2e_s: float, **more: Any) -> list[Any]:
    head: dict[str, Any] = {"run_id": name, "at": AT}
    asked = {"url": settings.url, "max_output_tokens": settings.max_output_tokens, "concurrency": settings.concurrency}
    run = RunRecord(
        **head,
        harness_version="0",
        server_kind="x",
        server_url="u",
        cpu=cpu_name(),
        cpu_count=os.cpu_count(),
        settings={**asked, **more},
    )
    use = InstanceRecord(
        **head, model_key=model.key, size_bytes=model.size_bytes, load_wall_s=3.0, effective_config={"parallel": 2}
    )
    sample = SampleRecord.model_validate(
        {
            **head,
            "sample_uid": name,
            "task": "extract",
            "task_class": "extract",
            "item_id": "i",
            "item_hash": "h",
            "model_key": model.key,
            "instance_id": model.key,
            "prompt_hash": "p",
            "outcome": "ok",
            "times": {"e2e_s": e2e_s},
        }
    )
    return [run, use, sample]


def says(_: int, n: int) -> list[Sample]:
    return [Sample(item_id=str(i), prompt="Say x", target="x") for i in range(n)]


def test_the_newest_comparable_run_counts_and_files_that_are_no_runs_are_ignored(tmp_path: Path) -> None:
    settings = Settings(results=tmp_path)
    with ScriptedServer() as server, Client(server.url, token="lmstudio") as client:
        model = client.models()[0]
    write(tmp_path / "1.jsonl", earlier("1", model, settings, e2e_s=8.0))
    write(tmp_path / "2.jsonl", earlier("2", model, settings, e2e_s=4.0))
    write(tmp_path / "3.jsonl", earlier("3", model, settings, e2e_s=1.0, max_output_tokens=5))
    (tmp_path / "4.jsonl").write_text('{"kind":"run","sch')
    (tmp_path / "5.jsonl").write_text("noise\n")
    found = read_history(settings, [model])
    assert found.load_s == {model.key: 3.0}
    assert found.load_bytes_s == model.size_bytes / 3.0
    assert found.sample_s == {(model.key, "extract"): 2.0}
    assert read_history(settings, [replace(model, size_bytes=1)]).sample_s == {}


def test_measuring_takes_as_long_as_single_requests_did_before_whatever_else_that_run_asked(tmp_path: Path) -> None:
    settings = Settings(results=tmp_path, thorough=True)
    with ScriptedServer() as server, Client(server.url, token="lmstudio") as client:
        model = client.models()[0]
    assert measuring_s(model, settings) > 60, "a guess from the size"
    times = measured("tpot_s", [0.001] * 5, key=model.key) + measured("prefill_tps", [10_000.0] * 5, key=model.key)
    write(tmp_path / "1.jsonl", [*earlier("1", model, settings, e2e_s=8.0, max_output_tokens=5), *times])
    history = read_history(settings, [model])
    assert history.sample_s == {}, "its answers were shorter"
    assert (history.token_s, history.prompt_token_s) == ({model.key: 0.001}, {model.key: 0.0001})
    assert 19 < measuring_s(model, settings, history) < 30
    assert measuring_s(model, replace(settings, thorough=False), history) < 6, "30 rounds of each do not take 45 s"
    slow = replace(history, token_s={model.key: 1.0})
    assert measuring_s(model, replace(settings, thorough=False), slow) > 300, "the budget does not bound it"
    high = replace(model, reasoning_level="high")
    slow_there = replace(history, token_s={model.key: 0.001, high.name: 1.0})
    assert measuring_s(high, replace(settings, thorough=False), slow_there) > 300, "each level has its own pace"


def test_an_answer_of_another_model_takes_as_long_as_its_size_says_beside_those_that_were_measured(
    tmp_path: Path,
) -> None:
    """On a fast server a guess at 10 GB/s is hours for minutes."""
    settings = Settings(results=tmp_path)
    with ScriptedServer() as server, Client(server.url, token="lmstudio") as client:
        small, other, embeds = client.models()
    run, use, sample = earlier("1", small, settings, e2e_s=0.5, max_output_tokens=5)
    write(tmp_path / "1.jsonl", [run, use, sample.model_copy(update={"usage": {"total_output_tokens": 50}})])
    history = read_history(settings, [other])
    assert history.answer_bytes_s == 2 * 50 * small.size_bytes / 0.5, "two slots, a token every 10 ms in each"
    task = Task(name="say", task_class="say", generate=says, scorer=Exact(), max_output_tokens=40, prompt_tokens=40)
    assert guess_sample_s(task, other, settings, history) == pytest.approx(
        guess_sample_s(task, other, settings) * 1e10 / history.answer_bytes_s
    )
    assert guess_sample_s(task, embeds, settings, history) == guess_sample_s(task, embeds, settings)
    cost = model_cost(other, [task], settings, history=history, work=Work(), known=lambda _task, _model: 0)
    assert (cost.answer_basis, cost.cells[task.name].is_guess) == ("other models", True)
    plan = Plan(
        selection=Selection(models=(other,), reason="named"), tasks=(task,), settings=settings, costs={other.key: cost}
    )
    assert "a model or task that was not asked here before is counted as fast as others, by size" in " ".join(
        plan.render().split()
    )


def test_a_load_takes_as_long_as_before_else_as_fast_as_others_else_it_is_a_guess(tmp_path: Path) -> None:
    settings = Settings(results=tmp_path)
    with ScriptedServer() as server, Client(server.url, token="lmstudio") as client:
        one, other = client.models()[:2]
    assert load_cost(other, read_history(settings, [other])) == (1.0 + other.size_bytes / 1e9, "assumed")
    write(tmp_path / "1.jsonl", earlier("1", one, settings, e2e_s=8.0))
    history = read_history(settings, [other])
    assert load_cost(one, read_history(settings, [one, other])) == (3.0, "this model")
    assert load_cost(other, history) == (other.size_bytes / (one.size_bytes / 3.0), "other models")
    cost = model_cost(other, [], settings, history=history, work=Work(), known=lambda _task, _model: 0)
    assert cost.load_basis == "other models"
    selection = Selection(models=(other,), reason="named")
    plan = " ".join(Plan(selection=selection, tasks=(), settings=settings, costs={other.key: cost}).render().split())
    assert "A model that was not loaded here before is counted as fast as the others were." in plan
    assert "1 GB/s is assumed" not in plan
