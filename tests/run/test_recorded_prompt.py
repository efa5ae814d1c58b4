"""What a run file holds of the prompts: each once, as sent, or none."""

from dataclasses import replace

import pytest

from harness.domain.model import LoadConfig
from harness.domain.record import PromptRecord, Record, SampleRecord, ScoreRecord
from harness.domain.sample import Sample
from harness.store.reader import read_run
from harness.task.task import Task

from .conftest import CHAT, TASK, Bench, Make

MOST_BYTES = 1550
"""What a sample may take beside its own text."""


def words(_: int, n: int, room: int) -> list[Sample]:
    return [Sample(item_id=f"words-{i}", prompt="say " + "w " * (room - i), target="") for i in range(n)]


def asked(bench: Bench, task: Task = TASK) -> list[Record]:
    with bench.run.leased(bench.model, LoadConfig(context_length=2048)) as leased:
        bench.run.evaluate(task, leased)
    bench.run.close(exit_code=0)
    return list(read_run(bench.run.path))


def test_a_prompt_is_recorded_once_however_often_it_is_asked(make: Make) -> None:
    records = asked(make(epochs=3))
    prompts = [record for record in records if isinstance(record, PromptRecord)]
    samples = [record for record in records if isinstance(record, SampleRecord)]
    assert sorted(prompt.prompt for prompt in prompts) == [f"say {number}" for number in range(6)]
    assert len(samples) == 18
    for sample in samples:
        assert any(
            prompt.prompt_hash == sample.prompt_hash
            for prompt in records[: records.index(sample)]
            if isinstance(prompt, PromptRecord)
        )


def test_a_prompt_that_is_fitted_to_the_context_is_recorded_as_sent(make: Make) -> None:
    bench = make(limit=2, context_length=2048)
    prompts = [record for record in asked(bench, replace(TASK, generate_for=words)) if isinstance(record, PromptRecord)]
    sent = [chat["input"] for chat in bench.server.asked("POST", CHAT)[1:]]
    assert sorted(prompt.prompt for prompt in prompts) == sorted(sent)
    assert len(sent[0]) > 500


def test_without_prompts_the_file_holds_none_but_the_answers_stay(make: Make) -> None:
    bench = make(no_prompts=True)
    bench.server.reply_with(lambda _: "an answer")
    records = asked(bench)
    assert not any(isinstance(record, PromptRecord) for record in records)
    assert {record.output_text for record in records if isinstance(record, SampleRecord)} == {"an answer"}


@pytest.mark.parametrize("size", [10, 5000])
def test_a_sample_takes_little_beside_its_own_text(make: Make, size: int) -> None:
    bench = make(limit=1)
    bench.server.reply_with(lambda _: "a" * size)
    records = asked(bench)
    kept = [record for record in records if isinstance(record, PromptRecord | SampleRecord | ScoreRecord)]
    assert [type(record) for record in kept] == [PromptRecord, SampleRecord, ScoreRecord]
    assert sum(len(record.to_json().encode()) for record in kept) - size < MOST_BYTES
