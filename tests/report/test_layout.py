import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.layout import cards, fits, fitted, paragraph, prose

HEADERS = ("model", "score", "load")
ROWS = [("acme/tiny", "0.75 [0.50, 0.90]", "0.90 s"), ("acme/small", "0.50", "")]


def test_a_table_that_fits_stays_a_table() -> None:
    wide = fitted(ROWS, headers=HEADERS, align=("left",) * 3, width=None)
    assert wide.splitlines()[0].split() == ["model", "score", "load"]
    assert fitted(ROWS, headers=HEADERS, align=("left",) * 3, width=80) == wide


def test_a_table_that_is_too_wide_becomes_a_card_a_row_without_its_empty_cells() -> None:
    assert fitted(ROWS, headers=HEADERS, align=("left",) * 3, width=30) == (
        "acme/tiny\n  score  0.75 [0.50, 0.90]\n  load   0.90 s\n\nacme/small\n  score  0.50"
    )


def test_sentences_are_wrapped_on_a_pipe_too_and_on_a_terminal_however_wide() -> None:
    text = "word " * 100
    assert max(map(len, prose(text, None).splitlines())) == max(map(len, prose(text, 300).splitlines())) == 109
    assert fits(prose(text, 40), 40)


@pytest.mark.parametrize("width", [20, 40])
def test_long_cells_are_broken_below_their_beginning(width: int) -> None:
    text = cards([("m" * 50, "word " * 20, "x" * 50)], headers=HEADERS, width=width)
    assert fits(text, width)
    assert "         word" in text


@given(st.text(alphabet=st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=200), st.integers(20, 120))
def test_no_line_of_a_paragraph_is_wider_than_the_terminal(text: str, width: int) -> None:
    told = paragraph(text, width, indent=8)
    assert fits(told, width)
    assert told.replace("\n", "").replace(" ", "") == text.replace(" ", "")


def test_a_number_and_its_percent_sign_stay_on_one_line() -> None:
    assert paragraph("it was proved at 5 %. open", 20).splitlines() == ["it was proved at", "5 %. open"]
