"""A run in the format of Every Eval Ever, checked with its own schemas; `make validate-export` uses its package."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from harness.domain.record import PromptRecord, Record, SampleRecord, SummaryRecord
from harness.report.export.every_eval_ever import Exported, export_models
from harness.store.run_file import RunFile
from tests.store.written import write
from tests.verdict.recorded import AT, KEY, OTHER, cell, head, instance, lost

HEAD: dict[str, Any] = {"run_id": "r1", "at": AT}
PLAN = {"models": [KEY, OTHER], "tasks": {"say": "f"}, "sets": {"say": "s"}}
PROMPT = PromptRecord(**HEAD, prompt_hash="p", system_prompt="Be brief.", turns=["Hello"], prompt="Say it")
EVIL = "../..\\x1b[2J/con\n"


def schema(name: str) -> Draft7Validator:
    return Draft7Validator(json.loads((Path(__file__).parent / f"{name}.schema.json").read_text(encoding="utf-8")))


def exported(folder: Path, *records: Record) -> list[Exported]:
    return list(export_models(RunFile.read(write(folder / "r1.jsonl", records)), organisation="ACME"))


def changed(records: list[Record], **values: Any) -> list[Record]:
    return [record.model_copy(update=values) if isinstance(record, SampleRecord) else record for record in records]


def check(model: Exported) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the aggregate and the samples, once they fit the schemas and each other."""
    aggregate = json.loads(model.aggregate[1])
    rows = [json.loads(line) for line in model.samples[1].splitlines()]
    assert [error.message for error in schema("eval").iter_errors(aggregate)] == []
    assert [error.message for row in rows for error in schema("instance_level_eval").iter_errors(row)] == []
    assert {row["evaluation_id"] for row in rows} <= {aggregate["evaluation_id"]}
    assert {row["model_id"] for row in rows} <= {aggregate["model_info"]["id"]}
    results = {result["evaluation_result_id"] for result in aggregate["evaluation_results"]}
    assert {row["evaluation_result_id"] for row in rows} <= results
    details = aggregate["detailed_evaluation_results"]
    assert details["file_path"] == model.samples[0]
    assert details["checksum"] == sha256(model.samples[1].encode()).hexdigest()
    assert details["total_rows"] == model.rows == len(rows)
    return aggregate, rows


def test_scores_intervals_and_samples_stand_in_the_files(tmp_path: Path) -> None:
    records = cell([1.0, 0.0, 0.5], key=KEY)
    (model,) = exported(tmp_path, head("r1", plan=PLAN), instance(), PROMPT, *records)
    aggregate, rows = check(model)
    (result,) = aggregate["evaluation_results"]
    summary = next(record for record in records if isinstance(record, SummaryRecord))
    assert result["score_details"]["score"] == summary.score
    assert result["score_details"]["uncertainty"]["num_samples"] == 3
    assert [row["evaluation"]["score"] for row in rows] == [1.0, 0.0, 0.5]
    assert [row["evaluation"]["is_correct"] for row in rows] == [True, False, False]
    assert rows[0]["input"]["formatted"] == "system: Be brief.\n\nuser: Say it"
    assert rows[0]["performance"]["latency_ms"] == 1000.0


def test_a_sample_has_the_functions_that_were_sent_beside_its_prompt(tmp_path: Path) -> None:
    sent = PROMPT.model_copy(update={"tools": [{"name": "ping"}]})
    (model,) = exported(tmp_path, head("r1", plan=PLAN), sent, *cell([1.0], key=KEY, way="native"))
    aggregate, (row,) = check(model)
    assert aggregate["evaluation_results"][0]["generation_config"]["additional_details"] == {"way": "native"}
    assert (row["metadata"]["way"], row["metadata"]["tools"]) == ("native", '[{"name":"ping"}]')


