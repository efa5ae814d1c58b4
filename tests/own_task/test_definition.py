"""Each wrong field is an error that names file, line and field, what was expected, and what came."""

import re
from pathlib import Path

import pytest

from harness.errors import TaskError
from harness.own_task.definition import FIELDS, read_definition
from harness.own_task.own_task import load_own_tasks

from .written import TOML, write

ROOT = Path(__file__).resolve().parents[2]


def fault(folder: Path, toml: str) -> str:
    """Return the message for a definition, without the folder."""
    write(folder, toml)
    with pytest.raises(TaskError) as caught:
        load_own_tasks(folder)
    return str(caught.value).replace(f"{folder}/", "")


def with_line(line: str) -> str:
    """Return the usual definition with one line added, or another in place of the field's own."""
    field = line.partition(" =")[0]
    kept = [own for own in TOML.strip().splitlines() if not own.startswith(f"{field} =")]
    return "\n".join([*kept, line, ""])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("promt = 'x'", "desk.toml:5: field promt: there is no such field\nDid you mean prompt?"),
        ("zzz = 1", "desk.toml:5: field zzz: there is no such field\nThe fields are name, class"),
        ("name = 'a b'", "desk.toml:5: field name: expected up to 60 letters, digits, '_', '-' and '.', got 'a b'"),
        ("name = 'extract'", "desk.toml: field name: a task that ships is called extract"),
        ("class = 3", "desk.toml:5: field class: expected some text, got 3"),
        ("data = 'nowhere.csv'", "desk.toml:4: field data: expected a file, but nowhere.csv does not exist"),
        ("data = '../rows.csv'", "desk.toml:4: field data: expected a file beside the definition or below it"),
        ("data = '/etc/passwd'", "desk.toml:4: field data: expected a file beside the definition or below it"),
        ("format = 'xml'", "desk.toml:5: field format: expected one of table"),
        ("prompt = '{text'", "desk.toml:4: field prompt: expected {column}, or {{ for a brace as itself"),
        ("prompt = ' '", "desk.toml:4: field prompt: expected some text, got ' '"),
        (
            "prompt = '{body}'",
            "desk.toml:4: field prompt: there is no column 'body' in rows.csv; the columns are text, desk",
        ),
        ("system_prompt = '}'", "desk.toml:5: field system_prompt: expected {column}, or }} for"),
        ("turns = 3", "desk.toml:5: field turns: expected a text or a list of texts, got 3"),
        ("target = 3", "desk.toml:4: field target: expected the name of a column, or a table"),
        (
            "target = 'answer'",
            "desk.toml:4: field target: there is no column 'answer' in rows.csv; the columns are text, desk",
        ),
        ("target = { when = 2026-01-01 }", "desk.toml:4: field target: expected JSON values, got date: write dates"),
        ("target = { label = '{' }", "desk.toml:4: field target: expected {column}"),
        ("target_separator = 3", "desk.toml:5: field target_separator: expected some text, got 3"),
        ("target_separator = ';'", "desk.toml:5: field target_separator: the scorer choice does not take several"),
        ("scorer = 'choise'", "desk.toml:4: field scorer: expected one of by_kind, choice"),
        ("labels = ['billing']", "desk.toml:5: field labels: expected at least two labels, each once"),
        ("labels = ['a', 'a']", "desk.toml:5: field labels: expected at least two labels, each once"),
        ("labels = ['billing', 'login']", "rows.csv:4: field desk: expected one of the labels billing, login, got"),
        ("floor = 80", "desk.toml:5: field floor: expected a number from 0 to 1, got 80"),
        ("floor = true", "desk.toml:5: field floor: expected a number from 0 to 1, got True"),
        ("id = 'number'", "desk.toml:5: field id: there is no column 'number' in rows.csv; the columns are text, desk"),
        ("id = 'desk'", "rows.csv:5: field desk: "),
        ("cluster = 'customer'", "desk.toml:5: field cluster: there is no column 'customer' in rows.csv"),
        ("strata = 'kind'", "desk.toml:5: field strata: there is no column 'kind' in rows.csv"),
        ("tags = ['kind']", "desk.toml:5: field tags: there is no column 'kind' in rows.csv"),
        ("json_columns = ['text']", "rows.csv:2: field text: expected JSON, got 'I paid twice'"),
        ("sampling = 'last'", "desk.toml:5: field sampling: expected one of random, first, got 'last'"),
        ("max_output_tokens = 0", "desk.toml:5: field max_output_tokens: expected a whole number from 1 to"),
        ("max_output_tokens = 1.5", "desk.toml:5: field max_output_tokens: expected a whole number from 1 to"),
        ("prompt_tokens = true", "desk.toml:5: field prompt_tokens: expected a whole number from 1 to"),
        ("few_shot = 3", "desk.toml:5: field few_shot: expected a table: [few_shot], got 3"),
        ("[few_shot]", "desk.toml:5: field few_shot.rows: expected which rows are examples, or count"),
        ("[few_shot]\nrows = [0]", "desk.toml:6: field few_shot.rows: expected a list of numbers of rows, from 1"),
        ("[few_shot]\nrows = [9]", "desk.toml: field few_shot.rows: there is no row 9; there are 4"),
        ("[few_shot]\nrow = [1]", "desk.toml:6: field few_shot.row: there is no such field\nDid you mean rows?"),
        ("[few_shot]\ncount = 4", "rows.csv: all rows are examples: none is left to ask"),
        ("[few_shot]\ndata = 'x.csv'", "desk.toml:6: field few_shot.data: expected a file, but x.csv does not exist"),
        ("turns = ['Hi']\n[few_shot]\ncount = 1", "desk.toml:6: field few_shot: examples stand before a single prompt"),
    ],
)
def test_a_wrong_field_is_named_with_file_and_line(tmp_path: Path, line: str, message: str) -> None:
    assert fault(tmp_path, with_line(line)).startswith(message)


