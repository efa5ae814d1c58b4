import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.own_task.template import UnknownColumn, parse_template

ROW = {"name": "Ada", "n": 3, "a.b": "dotted", "list": ["x"], "none": None}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("Hello {name}!", "Hello Ada!"),
        ("{{name}} and {name}", "{name} and Ada"),
        ('{{"n": {n}}}', '{"n": 3}'),
        ("{ name }", "Ada"),
        ("{a.b} {list} {none}.", 'dotted ["x"] .'),
        ("", ""),
    ],
)
def test_a_column_stands_in_braces_and_doubled_braces_are_literal(text: str, filled: str) -> None:
    assert parse_template(text).text(ROW) == filled


@pytest.mark.parametrize("text", ["{name.upper}", "{name[0]}", "{name!r}", "{name:>9}", "{0}", "{__class__}"])
def test_attributes_indices_and_formats_are_names_of_columns_that_there_are_not(text: str) -> None:
    with pytest.raises(UnknownColumn, match="there is no column"):
        parse_template(text).text(ROW)


@pytest.mark.parametrize(("text", "brace"), [("a {", "{"), ("a } b", "}"), ("{}", "{"), ("{a\nb}", "{")])
def test_a_single_brace_is_an_error_that_says_how_to_write_it(text: str, brace: str) -> None:
    with pytest.raises(
        ValueError, match=rf"or \{brace}\{brace} for a brace as itself, got a single \{brace} in line 1"
    ):
        parse_template(text)


def test_a_template_that_is_one_column_alone_keeps_the_type_of_its_value() -> None:
    assert parse_template("{list}").value(ROW) == ["x"]
    assert parse_template("{list} ").value(ROW) == '["x"] '


@given(st.text())
def test_what_a_column_holds_is_never_interpreted(text: str) -> None:
    assert parse_template("<{x}>").text({"x": text}) == f"<{text}>"


@given(st.text())
def test_any_text_can_be_written_literally(text: str) -> None:
    escaped = text.replace("{", "{{").replace("}", "}}")
    assert parse_template(escaped).text({}) == text
