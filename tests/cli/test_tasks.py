"""`tasks`: the catalogue as it is shown, and items over run files."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.domain.record import RunRecord, SampleRecord, ScoreRecord
from harness.store.writer import RunWriter, append_records

from .conftest import Call

HEAD: dict[str, Any] = {"run_id": "r", "at": "2026-11-25T00:00:00.000Z"}


def run_file(path: Path, scores: dict[str, dict[str, float]]) -> Path:
    """Write a run in which these models scored so on these items."""
    writer = RunWriter(path)
    writer.write(RunRecord(**HEAD, harness_version="0", server_kind="embedded", server_url="http://127.0.0.1:1"))
    for model, answered in scores.items():
        for item, value in answered.items():
            uid = f"{model}/{item}"
            sample = SampleRecord(
                **HEAD,
                sample_uid=uid,
                task="extract",
                task_class="extract",
                item_id=item,
                item_hash=item,
                model_key=model,
                instance_id=model,
                prompt_hash="",
                outcome="ok",
            )
            writer.write(sample)
            writer.write(ScoreRecord(**HEAD, sample_uid=uid, scorer="fields", scorer_version="1", value=value))
    writer.close()
    return path


def test_each_class_is_shown_with_chance_and_a_reference_of_one(call: Call, tmp_path: Path) -> None:
    result = call("tasks", "--n", "30", "--results", str(tmp_path), "--json")
    assert result.code == 0
    told = {task["task"]: task for task in result.json["tasks"]}
    assert {"extract", "classify", "longcontext", "multiturn"} <= set(told)
    for task in told.values():
        assert task["reference_score"] == 1.0
        assert task["best_lazy_answer"]["score"] <= max(task["chance"] + 0.15, 0.15)
        assert task["tiers"] == {"1": 10, "2": 10, "3": 10}
    assert result.json["items"] == {}


def test_items_that_everybody_passes_or_fails_are_named(call: Call, tmp_path: Path) -> None:
    models = {
        f"m{i}": {"easy": 1.0, "hard": 0.0, "good": float(i > 2), "bad": float(i <= 2), "x": i / 5} for i in range(6)
    }
    file = run_file(tmp_path / "one.jsonl", models)
    shown = call("tasks", "--task", "extract", "--n", "6", str(file)).out
    assert "From 1 run file" in shown
    assert "extract, every model passes: easy" in shown
    assert "extract, every model fails: hard" in shown
    assert "better models fail: bad" in shown
    told = call("tasks", "--task", "extract", "--n", "6", str(file), "--json").json["items"]["extract"]
    assert {item["item_id"]: item["models"] for item in told} == dict.fromkeys(["bad", "easy", "good", "hard", "x"], 6)


def test_a_late_score_by_another_scorer_changes_no_difficulty_and_one_by_its_own_does(
    call: Call, tmp_path: Path
) -> None:
    file = run_file(tmp_path / "one.jsonl", {"m1": {"x": 0.0}, "m2": {"x": 1.0}})

    def difficulty() -> float:
        (item,) = call("tasks", "--task", "extract", "--n", "6", str(file), "--json").json["items"]["extract"]
        return float(item["difficulty"])

    assert difficulty() == 0.5
    append_records(file, [ScoreRecord(**HEAD, sample_uid="m1/x", scorer="exact", scorer_version="1", value=1.0)])
    assert difficulty() == 0.5
    append_records(file, [ScoreRecord(**HEAD, sample_uid="m1/x", scorer="fields", scorer_version="1", value=1.0)])
    assert difficulty() == 1.0


def test_files_of_the_folder_that_are_no_whole_runs_are_named_and_skipped(call: Call, tmp_path: Path) -> None:
    run_file(tmp_path / "whole.jsonl", {"m1": {"x": 1.0}})
    (tmp_path / "empty.jsonl").write_text('{"kind":"run","sch')
    (tmp_path / "foreign.jsonl").write_text('{"prompt": "hello"}\n')
    found = call("tasks", "--task", "extract", "--n", "6", "--results", str(tmp_path), "--json").json
    assert [item["item_id"] for item in found["items"]["extract"]] == ["x"]
    assert {Path(name).name for name in found["skipped"]} == {"empty.jsonl", "foreign.jsonl"}
    shown = call("tasks", "--task", "extract", "--n", "6", "--results", str(tmp_path)).out
    assert "From 1 run file" in shown
    assert "an empty run: it died before its first record was written" in " ".join(shown.split())
    named = call("tasks", "--n", "6", str(tmp_path / "empty.jsonl"), "--task", "extract")
    assert named.code == 0
    assert "an empty run" in " ".join(named.out.split())
    damaged = call("tasks", "--n", "6", str(tmp_path / "foreign.jsonl"))
    assert damaged.code == 2
    assert "foreign.jsonl:1: expected schema" in damaged.err


def test_a_class_that_is_not_there_and_a_file_that_is_none_are_told(call: Call, tmp_path: Path) -> None:
    wrong = call("tasks", "--task", "exctract")
    assert wrong.code == 2
    assert "expected one of brainstorm, classify" in wrong.err
    (tmp_path / "x.jsonl").write_text("nonsense\n")
    assert call("tasks", "--n", "6", str(tmp_path / "x.jsonl")).code == 2
    assert json.loads(call("tasks", "--n", "6", "--json", "--results", str(tmp_path / "none")).out)["items"] == {}


@pytest.mark.parametrize("columns", [40, 110])
def test_the_table_fits_the_terminal(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = call("tasks", "--n", "6", "--results", str(tmp_path)).out
    assert max(map(len, shown.splitlines())) <= columns


def test_items_are_written_for_somebody_else_to_answer(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "items.jsonl"
    words = ("tasks", "--task", "extract", "--task", "multiturn", "--n", "6", "--export")
    done = call(*words, str(file))
    assert (done.code, done.out) == (0, "")
    assert f"12 items of 2 tasks written to {file}" in done.err
    items = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [item["task"] for item in items] == ["extract"] * 6 + ["multiturn"] * 6
    assert any(item["turns"] for item in items[6:])
    assert [json.loads(line) for line in call(*words, "-").out.splitlines()] == items
    assert call(*words, str(tmp_path / "more.jsonl"), "--json").json["items"] == 12
    again = call(*words, str(file))
    assert again.code == 2
    assert "exists" in again.err
    assert call(*words, "-", str(file)).code == 2


def test_what_only_vectors_answer_is_not_written_for_a_primary(call: Call, tmp_path: Path) -> None:
    words = ("tasks", "--task", "retrieval", "--n", "3", "--export")
    refused = call(*words, str(tmp_path / "items.jsonl"))
    assert refused.code == 2
    assert "retrieval needs vectors" in refused.err
    mixed = call(*words, "-", "--task", "extract").out.splitlines()
    assert [json.loads(line)["task"] for line in mixed] == ["extract"] * 3
