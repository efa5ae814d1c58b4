"""What reading a run file costs: memory does not grow with the length of the answers."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.store.test_run_file import run, sample, score


def test_reading_streams_texts_are_not_kept(tmp_path: Path) -> None:
    """Peak of a process that reads 10,000 answers of 20 KB (200 MB) above that of one that reads 500."""
    few, many = (large(tmp_path / f"{count}.jsonl", count) for count in (500, 10_000))
    assert peak_mib(many) - peak_mib(few) < 12


@pytest.mark.torture
def test_fifty_thousand_answers_of_20_kb_take_less_than_30_mb_more_than_500(tmp_path: Path) -> None:
    few, many = (large(tmp_path / f"{count}.jsonl", count) for count in (500, 50_000))
    assert peak_mib(many) - peak_mib(few) < 30
    many.unlink()


def large(path: Path, count: int) -> Path:
    """Write a run file of so many samples with answers of 20 KB, each with its score."""
    line, scored = sample("UID", output_text="x" * 20_000).to_json(), score("UID", 0.123).to_json()
    with path.open("w", encoding="utf-8") as file:
        file.write(run().to_json() + "\n")
        for number in range(count):
            file.write(line.replace("UID", f"{number:016x}") + "\n" + scored.replace("UID", f"{number:016x}") + "\n")
    return path


def peak_mib(path: Path) -> float:
    program = (
        "import resource, sys; from pathlib import Path; from harness.store.run_file import RunFile\n"
        "seen = RunFile.read(Path(sys.argv[1]))\n"
        "print(sum(map(len, seen.cells.values())), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[1])
