"""The name of a run file."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from harness.run.recorder import Recorder
from harness.store.run_folder import run_paths
from harness.testing.clock import FakeClock


def test_run_files_sort_by_time_also_within_a_second(tmp_path: Path) -> None:
    began = datetime(2026, 1, 1, tzinfo=UTC)
    made = []
    for milliseconds in range(0, 1000, 5):
        recorder = Recorder(tmp_path, clock=FakeClock(began + timedelta(milliseconds=milliseconds)))
        made.append(recorder.run_id)
        recorder.end(exit_code=0, interrupted=False, resident=())
    assert [path.stem for path in run_paths(tmp_path)] == made[::-1]
    assert len({name[-5:] for name in made}) > 190
