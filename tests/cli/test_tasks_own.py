"""`tasks --new`, `--check` and `--tasks`: own tasks without a server."""

import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.own_task.own_task import load_own_tasks

from .conftest import Call

TICKETS = "text,desk\n" + "".join(f"ticket {n} of {'abc'[n % 3]},{'abc'[n % 3]}\n" for n in range(30))
TOML = 'data = "rows.csv"\nprompt = "{text}?"\ntarget = "desk"\nscorer = "choice"\n'
FUNCTIONS = "".join(
    json.dumps(
        {
            "needed": [{"name": "ping", "arguments": {"host": [host]}}] if host else [],
            "offered": [{"type": "function", "function": {"name": "ping", "parameters": {"type": "object"}}}],
            "said": f"is {host or 'it'} up",
        }
    )
    + "\n"
    for host in ("a", "b", "")
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    (tmp_path / "own").mkdir()
    return tmp_path


def own(folder: Path, toml: str = TOML, rows: str = TICKETS) -> None:
    (folder / "own/desk.toml").write_text(toml)
    (folder / "own/rows.csv").write_text(rows)


@pytest.mark.parametrize(
    ("name", "rows", "guessed"),
    [
        ("tickets.csv", TICKETS, ("text", "desk", "choice")),
        ("extract.csv", "question;answer\n1+1;2\n2+2;4\n", ("question", "answer", "number")),
        ("odd name.jsonl", '{"body": "x", "gold": {"a": 1}}\n', ("body", "gold", "fields")),
        ("json.csv", 'input,output\nx,"{""a"": 1}"\n', ("input", "output", "fields")),
        ("short.csv", "q,answer\nwho?,Ada Lovelace\nwhere?,in London\n", ("q", "answer", "normalised")),
        ("long.csv", "q,answer\na,one two three four five six seven eight\n", ("q", "answer", "token_f1")),
        ("gsm.jsonl", '{"question": "x", "answer": "a b c d e f g #### 7"}\n', ("question", "answer", "number")),
        ("calls.jsonl", FUNCTIONS, ("said", "needed", "tool_calls")),
        ("letters.json", '[{"a": "Dear Ada"}, {"a": "Dear Bob"}]', ("a", None, "constraints_all")),
        ("labels.tsv", "id\tq\tkind of\n1\ta b\tx\n2\tc d\ty\n3\te f\tx\n4\tg h\ty\n", ("q", "kind of", "choice")),
    ],
)
def test_a_starter_guesses_from_the_data_and_can_be_run(
    call: Call, folder: Path, name: str, rows: str, guessed: tuple[str, str | None, str]
) -> None:
    (folder / name).write_text(rows)
    made = call("tasks", "--new", "mine", "--from", name, "--json")
    assert made.code == 0, made.err
    assert (made.json["prompt"], made.json["target"], made.json["scorer"]) == guessed
    (task,) = load_own_tasks(folder / "mine")
    assert task.task.samples(seed=0, limit=30)
    assert call("tasks", "--check", "mine").code == 0
    again = call("tasks", "--new", "mine", "--from", name)
    assert (again.code, "exists already" in again.err) == (2, True)


def test_calls_with_plain_arguments_are_recognised_and_the_check_says_what_to_write(call: Call, folder: Path) -> None:
    """They were summed up in at most 50 words."""
    (folder / "log.jsonl").write_text(FUNCTIONS.replace('["a"]', '"a"').replace('["b"]', '"b"'))
    made = call("tasks", "--new", "mine", "--from", "log.jsonl", "--json")
    assert (made.json["prompt"], made.json["target"], made.json["scorer"]) == ("said", "needed", "tool_calls")
    checked = call("tasks", "--check", "mine")
    assert checked.code == 2
    assert 'expected the list of its allowed values, such as ["a"], got a' in " ".join(checked.err.split())


@pytest.mark.parametrize(
    ("name", "message"),
    [("rows\udcff.csv", "whose name is UTF-8"), ("rows.toml", "is named as a definition would be")],
)
def test_a_file_that_no_definition_can_name_is_refused_and_nothing_is_written(
    call: Call, folder: Path, name: str, message: str
) -> None:
    (folder / name).write_text(TICKETS)
    done = call("tasks", "--new", "mine", "--from", name)
    assert (done.code, message in done.err) == (2, True), done.err
    assert not (folder / "mine").exists()


def test_a_starter_survives_columns_and_labels_that_would_break_it(call: Call, folder: Path) -> None:
    (folder / "x.csv").write_text('"a ""b"" \\\\",evil{x},"l\x1bx",answer\n' + 'q,1,2,"{""}"\nr,1,2,b\n' * 2)
    assert call("tasks", "--new", "mine", "--from", "x.csv").code == 0
    (task,) = load_own_tasks(folder / "mine")
    assert task.rows.samples[0].target["labels"] == ["b", '{"}']
    assert '{"} or b' in task.rows.samples[0].prompt or 'b or {"}' in task.rows.samples[0].prompt


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--new", "mine"], "--new: name the file with your rows, too: --from DATA"),
        (["--from", "x.csv"], "--from is for --new DIR, which is missing"),
        (
            ["--new", "mine", "--from", "nowhere.csv"],
            "--from: expected a file with rows, but nowhere.csv does not exist",
        ),
        (["--new", "mine", "--from", "."], "--from: expected a file with rows, but . is not a regular file"),
        (["--new", "mine", "--from", "empty.csv"], "empty.csv has no rows"),
        (["--new", "mine", "--from", "binary.csv"], "it is not UTF-8"),
        (["--new", "mine", "--check", "own"], "--new and --check cannot be used together"),
        (["--check", "own", "--export", "-"], "--check and --export cannot be used together"),
        (["--check", "own", "--task", "x"], "--check and --task cannot be used together"),
        (["--check", "nowhere"], "cannot read the folder nowhere"),
        (["--check", "own"], "there is no .toml file in own"),
        (
            ["--tasks", "own", "--tasks", "more"],
            "--tasks: expected one folder, got 2: put what belongs together into one",
        ),
        (
            ["--check", "own", "--check", "more"],
            "--check: expected one folder, got 2: put what belongs together into one",
        ),
        (["--tasks", "nowhere"], "cannot read the folder nowhere"),
        (["--new", "x.csv", "--from", "x.csv"], "x.csv' is a file"),
    ],
)
def test_wrong_words_are_answered_by_what_to_do(call: Call, folder: Path, words: list[str], message: str) -> None:
    (folder / "empty.csv").write_text("")
    (folder / "x.csv").write_text("a,b\n1,2\n")
    (folder / "binary.csv").write_bytes(b"\xff\xfe\x00")
    said = call("tasks", *words)
    assert (said.code, message in said.err) == (2, True), said
    assert not (folder / "mine").exists()