@pytest.mark.parametrize("field", ["data", "prompt", "target", "scorer"])
def test_a_field_that_is_needed_and_missing_is_named(tmp_path: Path, field: str) -> None:
    toml = "\n".join(line for line in TOML.splitlines() if not line.startswith(field))
    assert f"desk.toml: field {field}: expected " in fault(tmp_path, toml)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("data = x\n", "desk.toml: expected TOML: Invalid value (at line 1, column 8)"),
        ("a = " + "[" * 5000, "desk.toml: expected TOML: "),
        ("", "desk.toml: field scorer: expected one of"),
        ("x = 'a\0b'", "desk.toml is binary"),
    ],
)
def test_what_is_not_a_definition_is_refused(tmp_path: Path, toml: str, message: str) -> None:
    assert fault(tmp_path, toml).startswith(message)


def test_a_definition_of_two_megabytes_is_refused(tmp_path: Path) -> None:
    assert "at most 1 MB" in fault(tmp_path, f"prompt = '{'x' * 2_000_000}'")


def test_a_definition_that_is_not_utf8_names_the_byte(tmp_path: Path) -> None:
    (tmp_path / "desk.toml").write_bytes("prompt = 'für'".encode("latin-1"))
    with pytest.raises(TaskError, match=r"it is not UTF-8: line 1, byte 12 is 0xfc"):
        read_definition(tmp_path / "desk.toml")


def test_two_tasks_of_one_name_are_refused(tmp_path: Path) -> None:
    write(tmp_path, with_line("name = 'same'"), task="a")
    write(tmp_path, with_line("name = 'same'"), task="b")
    with pytest.raises(TaskError, match=r"b\.toml: field name: .*a\.toml is called same, too"):
        load_own_tasks(tmp_path)


def test_a_folder_without_definitions_says_how_to_make_one(tmp_path: Path) -> None:
    for path, message in (
        (tmp_path, "there is no .toml file in"),
        (tmp_path / "none", "cannot read the folder"),
        (tmp_path / ("long" * 99), "File name too long"),
    ):
        with pytest.raises(TaskError, match=message) as caught:
            load_own_tasks(path)
        assert "lms-harness tasks --new" in caught.value.hint


def test_a_link_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    write(inside)
    (tmp_path / "secret.csv").write_text("text,desk\na,b\n")
    (inside / "rows.csv").unlink()
    (inside / "rows.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(TaskError, match=r"field data: expected a file below .*a link that leads out of it"):
        load_own_tasks(inside)


def test_every_field_has_its_row_on_the_page() -> None:
    page = (ROOT / "docs/own-tasks.md").read_text(encoding="utf-8")
    table = page.partition("| field |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(FIELDS)
