"""Which runs an answer rests on."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from harness.command.choose import choose_all
from harness.command.compare import compare_all
from harness.domain.record import MeasureRecord
from harness.errors import SettingsError, StoreError
from harness.store.run_file import RunFile
from harness.verdict.contender import Rule
from harness.verdict.task_choice import choices_of
from tests.store.written import write
from tests.verdict.recorded import AT, KEY, OTHER, cell, head, instance, passes
from tests.verdict.test_supply import Rows
from tests.verdict.test_supply import task as rows_of


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A folder with an old run of two models and a newer one of one of them."""
    plan = {"models": [KEY, OTHER], "tasks": {"say": "f"}}
    write(tmp_path / "r1.jsonl", [head("r1", plan=plan), *cell(passes(10)), *cell(passes(40), key=OTHER)])
    write(tmp_path / "r2.jsonl", [head("r2"), *cell(passes(40))])
    return tmp_path


def test_of_a_model_that_several_runs_asked_the_newest_counts(results: Path) -> None:
    chosen = choose_all([], results, Rule())
    (task,) = chosen.tasks
    assert [path.name for path in chosen.runs] == ["r2.jsonl", "r1.jsonl"]
    assert {candidate.key: candidate.score for candidate in task.evidence.candidates} == {KEY: 1.0, OTHER: 1.0}
    assert [run.run_id for run in task.evidence.runs] == ["r2", "r1"]


