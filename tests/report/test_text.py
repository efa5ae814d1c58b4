import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.text import PrintablePieces, disarmed_json, one_line, printable, task_label


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("over\rwritten", "over\\rwritten"),
        ("\u202eabc", "\\u202eabc"),
        ("bell\x07", "bell\\x07"),
        ("Zürich 東京 🙂", "Zürich 東京 🙂"),
    ],
)
def test_what_acts_on_a_terminal_is_escaped_and_the_rest_is_kept(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize("text", ["::set-output name=x::y", "ok\n  ::error::boom", "\n::add-mask::x"])
def test_a_workflow_command_no_longer_begins_a_line(text: str) -> None:
    assert not any(line.lstrip().startswith("::") for line in printable(text).splitlines())


@pytest.mark.parametrize("text", ["##[error]boom", "a ##vso[task.x]", "###[x]", "##VSO[x]", "##[##[x]"])
def test_an_older_command_is_disarmed_anywhere_in_a_line(text: str) -> None:
    for shown in (printable(text), json.loads(disarmed_json(json.dumps(printable(text))))):
        assert "##[" not in shown
        assert "##vso[" not in shown.lower()
    assert "##" not in disarmed_json(json.dumps({"answer": text}))
    assert json.loads(disarmed_json(json.dumps({"answer": text}))) == {"answer": text}


def test_a_megabyte_of_line_ends_takes_no_longer_than_one_of_words() -> None:
    assert printable("\n" * 1_000_000 + "::error::x").endswith("\n: :error::x")


def test_each_line_can_have_a_limit() -> None:
    assert printable("short\n" + "x" * 50 + "\nend", longest_line=10) == "short\nxxxxxxxxx…\nend"


def test_a_limit_marks_what_was_cut() -> None:
    assert printable("abcdef", limit=4) == "abc…"
    assert one_line("a\n b\t c", limit=20) == "a b c"


@given(st.text())
def test_nothing_printable_can_move_the_cursor(text: str) -> None:
    assert not any(ord(char) < 32 and char not in "\n\t" for char in printable(text))


TRICKY = st.lists(st.text(alphabet=":: \n\t\r\x1bax##[vsoVSO\u202e\u3000", max_size=6))


@given(TRICKY)
def test_text_in_pieces_is_shown_as_the_whole_would_be_wherever_it_is_cut(pieces: list[str]) -> None:
    shown = PrintablePieces()
    assert "".join(shown.add(piece) for piece in pieces) + shown.end() == printable("".join(pieces))


def test_a_workflow_command_is_disarmed_when_its_colons_come_apart() -> None:
    shown = PrintablePieces()
    assert [shown.add(piece) for piece in ("ok\n ", ":", ":error", "::x\n", ":", "a")] == [
        "ok\n ",
        "",
        ": :error",
        "::x\n",
        "",
        ":a",
    ]


def test_nothing_but_a_first_colon_is_held_back() -> None:
    shown = PrintablePieces()
    assert [shown.add(piece) for piece in ("a", " ", "\n", ":")] == ["a", " ", "\n", ""]
    assert (shown.end(), shown.end()) == (":", "")


@pytest.mark.parametrize(
    ("task", "shown"),
    [
        ("classify", "classify"),
        ("a-very-long-name-of-a-task", "a-very-long-name-of…"),
        ("tests/models/test_facts.py::test_capital", "…ts.py::test_capital"),
        ("a::\x1b[31m", "a::\\x1b[31m"),
        ("two\nlines", "two lines"),
    ],
)
def test_of_a_long_node_id_the_end_stays(task: str, shown: str) -> None:
    assert task_label(task, limit=20) == shown
