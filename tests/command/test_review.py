"""Answers that a person grades: out as CSV that no spreadsheet acts on, and back as scores that count."""

import csv
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.command.review import read_grades, write_review
from harness.domain.record import SampleRecord, ScoreRecord
from harness.errors import SettingsError, TaskError
from harness.store.reader import read_run
from harness.testing.clock import FakeClock
from harness.testing.scripted import ScriptedServer
from tests import forkserver

TOML = 'data = "rows.csv"\nprompt = "Write to {name}"\nscorer = "review"\n'
ROWS = "name\nAda\nBo\nCy\n"


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        scripted.reply_with(lambda request: f"=cmd|' /C calc'!A0 {request.prompt}\r=1+1")
        yield scripted


@pytest.fixture
def ended(server: ScriptedServer, tmp_path: Path) -> tuple[Path, str]:
    """Return the run file of an own task that a person judges, and what the run printed."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own/letter.toml").write_text(TOML)
    (tmp_path / "own/rows.csv").write_text(ROWS)
    done = lms(server, tmp_path, "run", "--model=all", "--tasks=own", "--review=grades.csv")
    assert done[0] == 0, done[1]
    (path,) = (tmp_path / "results").glob("*.jsonl")
    return path, done[1]


def lms(server: ScriptedServer, folder: Path, *words: str) -> tuple[int, str]:
    environ = {**os.environ, "LM_STUDIO_API_URL": server.url, "LMS_HARNESS_STATE": str(folder / "state")}
    done = forkserver.run("harness.cli", *words, cwd=folder, env=environ)
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, done.stdout + done.stderr


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[dict[str, str]], *, separator: str = ",") -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=separator)
        writer.writeheader()
        writer.writerows(rows)


def test_what_a_person_graded_is_what_choose_rests_on(
    ended: tuple[Path, str], server: ScriptedServer, tmp_path: Path
) -> None:
    path, said = ended
    assert "6 answers to grade are in grades.csv" in said
    assert "3 of 3 answers have no grade yet" in said
    assert "Not graded yet: acme/tiny-1b letter (3 of 3)" in " ".join(said.split())
    assert "were lost" not in said
    rows = rows_of(tmp_path / "grades.csv")
    assert len(rows) == 6
    assert rows[0]["prompt"] == "Write to Ada"
    assert rows[0]["answer"].startswith("'=cmd|")
    assert not any("acme" in cell for row in rows for cell in row.values()), "grading is blind"
    assert {row["prompt"] for row in rows[:2]} == {"Write to Ada"}, "answers to one prompt stand together"
    assert oct((tmp_path / "grades.csv").stat().st_mode)[-3:] == "600"
    models = {record.sample_uid: record.model_key for record in read_run(path) if isinstance(record, SampleRecord)}
    for row in rows:
        row["grade"] = "1" if models[row["answer_id"].removeprefix("answer-")] == "acme/tiny-1b" else "0,25"
    write(tmp_path / "grades.csv", rows, separator=";")
    code, said = lms(server, tmp_path, "score", str(path), "--grades", "grades.csv")
    assert (code, "6 grades written to" in said) == (0, True), said
    code, said = lms(server, tmp_path, "choose", "--why", "letter")
    assert code == 0, said
    assert "acme/tiny-1b" in said
    assert "1.00 [0.44, 1.00]" in said
    assert "0.25 [" in said
    code, said = lms(server, tmp_path, "run", f"--resume={path}", "--review=again.csv")
    assert "The run is already complete; nothing to do." in said
    assert len(rows_of(tmp_path / "again.csv")) == 6


def test_wrong_grades_are_named_with_their_rows_and_nothing_is_written(ended: tuple[Path, str], tmp_path: Path) -> None:
    path, _ = ended
    before, grades, clock = path.read_bytes(), tmp_path / "grades.csv", FakeClock()
    rows = rows_of(grades)
    with pytest.raises(TaskError, match="has no grades"):
        read_grades(path, grades, clock=clock)
    for wrong in ("2", "-1", "good", "1e-1", "nan", "1.5", "100%"):
        rows[0]["grade"] = wrong
        write(grades, rows)
        with pytest.raises(TaskError, match=r"grades\.csv:2: field grade: expected a number from 0 to 1, got"):
            read_grades(path, grades, clock=clock)
    rows[0]["grade"] = "1"
    write(grades, [{**rows[0], "answer_id": "answer-x"}])
    with pytest.raises(TaskError, match=r"field answer_id: expected an answer of this run, got 'x'"):
        read_grades(path, grades, clock=clock)
    write(grades, [rows[0], rows[0]])
    with pytest.raises(TaskError, match=r"grades\.csv:3: this answer has a grade already"):
        read_grades(path, grades, clock=clock)
    write(grades, [{"id": "1", "mark": "2"}])
    with pytest.raises(TaskError, match=r"grades\.csv:2: there is no column answer_id"):
        read_grades(path, grades, clock=clock)
    assert path.read_bytes() == before
    write(grades, [{**rows[0], "note": "kind"}, rows[1]])
    assert read_grades(path, grades, clock=clock) == (1, 1)
    last = list(read_run(path))[-1]
    assert isinstance(last, ScoreRecord)
    assert (last.value, last.passed, last.reason) == (1.0, True, "kind")


def test_a_run_without_answers_to_grade_says_how_to_have_some(tmp_path: Path) -> None:
    source = Path(__file__).resolve().parents[1] / "domain/first-version.jsonl"
    with pytest.raises(SettingsError, match="no answers that a person is to grade"):
        write_review(source, tmp_path / "grades.csv")
    assert not (tmp_path / "grades.csv").exists()


def test_answers_without_a_grade_are_called_so_wherever_a_score_would_stand(
    ended: tuple[Path, str], server: ScriptedServer, tmp_path: Path
) -> None:
    path, _ = ended
    assert lms(server, tmp_path, "run", "--model=all", "--tasks=own", "--review=later.csv")[0] == 0
    (later,) = set((tmp_path / "results").glob("*.jsonl")) - {path}
    code, text = lms(server, tmp_path, "gate", str(path), str(later))
    assert code == 10
    assert "Not graded yet: acme/small-4b letter, acme/tiny-1b letter: 3 of 3 answers have no grade yet" in " ".join(
        text.split()
    )
    assert "3 of 3 answers have no grade yet" in lms(server, tmp_path, "report", "--markdown", str(later))[1]
    assert "lost" not in lms(server, tmp_path, "choose", str(later))[1]
