"""What an own task keeps in memory of its rows."""

import gc
import json
import sys
import tracemalloc
from pathlib import Path
from types import FrameType

from harness.own_task.kept_sample import SampleStore
from harness.own_task.own_task import load_own_tasks
from harness.run.plan.plan import set_hash
from harness.task.task import item_hashes
from tests.own_task.written import load, write

TOML = 'data = "rows.jsonl"\nprompt = "{text}"\ntarget = "text"\nscorer = "exact"\ntags = ["text"]\n'


def kept_bytes(folder: Path, rows: int) -> int:
    """Return what is kept of a task with so many rows, once the samples of a run are chosen."""
    folder.mkdir()
    lines = "\n".join(json.dumps({"text": f"{number:05d}" * 40}) for number in range(rows))
    write(folder, TOML, rows=lines, name="rows.jsonl")
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    (own,) = load_own_tasks(folder)
    samples = own.task.samples(seed=0, limit=rows)
    gc.collect()
    kept = tracemalloc.get_traced_memory()[0] - before
    assert len(samples) == rows
    return kept


def test_rows_and_samples_are_not_kept_in_memory(tmp_path: Path) -> None:
    tracemalloc.start()
    try:
        kept_bytes(tmp_path / "warm-up", 10)
        few, many = kept_bytes(tmp_path / "few", 2000), kept_bytes(tmp_path / "many", 4000)
    finally:
        tracemalloc.stop()
    assert (many - few) / 2000 < 40


def test_a_sample_is_made_once_before_the_run_asks_it(tmp_path: Path) -> None:
    own = load(tmp_path)
    rows = len(own.rows.samples)
    made = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal made
        made += event == "call" and frame.f_code is SampleStore.sample.__code__

    sys.setprofile(count)
    try:
        for _ in range(3):
            samples = own.task.samples(seed=0, limit=rows)
            own.task.fingerprint(samples)
            set_hash(own.task, samples)
    finally:
        sys.setprofile(None)
    assert made == rows
    assert list(item_hashes(samples)) == [sample.item_hash for sample in samples]


def test_samples_stay_as_they_were_read_whatever_becomes_of_the_file(tmp_path: Path) -> None:
    own = load(tmp_path)
    before = list(own.rows.samples)
    (tmp_path / "rows.csv").unlink()
    assert list(own.rows.samples) == before
    assert list(own.rows.samples[1:3]) == before[1:3]
    assert own.rows.samples.place(1).endswith("rows.csv:3")


def test_a_row_that_is_nested_too_deeply_is_named(tmp_path: Path) -> None:
    deep = "[" * 900 + "]" * 900
    rows = f'{{"text": "a"}}\n{{"text": "b", "other": {deep}}}\n'
    own = load(tmp_path, TOML, rows=rows, name="rows.jsonl")
    assert [sample.prompt for sample in own.rows.samples] == ["a", "b"]
