"""`gate` on times, run as a user would."""

from pathlib import Path

import pytest

from harness.domain.record import Record
from tests.store.written import write
from tests.verdict.recorded import KEY, cell, head, instance, passes
from tests.verdict.test_gate_time import latency
from tests.verdict.test_noise import HOST

from .conftest import Call


def night(folder: Path, number: int, *records: Record, **host: object) -> Path:
    run_id = f"2026112{number}T220000Z-0000000{number}"
    about = head(run_id, at=f"2026-11-2{number}T22:00:00.000Z", **{**HOST, **host})
    return write(folder / f"{run_id}.jsonl", [about, instance(), *cell(passes(38)), *records])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    night(tmp_path / "baseline", 1, *latency())
    return tmp_path


def test_a_slower_night_fails_and_says_what_is_slower_in_80_columns(call: Call, folder: Path) -> None:
    night(folder / "results", 2, *latency(2.5))
    done = call("gate", "baseline/")
    said = " ".join(done.out.split())
    assert done.code == 1
    assert done.out.startswith("WORSE than the baseline: 4 worse, 1 passed.")
    assert f"Worse: {KEY} answer: slower by 150 % (p = " in said
    assert "2.50 x [" in said
    assert max(len(line) for line in done.out.splitlines()) <= 80
    assert call("gate", "baseline/", "--slower", "200").code == 0
    assert call("gate", "baseline/", "--task", "say").code == 0, "only this task"
    found = call("gate", "baseline/", "--json").json
    assert {time["state"] for time in found["times"]} == {"regression"}
    assert (found["slower"], found["time_claims"]) == (0.25, 4)


def test_the_same_night_twice_passes_and_another_machine_is_named_once(call: Call, folder: Path) -> None:
    night(folder / "results", 2, *latency())
    assert call("gate", "baseline/", "--strict").code == 0
    night(folder / "results", 3, *latency(3.0), cpu="AMD Ryzen")
    done = call("gate", "baseline/")
    assert done.code == 0
    assert " ".join(done.out.split()).count("other machine: CPU AMD EPYC before, AMD Ryzen now") == 1
    assert call("gate", "baseline/", "--strict").code == 10


def test_on_github_each_slower_time_is_an_annotation_and_a_row_of_the_summary(
    call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night(folder / "results", 2, *latency(2.5))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary.md"))
    done = call("gate", "baseline/")
    assert f"::error title=regression%3A {KEY} first token::slower by 150 %25" in done.err
    summary = (folder / "summary.md").read_text(encoding="utf-8")
    assert "| model | time of | rounds | before | now |" in summary
    assert "**regression**" in summary


def test_short_times_read_in_milliseconds(call: Call, folder: Path) -> None:
    night(folder / "short", 1, *latency(0.01))
    night(folder / "results", 2, *latency(0.025))
    done = call("gate", "short/")
    assert done.code == 1
    assert "0.00 s" not in done.out
    assert done.out.count(" ms\n") >= 6


def test_a_percent_sign_is_understood(call: Call, folder: Path) -> None:
    night(folder / "results", 2, *latency(2.5))
    assert call("gate", "baseline/", "--slower", "300%").code == 0


@pytest.mark.parametrize("word", ["0", "-5", "nan", "inf", "fast", "1e9"])
def test_a_margin_that_is_no_percentage_is_refused(call: Call, folder: Path, word: str) -> None:
    done = call("gate", "baseline/", "--slower", word)
    assert done.code == 2
    assert f"--slower': expected a percentage, such as 25, above 0 and at most 1,000; got {word}" in done.err
