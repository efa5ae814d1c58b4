"""A pytest of its own in a folder, as users run it, against a scripted LM Studio."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from harness.domain.record import Record, SampleRecord, ScoreRecord, SummaryRecord
from harness.store.reader import read_run
from harness.testing.scripted import ScriptedServer
from tests import forkserver

R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Ended:
    """A pytest that has ended; `path` is the newest run file then, or the folder where there was none."""

    code: int
    out: str
    folder: Path
    path: Path

    @property
    def text(self) -> str:
        """What it printed, without line breaks and repeated blanks."""
        return " ".join(self.out.split())

    def records(self) -> list[Record]:
        """All records of the run file."""
        return list(read_run(self.path))

    def records_of(self, kind: type[R]) -> list[R]:
        """Those of one kind."""
        return [record for record in self.records() if isinstance(record, kind)]

    def scores(self) -> dict[tuple[str, str, str], ScoreRecord]:
        """The score of each item, by model, task and item."""
        by_uid = {score.sample_uid: score for score in self.records_of(ScoreRecord)}
        samples = self.records_of(SampleRecord)
        assert len(by_uid) == len(samples)
        return {(sample.model_key, sample.task, sample.item_id): by_uid[sample.sample_uid] for sample in samples}

    def cells(self) -> dict[tuple[str, str], SummaryRecord]:
        """The summaries, by model and task."""
        return {(cell.model_key, cell.task): cell for cell in self.records_of(SummaryRecord)}


def run_pytest(server: ScriptedServer, folder: Path, *words: str, code: str, ini: str = "", **environ: str) -> Ended:
    """Run pytest on a file with this code, and wait for its end."""
    (folder / "test_own.py").write_text(code)
    (folder / "pytest.ini").write_text(f"[pytest]\n{ini}\n")
    around = {**os.environ, "LMS_HARNESS_STATE": str(folder / "state"), "COLUMNS": "160", **environ}
    words = ("-p", "no:cacheprovider", f"--lms-url={server.url}", *words)
    done = forkserver.run("pytest", *words, cwd=folder, env=around)
    assert "INTERNALERROR" not in done.stdout
    files = sorted((folder / "results").glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    return Ended(done.returncode, done.stdout + done.stderr, folder, files[-1] if files else folder)
