"""Run files made for a test."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from harness.domain.record import Record
from harness.store.run_file import RunFile
from harness.store.writer import RunWriter


def write(path: Path, records: Iterable[Record]) -> Path:
    """Write a run file as a run does."""
    writer = RunWriter(path)
    for record in records:
        writer.write(record)
    writer.close()
    return path


def written(*records: Record) -> RunFile:
    """Return the view of a file with these records; whole records cannot be read from it any more."""
    with tempfile.TemporaryDirectory() as folder:
        return RunFile.read(write(Path(folder) / "run.jsonl", records))