def test_what_has_no_score_is_left_out_and_counted(tmp_path: Path) -> None:
    kept = lost(cell([1.0] * 20 + [None], key=KEY), 1)
    gone = lost(cell([1.0, None], key=KEY, task="tell"), 1)
    (model,) = exported(tmp_path, head("r1", plan=PLAN), instance(), PROMPT, *kept, *gone)
    aggregate, _ = check(model)
    (result,) = aggregate["evaluation_results"]
    assert result["evaluation_name"] == "say"
    assert result["score_details"]["details"]["unscored_answers"] == "1"
    assert (model.rows, model.unscored) == (20, 1)
    assert model.left_out == {"tell": "1 of 2 answers were lost (above 5 %)"}


def test_a_model_without_any_score_has_no_files(tmp_path: Path) -> None:
    (model,) = exported(tmp_path, head("r1", plan=PLAN), *lost(cell([None], key=KEY), 1))
    assert (model.aggregate[1], model.samples[1]) == ("", "")
    assert list(model.left_out) == ["say"]


def test_a_conversation_has_its_turns_in_order(tmp_path: Path) -> None:
    records = changed(cell([1.0], key=KEY), turns=[{"output_text": "Hi!"}])
    (model,) = exported(tmp_path, head("r1", plan=PLAN), PROMPT, *records)
    _, (row,) = check(model)
    assert [(message["role"], message["content"]) for message in row["messages"]] == [
        ("system", "Be brief."),
        ("user", "Hello"),
        ("assistant", "Hi!"),
        ("user", "Say it"),
        ("assistant", "answer 1.0"),
    ]


@pytest.mark.parametrize("turns", [[], [{"output_text": "Hi!"}]])
def test_a_run_without_prompts_says_so_in_every_sample(tmp_path: Path, turns: list[dict[str, Any]]) -> None:
    (model,) = exported(tmp_path, head("r1", plan=PLAN), *changed(cell([1.0], key=KEY), turns=turns))
    _, (row,) = check(model)
    assert row["metadata"]["prompt"] == "not recorded"
    assert row["sample_hash"] is None


@pytest.mark.parametrize("key", [EVIL, "con/NUL.txt", "/", "data", "x" * 300, "a/b/c", "ünï/cödé", ". ./.."])
def test_a_model_key_names_no_folder_but_its_own(tmp_path: Path, key: str) -> None:
    (model,) = exported(tmp_path, head("r1", plan=PLAN), *cell([1.0], key=key))
    check(model)
    for path, _ in (model.aggregate, model.samples):
        first, library, developer, name, _ = path.split("/")
        assert (first, library) == ("data", "lmstudio-harness")
        for part in (developer, name):
            assert part.strip(". ") == part != ""
            assert part.lower().partition(".")[0] not in {"con", "nul", "data"}
            assert len(part) <= 101


def test_exporting_again_gives_the_same_files(tmp_path: Path) -> None:
    records = [head("r1", plan=PLAN), *cell([1.0], key=KEY), *cell([1.0], key=OTHER)]
    first, second = exported(tmp_path, *records)
    assert first.aggregate[0] != second.aggregate[0]
    (tmp_path / "r1.jsonl").unlink()
    assert exported(tmp_path, *records) == [first, second]


def test_neither_the_server_nor_the_command_line_is_exported(tmp_path: Path) -> None:
    secret = head("r1", plan=PLAN, server_url="http://10.9.8.7:1234", argv=["run", "--model", "secret-path"])
    (model,) = exported(tmp_path, secret, *cell([1.0], key=KEY))
    assert "10.9.8.7" not in model.aggregate[1] + model.samples[1]
    assert "secret-path" not in model.aggregate[1] + model.samples[1]


def test_half_a_character_in_a_file_of_another_program_does_not_spoil_the_export(tmp_path: Path) -> None:
    path = write(tmp_path / "r1.jsonl", [head("r1", plan=PLAN), PROMPT, *cell([1.0], key=KEY)])
    path.write_text(path.read_text(encoding="utf-8").replace("Say it", "Say \\ud800it"), encoding="utf-8")
    (model,) = export_models(RunFile.read(path), organisation="ACME")
    _, (row,) = check(model)
    assert row["input"]["raw"] == "Say ?it"