def test_a_check_says_what_chance_scores_and_how_many_rows_an_answer_takes(call: Call, folder: Path) -> None:
    own(folder)
    said = call("tasks", "--check", "own").out
    assert "desk: own/desk.toml and rows.csv" in said
    assert "chance      0.33, by answering 'a' to every row" in said
    assert "ceiling     1.00" in said
    assert "about 24 rows where a model is right in 95 %, about 75 rows where a model is right" in " ".join(
        said.split()
    )
    assert "context     2,048" in said
    assert "Look at" not in said
    assert max(map(len, said.splitlines())) <= 100


def test_a_check_names_rows_that_should_be_looked_at(call: Call, folder: Path) -> None:
    rows = "text,desk\nx,a\nx,a\nx,b\ny,either a or b\n" + f"{'long ' * 2000},a\n"
    own(folder, TOML, rows)
    said = " ".join(call("tasks", "--check", "own").out.split())
    assert "1 row is the same as an earlier one and left out: own/rows.csv:3 (own/rows.csv:2)" in said
    assert "1 row is asked like an earlier one, with another target: own/rows.csv:4 (own/rows.csv:2)" in said
    assert "own/rows.csv:6 is far longer than the other rows, and alone decides the context" in said
    assert "with 4 rows the answer is 'open'" in said
    own(folder, TOML + "floor = 0.3\n", "text,desk\n1,a\n2,a\n3,b\n")
    assert "an answer that ignores the row reaches the floor of 0.30" in call("tasks", "--check", "own").out


def test_a_check_prints_nothing_but_what_is_wrong_where_nothing_can_be_run(call: Call, folder: Path) -> None:
    own(folder, "promt = 1\n")
    assert call("tasks", "--check", "own").out == ""


def test_the_help_shows_how_to_begin_and_to_check(call: Call) -> None:
    shown = call("tasks", "--help").out
    assert "lms-harness tasks --new my-tasks --from tickets.csv" in shown
    assert "lms-harness tasks --check my-tasks" in shown


def test_a_check_names_every_definition_that_cannot_be_run(call: Call, folder: Path) -> None:
    own(folder, TOML.replace("choice", "number"))
    (folder / "own/other.toml").write_text("promt = 1\n")
    (folder / "own/good.toml").write_text(TOML)
    said = call("tasks", "--check", "own")
    assert said.code == 2
    assert "good: own/good.toml" in said.out
    assert "own/rows.csv:2: field desk: number: expected" in " ".join(said.err.split())
    assert "own/other.toml:1: field promt: there is no such field" in said.err
    told = call("tasks", "--check", "own", "--json")
    assert (told.code, len(told.json["tasks"]), len(told.json["faulty"])) == (2, 1, 2)


def test_own_tasks_are_listed_and_exported_like_shipped_ones(call: Call, folder: Path) -> None:
    own(folder)
    (listed,) = call("tasks", "--tasks", "own", "--json", "--n", "12").json["tasks"]
    assert (listed["task"], listed["items"], listed["reference_score"]) == ("desk", 12, 1.0)
    assert listed["best_lazy_answer"]["name"] == "always a"
    assert "desk" in call("tasks", "--tasks", "own").out
    exported = call("tasks", "--tasks", "own", "--n", "3", "--export", "-").out.splitlines()
    assert [json.loads(line)["task"] for line in exported] == ["desk"] * 3
    wrong = call("tasks", "--tasks", "own", "--task", "extract")
    assert (wrong.code, "expected one of desk" in wrong.err) == (2, True)


def test_a_person_at_a_terminal_is_asked_whether_the_guesses_are_right(folder: Path) -> None:
    (folder / "x.csv").write_text("one,two,answer\na,b,1\nc,d,2\n")
    parent, child = pty.openpty()
    words = [sys.executable, "-m", "harness.cli", "tasks", "--new", "mine", "--from", "x.csv"]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    with subprocess.Popen(words, stdin=child, stdout=child, stderr=child, cwd=folder, env=environ) as process:
        os.close(child)
        os.write(parent, b"two\nnone\nanswer\nexact\n")
        said, end = b"", time.monotonic() + 60
        while time.monotonic() < end:
            try:
                said += os.read(parent, 4096)
            except OSError:
                break
        assert process.wait(60) == 0, said.decode()
    os.close(parent)
    (task,) = load_own_tasks(folder / "mine")
    assert (task.definition.target, task.definition.scorer) == ("answer", "exact")
    assert task.rows.samples[0].prompt.startswith("\nb") or task.rows.samples[0].prompt.startswith("b")
