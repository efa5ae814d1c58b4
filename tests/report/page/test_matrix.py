"""Tasks x models: the best model first, the weakest kind of item, and why a cell is empty."""

from pathlib import Path

from harness.domain.record import Record, SampleRecord, SkipRecord, SummaryRecord
from harness.report.page.explorer import Source
from harness.report.page.matrix import matrix
from harness.report.page.past import Past
from harness.store.cell import CellKey
from harness.store.run_file import RunFile
from tests.store.written import write
from tests.verdict.recorded import AT, KEY, OTHER, cell, head, instance


def summarised(records: list[Record], **changed: object) -> list[Record]:
    return [record.model_copy(update=changed) if isinstance(record, SummaryRecord) else record for record in records]


def read(folder: Path, *records: Record) -> RunFile:
    return RunFile.read(write(folder / "r1.jsonl", [head("r1"), *records]))


def sources(run: RunFile) -> list[Source]:
    return [Source(run=run, key=key) for key in run.cells]


def test_the_weakest_kind_of_item_has_three_items_or_more(tmp_path: Path) -> None:
    kinds = ("easy", "hard", "rare")
    records = [
        record.model_copy(update={"stratum": kinds[min(place // 6, 2)]}) if isinstance(record, SampleRecord) else record
        for place, record in enumerate(cell([1, 1, 1, 0, 1, 0, 0, 0]))
    ]
    (row,) = matrix(sources(read(tmp_path, *records))).rows
    assert row.cells[0].weakest == "hard 0.33 (n\u00a03)"


def test_models_stand_best_first_and_an_empty_cell_says_why(tmp_path: Path) -> None:
    low = summarised(cell([0, 0], key=KEY), score=0.1, low=0.0, high=0.4, chance=0.25)
    high = summarised(cell([1, 1], key=OTHER), score=0.9, low=0.6, high=1.0, chance=0.25)
    told = summarised(cell([1], key=OTHER, task="tell"), score=1.0, low=0.5, high=1.0)
    skip = SkipRecord(run_id="r1", at=AT, model_key=KEY, task="tell", reason="the budget is spent")
    found = matrix(sources(read(tmp_path, *low, *high, *told, skip)))
    assert found.models == (OTHER, KEY)
    say, tell = found.rows
    assert (say.chance, say.cells[0].score, say.cells[0].interval) == (0.25, "0.90", "0.60 to 1.00")
    assert (tell.chance, tell.cells[1].score, tell.cells[1].why) == (None, "-", "the budget is spent")


def test_the_levels_of_a_model_stand_side_by_side_by_their_effort(tmp_path: Path) -> None:
    scores = {"high": 0.3, "low": 0.9, "off": 0.3, "medium": 0.3}
    records = summarised(cell([0, 1], key=OTHER), score=0.5, low=0.1, high=0.9)
    for level, score in scores.items():
        asked = summarised(cell([0, 1], key=KEY), score=score, low=0.1, high=1.0)
        records += [record.model_copy(update={"reasoning_level": level}) for record in asked]
    found = matrix(sources(read(tmp_path, *records)))
    assert found.models == (f"{KEY}@off", f"{KEY}@low", f"{KEY}@medium", f"{KEY}@high", OTHER)


def test_what_only_a_run_that_does_not_count_asked_is_not_called_not_asked(tmp_path: Path) -> None:
    about = (head("r1"), *cell([1, 0]), *cell([1, 1], key=OTHER), *cell([1], key=OTHER, task="tell"))
    found = matrix(sources(RunFile.read(write(tmp_path / "r1.jsonl", about))), {CellKey(KEY, "tell"): AT})
    (empty,) = [empty for row in found.rows for empty in row.cells if (empty.model, empty.task) == (KEY, "tell")]
    assert empty.why == f"asked in a run of {AT[:10]}, which does not count for this task"


def test_lost_answers_leave_no_score(tmp_path: Path) -> None:
    lost = summarised(cell([1, None, None]), score=1.0, low=0.2, high=1.0, unscored=2)
    (row,) = matrix(sources(read(tmp_path, *lost))).rows
    assert (row.cells[0].score, row.cells[0].strip) == ("-", None)
    assert row.cells[0].why == "2 of 3 answers were lost, so nothing is claimed"


def test_the_past_says_what_changed_for_a_model_since_its_run_before(tmp_path: Path) -> None:
    past = Past()
    other_samples = {"models": [KEY], "tasks": {"say": "others"}}
    changes: list[dict[str, object]] = [{}, {"server_version": "0.4"}, {"server_version": "0.4", "plan": other_samples}]
    for number, changed in enumerate(changes, 1):
        about = head(f"r{number}", **changed)
        records = [about, instance(), *cell([1, 0])]
        past.add(RunFile.read(write(tmp_path / f"r{number}.jsonl", records)))
    assert [cell.changed for cell in past.cells] == [
        (),
        ("server version not reported -> 0.4",),
        ("other samples or scorer",),
    ]
    assert past.changed["r3"] == ("other samples or scorer",)
