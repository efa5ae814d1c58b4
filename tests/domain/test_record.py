"""The promise that files of older minor versions stay readable, kept with a file of the very first version."""

import json
from pathlib import Path

from harness.domain.kind import Kinds
from harness.domain.record import EndRecord, PromptRecord, SampleRecord, ScoreRecord, SummaryRecord
from harness.report.table import render
from harness.store.reader import read_run
from harness.store.run_file import RunFile

FIRST = Path(__file__).parent / "first-version.jsonl"
"""Written by the record models of the first version (2026-11-23), with every kind and field that they had."""


def test_a_file_of_the_first_version_is_read_whole() -> None:
    lines = [json.loads(line) for line in FIRST.read_text().splitlines()]
    records = list(read_run(FIRST))
    assert [record.kind for record in records] == [line["kind"] for line in lines]
    assert {line["kind"] for line in lines} == set(Kinds.by_name) - {"comparison", "item", "prompt"}
    for line, record in zip(lines, records, strict=True):
        read = record.model_dump(by_alias=True, mode="json")
        assert {name: read[name] for name in line} == line  # No field was renamed or has changed its meaning.


def test_what_the_first_version_lacked_has_its_default() -> None:
    records = list(read_run(FIRST))
    (cell,) = (record for record in records if isinstance(record, SummaryRecord))
    assert (cell.planned, cell.reducer, cell.stopped_early, cell.race, cell.answers) == (None, "mean", False, {}, 31)
    assert {record.attempts for record in records if isinstance(record, SampleRecord)} == {1}
    assert [record.value for record in records if isinstance(record, ScoreRecord)] == [1.0, 0.0, None]
    assert isinstance(records[-1], EndRecord)


def test_its_table_is_rendered_without_verdicts_or_repeats() -> None:
    text = render(RunFile.read(FIRST), width=110)
    assert "0.50 [0.33, 0.67]" in text
    assert "Skipped: acme/huge-70b: out of memory" in text
    assert "Note: a note of old" in text
    assert "verdict" not in text
    assert "repeats" not in text


def test_every_field_that_was_added_since_has_a_default() -> None:
    had = {line["kind"]: set(line) for line in map(json.loads, FIRST.read_text().splitlines())}
    for kind, names in had.items():
        fields = Kinds.by_name[kind].model_fields
        required = {field.alias or name for name, field in fields.items() if field.is_required()}
        assert required <= names, kind


def test_a_line_of_which_there_are_many_lacks_what_is_null_and_is_read_as_if_it_stood_there() -> None:
    head = {"run_id": "r", "at": "2026-11-29T08:00:00.000Z"}
    names = {"task": "t", "task_class": "t", "item_id": "i", "item_hash": "h", "model_key": "m", "instance_id": "m"}
    sample = SampleRecord.model_validate(
        {
            **head,
            **names,
            "sample_uid": "u",
            "prompt_hash": "p",
            "outcome": "ok",
            "target": {"a": None},
            "times": {"e2e_s": None},
        }
    )
    unscored = ScoreRecord.model_validate(
        {**head, "sample_uid": "u", "scorer": "s", "scorer_version": "1", "value": None}
    )
    prompt = PromptRecord.model_validate({**head, "prompt_hash": "p", "prompt": "Hello"})
    for record, left_out, null in (
        (sample, {"reasoning_level", "error"}, set()),
        (unscored, {"passed", "judge"}, {"value"}),
        (prompt, {"system_prompt", "continues"}, set()),
    ):
        line = json.loads(record.to_json())
        whole = record.model_dump(by_alias=True, mode="json")
        assert whole.keys() - line.keys() == left_out
        assert {name for name, value in line.items() if value is None} == null
        assert type(record).model_validate(line) == record
    assert json.loads(sample.to_json())["target"] == {"a": None}
