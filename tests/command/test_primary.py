"""A primary that is not local: questions go out without what is right, answers come back as the yardstick."""

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from harness.command.choose import Chosen, choose_all
from harness.command.primary import export_items
from harness.domain.record import InstanceRecord, Record, RunRecord, SampleRecord, ScoreRecord, SummaryRecord
from harness.domain.sample import Sample
from harness.errors import HarnessError, SettingsError, TaskError
from harness.task.catalogue import Entry, load_catalogue
from harness.task.shipped import suites_dir
from harness.task.task import Task
from harness.verdict.choose import AnswerKind
from harness.verdict.contender import Rule
from tests.store.written import write

N = 24
TASKS = ("classify", "multiturn")
HEAD: dict[str, Any] = {"run_id": "20261128T000000Z-00000000", "at": "2026-11-28T00:00:00.000Z"}
MODEL = "acme/local"


@cache
def entries() -> Mapping[str, Entry]:
    return {entry.task.name: entry for entry in load_catalogue(suites_dir())}


def shipped() -> Mapping[str, Task]:
    return {name: entry.task for name, entry in entries().items()}


def samples(name: str, seed: int = 0) -> Sequence[Sample]:
    return entries()[name].task.samples(seed=seed, limit=N)


def records(name: str, task: Task, passes: int, **scorer: str) -> list[Record]:
    made: list[Record] = []
    judge: dict[str, Any] = {"scorer": task.scorer.name, "scorer_version": task.scorer.version, **scorer}
    for number, sample in enumerate(samples(name)):
        uid = f"{name}-{number}"
        made.append(
            SampleRecord(
                **HEAD,
                sample_uid=uid,
                task=name,
                task_class=task.task_class,
                item_id=sample.item_id,
                item_hash=sample.item_hash,
                model_key=MODEL,
                instance_id=MODEL,
                prompt_hash=sample.prompt_hash,
                target=sample.target,
                outcome="ok",
                output_text="x",
            )
        )
        made.append(ScoreRecord(**HEAD, sample_uid=uid, value=float(number < passes), **judge))
    made.append(
        SummaryRecord(
            **HEAD,
            model_key=MODEL,
            task=name,
            task_class=task.task_class,
            scorer=judge["scorer"],
            n=N,
            unscored=0,
            score=passes / N,
        )
    )
    return made


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run in which one model passed 18 of 24 items of two tasks."""
    return made_run(tmp_path)


def made_run(folder: Path, **scorer: str) -> Path:
    head = RunRecord(**HEAD, harness_version="1", server_kind="x", server_url="http://x")
    use = InstanceRecord(**HEAD, model_key=MODEL, instance_id=MODEL)
    tasks = [record for name in TASKS for record in records(name, entries()[name].task, 18, **scorer)]
    return write(folder / "run.jsonl", [head, use, *tasks])


def answers(name: str, wrong: int = 0, *, seed: int = 0) -> list[dict[str, Any]]:
    """Return the reference's answers to what is exported, the first so many of them wrong."""
    task, reference = entries()[name].task, entries()[name].reference
    items = export_items([task], seed=seed, n=N)
    return [
        {"id": item["id"], "answer": "I do not know." if number < wrong else reference(sample)}
        for number, (item, sample) in enumerate(zip(items, samples(name, seed), strict=True))
    ]


def chosen(run: Path, rows: Sequence[Mapping[str, Any]] | str, name: str = "answers.jsonl") -> Chosen:
    file = run.with_name(name)
    text = rows if isinstance(rows, str) else "".join(json.dumps(row) + "\n" for row in rows)
    file.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    return choose_all([run], run.parent, Rule(), primary=str(file), shipped=shipped)


def test_what_goes_out_says_what_is_asked_and_not_what_is_right() -> None:
    for name in TASKS:
        for item, sample in zip(export_items([entries()[name].task], seed=0, n=N), samples(name), strict=True):
            assert item["prompt"] == sample.prompt
            assert item["system_prompt"] == sample.system_prompt
            assert set(item) == {"id", "task", "system_prompt", "turns", "prompt"}
            assert tuple(item["turns"]) == sample.turns[: sample.continues]
            assert item["id"] == f"{name}/{sample.item_id}@{sample.item_hash}"


def test_answers_from_a_file_are_scored_by_the_tasks_own_scorers_and_are_the_yardstick(run: Path) -> None:
    plain = {
        found.evidence.task: found.choice for found in choose_all([run], run.parent, Rule(), shipped=shipped).tasks
    }
    assert plain["classify"].answer is AnswerKind.OPEN
    found = chosen(run, answers("classify", wrong=10))
    by_task = {task.evidence.task: task for task in found.tasks}
    primary = by_task["classify"].primary
    assert primary is not None
    assert primary.score == pytest.approx(14 / N)
    assert by_task["classify"].choice.yardstick == pytest.approx(14 / N - 0.1)
    assert by_task["classify"].choice.answer is AnswerKind.MODEL
    assert by_task["multiturn"].primary is None
    assert by_task["multiturn"].choice == plain["multiturn"]
    assert found.primary == "answers.jsonl"
    assert found.notes == (f"Yardstick: {run.with_name('answers.jsonl')}: classify 0.58 (n = 24)",)


