"""`report`, run as a user would: which file it writes, what it says, and what it refuses."""

import stat
from pathlib import Path

import pytest

from harness.domain.record import PromptRecord
from tests.store.written import write
from tests.verdict.recorded import AT, KEY, OTHER, cell, head, instance, passes

from .conftest import Call

PLAN = {"models": [KEY, OTHER], "tasks": {"say": "f"}}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two nights of two models, and a run that asked nothing after them."""
    monkeypatch.chdir(tmp_path)
    for night, (small, tiny) in {"r1": (38, 20), "r2": (36, 21)}.items():
        prompt = PromptRecord(run_id=night, at=AT, prompt_hash="p", prompt="Say it")
        records = [*cell(passes(small), key=KEY), *cell(passes(tiny), key=OTHER)]
        named = [record.model_copy(update={"run_id": night}) for record in (instance(), instance(OTHER), *records)]
        version = "0.3.30" if night == "r1" else "0.3.31"
        about = head(night, plan=PLAN, server_version=version)
        write(tmp_path / "results" / f"{night}.jsonl", [about, prompt, *named])
    write(tmp_path / "results" / "r3.jsonl", [head("r3", plan=PLAN)])
    return tmp_path


def test_the_newest_runs_become_report_html_which_only_its_owner_can_read(call: Call, folder: Path) -> None:
    done = call("report")
    assert (done.code, done.err.strip()) == (0, "Skipped results/r3.jsonl: it finished no task")
    assert done.out.startswith("report.html (0.")
    assert done.out.endswith(" MB): answers from 1 of 3 runs, 80 samples.\n")
    assert stat.S_IMODE((folder / "report.html").stat().st_mode) == 0o600
    assert call("report", "--share-results", "-o", "open.html").code == 0
    assert stat.S_IMODE((folder / "open.html").stat().st_mode) & 0o044 == 0o044


def test_the_page_has_the_answers_of_choose(call: Call, folder: Path) -> None:
    table = call("choose").out
    call("report")
    page = (folder / "report.html").read_text()
    (row,) = (line for line in table.splitlines() if line.startswith("say "))
    for cell_text in row.split("  "):
        if text := cell_text.strip():
            assert f">{text}<" in page, text
    assert "server version 0.3.30 -&gt; 0.3.31" in page


def test_a_page_is_replaced_but_never_a_run_file(call: Call, folder: Path) -> None:
    assert call("report", "-o", "page.html").code == 0
    assert call("report", "-o", "page.html").code == 0
    before = (folder / "results" / "r1.jsonl").read_bytes()
    for name in ("results/r1.jsonl", "results/new.jsonl"):
        done = call("report", "-o", name)
        assert (done.code, "run file" in done.err) == (2, True)
    (folder / "r1.txt").write_bytes(before)
    assert call("report", "-o", "r1.txt").code == 2
    assert (folder / "results" / "r1.jsonl").read_bytes() == (folder / "r1.txt").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("r9",), "there is no run r9"),
        ((".",), ". is a folder, not a run file\nIts runs: --results ."),
        (("r9.jsonl",), "there is no run file r9.jsonl"),
        (("--results", "elsewhere"), "there is no run in elsewhere"),
        (("-o", "-"), "expected a file, got -"),
        (("-o", "results"), "is a directory"),
        (("-o", "nowhere/page.html"), "cannot write nowhere/page.html: No such file or directory"),
        (("--primary", "huge"), "Asked were: acme/small-4b, acme/tiny-1b."),
        (("--floor", "2"), "2.0 is not in the range"),
    ],
)
def test_what_is_not_there_ends_with_2_and_says_what_is(
    call: Call, folder: Path, words: tuple[str, ...], said: str
) -> None:
    done = call("report", *words)
    assert done.code == 2, done.out
    assert said in done.err
    assert not (folder / "report.html").exists()


def test_a_run_without_answers_gives_a_page_that_says_so(call: Call, folder: Path) -> None:
    unfinished = cell([1.0, 0.0])[:-1]
    write(folder / "results" / "r4.jsonl", [head("r4", plan=PLAN), *unfinished])
    done = call("report", "r4")
    assert (done.code, "There is no answer: none of these files is a run with answers" in done.out) == (0, True)
    page = (folder / "report.html").read_text()
    assert "There is no answer" in page
    assert "the run did not finish this task" in page
    assert "All 2 samples" in page
    assert "A history takes two runs or more" in page


def test_json_names_the_file_and_the_runs(call: Call, folder: Path) -> None:
    found = call("report", "r1", "r2", "--json").json
    assert found["path"] == "report.html"
    assert found["bytes"] == (folder / "report.html").stat().st_size
    assert (found["runs"], found["samples"]) == (["results/r2.jsonl"], 80)
    assert set(found["history"]) == {"results/r1.jsonl", "results/r2.jsonl"}


def test_runs_that_cannot_stand_beside_the_newest_are_history_only(call: Call, folder: Path) -> None:
    other = {"models": [KEY], "tasks": {"say": "another"}}
    write(folder / "results" / "r0.jsonl", [head("r0", plan=other), instance(), *cell(passes(9))])
    done = call("report", "r0", "r2", "--json").json
    assert done["skipped"] == {"results/r0.jsonl": "say: not the same samples or scorer in r2 and r0"}
    assert (done["runs"], len(done["history"])) == (["results/r2.jsonl"], 2)


def test_a_cell_that_only_such_a_run_asked_is_not_called_not_asked(call: Call, folder: Path) -> None:
    other = {"models": [OTHER], "tasks": {"say": "another"}}
    write(folder / "results" / "r0.jsonl", [head("r0", plan=other), instance(OTHER), *cell(passes(9), key=OTHER)])
    tasks = {"models": [KEY, OTHER], "tasks": {"say": "f", "tell": "g"}}
    records = [instance(), instance(OTHER), *cell(passes(9)), *cell(passes(9), key=OTHER, task="tell")]
    write(folder / "results" / "r9.jsonl", [head("r9", plan=tasks), *records])
    text = call("report", "r0", "r9", "--markdown").out
    assert f"| asked in a run of {AT[:10]}, which does not count for this task |" in text
    assert "| not asked |" in text


def test_an_older_run_that_cannot_be_read_is_named_though_its_answers_are_not_needed(call: Call, folder: Path) -> None:
    path = folder / "results" / "r1.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:2], "{broken\n", *lines[2:]]))
    done = call("report", "--json").json
    assert "expected one JSON object a line" in done["skipped"]["results/r1.jsonl"]
    assert "results/r1.jsonl" not in done["history"]


def test_markdown_is_printed_or_written(call: Call, folder: Path) -> None:
    text = call("report", "--markdown").out
    assert "| say | acme/small-4b | 0.90 [0.77, 0.96] |" in text
    assert "| say | n/a |" in text
    assert not (folder / "report.html").exists()
    assert call("report", "--markdown", "-o", "report.md").out.startswith("report.md (")
    assert (folder / "report.md").read_text() + "\n" == text