def test_a_run_of_which_newer_ones_have_asked_everything_is_not_read(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Last year's nights cost nothing."""
    plan = {"models": [OTHER, KEY], "tasks": {"say": "f"}}
    write(results / "r3.jsonl", [head("r3", plan=plan), *cell(passes(20)), *cell(passes(20), key=OTHER)])
    for name in ("r1.jsonl", "r2.jsonl"):
        with (results / name).open("a") as file:
            file.write("damaged, but nobody will know\n")
    chosen = choose_all([], results, Rule())
    assert ([path.name for path in chosen.runs], chosen.skipped) == (["r3.jsonl"], {})


def test_a_run_that_did_not_finish_a_task_leaves_it_to_the_one_before(results: Path) -> None:
    write(results / "r3.jsonl", [head("r3", plan={"models": [KEY], "tasks": {"say": "f"}}), *cell(passes(5))[:-1]])
    chosen = choose_all([], results, Rule())
    assert [path.name for path in chosen.runs] == ["r2.jsonl", "r1.jsonl"]
    assert chosen.skipped == {str(results / "r3.jsonl"): "it finished no task"}
    assert RunFile.read(results / "r3.jsonl").cells


def test_the_order_of_files_and_of_the_models_in_them_changes_nothing(tmp_path: Path) -> None:
    cells = cell(passes(33)), cell(passes(36), key=OTHER)
    one, two, both, turned = (tmp_path / f"r{number}.jsonl" for number in range(1, 5))
    write(one, [head("r1"), *cells[0]])
    write(two, [head("r2"), *cells[1]])
    write(both, [head("r3"), *cells[0], *cells[1]])
    write(turned, [head("r3"), *cells[1], *cells[0]])
    found = [choose_all(files, tmp_path, Rule()) for files in ([one, two], [two, one], [both], [turned])]
    answers = [[(task.choice.answer, task.choice.key, task.choice.regret) for task in chosen.tasks] for chosen in found]
    assert answers == [answers[0]] * 4


def test_a_model_that_the_rounds_gave_up_on_is_not_chosen(tmp_path: Path) -> None:
    """The other one was asked more, and fails on what came later."""
    plan = {"models": [KEY, OTHER], "tasks": {"say": "f"}, "rounds": [20, 40]}
    about = {"run_id": "r1", "at": AT, "name": "round_samples", "unit": "samples", "value": 40, "round": 2}
    asked = MeasureRecord.model_validate({**about, "model_key": OTHER, "params": {"tasks": ["say"]}})
    cells = [*cell(passes(40)[:20]), *cell(passes(36), key=OTHER)]
    for records, key in (([asked, *cells], OTHER), (cells, KEY)):
        path = write(tmp_path / f"{key.replace('/', '-')}.jsonl", [head(plan=plan), *records])
        (task,) = choose_all([path], tmp_path, Rule(floor=0.5)).tasks
        assert task.choice.key == key
        assert {candidate.alpha for candidate in task.evidence.candidates} == {0.025}


def test_nothing_is_certified_of_a_model_that_a_race_stopped(tmp_path: Path) -> None:
    records = cell(passes(40))
    stopped = records[-1].model_copy(update={"stopped_early": True, "score": None})
    found = []
    for number, last in enumerate((records[-1], stopped)):
        path = write(tmp_path / f"r{number}.jsonl", [head(), *records[:-1], last])
        (task,) = choose_all([path], tmp_path, Rule()).tasks
        found.append((task.choice.key, task.choice.is_certified))
    assert found == [(KEY, True), (KEY, False)]


def test_the_primary_may_be_named_in_any_case_as_in_a_run(results: Path) -> None:
    chosen = choose_all([], results, Rule(), primary=OTHER.upper())
    assert chosen.primary == OTHER
    assert [standing.candidate.key for standing in chosen.tasks[0].choice.standings] == [KEY]


def test_a_run_must_be_comparable_with_each_one_that_is_used(tmp_path: Path) -> None:
    """The newest run says nothing of the task that the two others asked with different samples."""
    for number, (key, task, samples) in enumerate([(KEY, "say", "f"), (OTHER, "say", "g"), (KEY, "count", "c")]):
        plan = {"models": [key], "tasks": {task: samples}}
        write(tmp_path / f"r{number}.jsonl", [head(f"r{number}", plan=plan), *cell(passes(36), key=key, task=task)])
    chosen = choose_all([], tmp_path, Rule())
    assert [path.name for path in chosen.runs] == ["r2.jsonl", "r1.jsonl"]
    assert chosen.skipped == {str(tmp_path / "r0.jsonl"): "say: not the same samples or scorer in r1 and r0"}
    with pytest.raises(SettingsError, match="cannot be compared: say: not the same samples"):
        choose_all(sorted(tmp_path.glob("*.jsonl")), tmp_path, Rule())


def test_a_task_that_a_newer_run_asked_in_another_way_costs_the_older_run_that_task_only(tmp_path: Path) -> None:
    """A person asks more of one task, as "open; ask 38" says, and keeps what the last run said of the others."""
    for number, tasks in enumerate([{"count": "c", "say": "f"}, {"count": "c", "say": "f"}, {"say": "more"}]):
        records = [record for task in tasks for record in cell(passes(36), task=task)]
        write(tmp_path / f"r{number}.jsonl", [head(f"r{number}", plan={"models": [KEY], "tasks": tasks}), *records])
    for files in ([], sorted(tmp_path.glob("r[12].jsonl"))):
        chosen = choose_all(files, tmp_path, Rule())
        runs = {task.evidence.task: [run.run_id for run in task.evidence.runs] for task in chosen.tasks}
        assert runs == {"count": ["r1"], "say": ["r2"]}
        assert chosen.skipped == {
            str(tmp_path / "r1.jsonl"): "in part, say: not the same samples or scorer in r2 and r1"
        }


def test_no_more_items_are_asked_for_than_the_task_has(tmp_path: Path) -> None:
    path = write(tmp_path / "r1.jsonl", [head(), *cell(passes(34))])
    needed = choose_all([path], tmp_path, Rule()).tasks[0].choice.needed
    assert needed is not None
    for rows, expected in ((needed, needed), (needed - 1, None)):
        task = rows_of(Rows(rows, distinct=rows))
        chosen = choose_all([path], tmp_path, Rule(), shipped=lambda task=task: {"say": task})  # type: ignore[misc]
        assert chosen.tasks[0].choice.needed == expected


@pytest.mark.parametrize("e2e_s", [-1.0, 0.0, 1e-320, 1e307])
@pytest.mark.parametrize("load_time_s", [-5.0, 0.0, 1e308])
def test_what_cannot_be_a_time_is_taken_for_unknown(tmp_path: Path, e2e_s: float, load_time_s: float) -> None:
    """A server says what it likes, and so does a damaged file."""
    plan = {"models": [KEY, OTHER], "tasks": {"say": "f"}}
    odd = [instance(load_time_s=load_time_s), *cell(passes(36), e2e_s=e2e_s)]
    path = write(tmp_path / "r1.jsonl", [head(plan=plan), *odd, instance(OTHER), *cell(passes(36), key=OTHER)])
    (task,) = choose_all([path], tmp_path, Rule()).tasks
    times = {candidate.key: (candidate.p50_s, candidate.load_s) for candidate in task.evidence.candidates}
    assert times == {KEY: (None, load_time_s if load_time_s == 0 else None), OTHER: (2.0, None)}
    (effect,) = compare_all([str(path), KEY, OTHER], tmp_path, margin=0.05).contrasts[0].tasks
    assert effect.time.value is None


def test_a_measure_that_names_no_tasks_gives_up_on_nobody(tmp_path: Path) -> None:
    about = {"run_id": "r1", "at": AT, "name": "round_samples", "unit": "samples", "value": 40, "round": 2}
    odd = MeasureRecord.model_validate({**about, "model_key": OTHER, "params": {"tasks": 5}})
    path = write(tmp_path / "r1.jsonl", [head(), odd, *cell(passes(40))])
    assert choose_all([path], tmp_path, Rule()).tasks[0].choice.key == KEY


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"models": "x"}, "models: expected a list, got str"),
        ({"tasks": ["say"]}, "tasks: expected a dict, got list"),
        ({"rounds": 3}, "rounds: expected a list, got int"),
        ({"room_tokens": {"say": 3}}, "room_tokens: expected a dict of dicts"),
    ],
)
def test_a_plan_that_no_run_has_written_is_named(tmp_path: Path, part: dict[str, Any], said: str) -> None:
    path = write(tmp_path / "r1.jsonl", [head(), *cell(passes(40))])
    first, *lines = path.read_text().splitlines(keepends=True)
    header = json.loads(first)
    path.write_text("".join([json.dumps({**header, "plan": {**header["plan"], **part}}) + "\n", *lines]))
    with pytest.raises(StoreError, match=re.escape(said)):
        choose_all([path], tmp_path, Rule())


def test_a_primary_whose_answers_were_lost_is_no_yardstick(tmp_path: Path) -> None:
    """Its lost answers count as wrong, so that anybody would reach it."""
    plan = {"models": [KEY, OTHER], "tasks": {"say": "f"}}
    records = [*cell([*passes(0, 10), *[None] * 30]), *cell(passes(4), key=OTHER)]
    path = write(tmp_path / "r1.jsonl", [head(plan=plan, settings={"primary": KEY}), *records])
    chosen = choose_all([path], tmp_path, Rule(), primary=KEY)
    for task in (*chosen.tasks, *choices_of(RunFile.read(path))):
        assert (task.choice.answer, task.choice.key, task.choice.yardstick) == ("primary", OTHER, 0.8)
    assert chosen.notes == (f"Too many answers of {KEY} were lost for a yardstick, so the floor is it: say (30 of 40)",)


@pytest.mark.parametrize("margin", [0.0, 1.0])
def test_a_margin_of_nothing_or_everything_is_taken_at_its_word(results: Path, margin: float) -> None:
    (task,) = choose_all([], results, Rule(margin=margin), primary=KEY).tasks
    assert task.choice.yardstick == 1.0 - margin
    assert not task.choice.is_certified