def test_the_order_of_the_answers_changes_nothing_and_a_wrong_one_lowers_the_yardstick(run: Path) -> None:
    rows = answers("classify", wrong=3)
    first, again = (chosen(run, those).tasks[0].choice for those in (rows, rows[::-1]))
    assert first == again
    assert chosen(run, answers("classify", wrong=4)).tasks[0].choice.yardstick < first.yardstick


def test_a_csv_file_a_packed_one_and_a_name_of_the_model_are_taken(run: Path) -> None:
    rows = [{**row, "model": "cloud-1"} for row in answers("multiturn")]
    assert chosen(run, rows, "answers.jsonl.gz").primary == "cloud-1"
    lines = ["id,answer", *(f"{row['id']},{json.dumps(row['answer'])}" for row in rows)]
    assert chosen(run, "\n".join(lines), "answers.csv").tasks[1].primary is not None


def test_items_that_no_run_asked_are_named_and_left_out(run: Path) -> None:
    more = {"id": "classify/classify-0-9999@00", "answer": "x"}
    _, note = chosen(run, [*answers("classify"), more]).notes
    assert "1 item (classify/classify-0-9999@00) is not asked by these runs, so not used" in note


def test_a_lost_answer_counts_as_wrong_and_too_many_are_no_yardstick(run: Path) -> None:
    rows = answers("classify")
    rows[0]["answer"] = None
    primary = chosen(run, rows).tasks[0].primary
    assert primary is not None
    assert primary.lost == 1
    assert primary.score == pytest.approx((N - 1) / N)
    rows[1]["answer"] = None
    with pytest.raises(TaskError, match=f"2 of {N} answers to classify were lost"):
        chosen(run, rows)


def test_the_models_name_stays_on_its_line(run: Path) -> None:
    rows = [{**row, "model": "a\n::error::b"} for row in answers("classify")]
    assert chosen(run, rows).notes[0].startswith("Yardstick: a ::error::b, from ")


Change = Callable[[list[dict[str, Any]]], Sequence[Mapping[str, Any]] | str]
WRONG: Mapping[str, tuple[Change, str]] = {
    "one missing": (lambda rows: rows[1:], "1 item (classify/classify-0-0000) is without an answer"),
    "many missing": (lambda rows: rows[:3], f"{N - 3} items (classify/classify-0-0003, "),
    "twice": (lambda rows: [*rows, rows[0]], "answers.jsonl:25: classify/classify-0-0000@"),
    "no id": (lambda rows: [{"answer": "x"}, *rows], "answers.jsonl:1: field id: expected text, got None"),
    "no answer": (lambda rows: [{"id": rows[0]["id"]}, *rows[1:]], "field answer: expected text or null"),
    "a number": (lambda rows: [{**rows[0], "answer": 3}, *rows[1:]], "field answer: expected text or null, got 3"),
    "two models": (lambda rows: [{**rows[0], "model": "a"}, {**rows[1], "model": "b"}], "has answers of a, b"),
    "another hash": (
        lambda rows: [{**rows[0], "id": rows[0]["id"][:-1] + "x"}, *rows[1:]],
        "not the same as in the runs",
    ),
    "nothing known": (
        lambda _: [{"id": "a", "answer": "b"}],
        "none of its 1 ids is an item of these runs; the first is a",
    ),
    "empty": (lambda _: "", "answers.jsonl has no answers"),
    "not JSON": (lambda _: "hello\n", "expected a JSON object, got hello"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_named(run: Path, case: str) -> None:
    change, said = WRONG[case]
    with pytest.raises(HarnessError) as caught:
        chosen(run, change(answers("classify")))
    assert said in caught.value.message
    assert caught.value.exit_code == 2


def test_answers_to_another_seed_are_found_out(run: Path) -> None:
    with pytest.raises(TaskError, match="ids is an item of these runs"):
        chosen(run, answers("classify", seed=1))


def test_runs_that_were_judged_by_another_version_of_the_scorer_are_refused(tmp_path: Path) -> None:
    run = made_run(tmp_path, scorer_version="0")
    with pytest.raises(SettingsError, match=r"were judged by .* 0, and this version has"):
        chosen(run, answers("classify"))


def test_neither_a_model_nor_a_file_is_an_error_that_names_the_models(run: Path) -> None:
    with pytest.raises(SettingsError, match="no run has asked the primary 'nobody', and there is no such file"):
        choose_all([run], run.parent, Rule(), primary="nobody")
