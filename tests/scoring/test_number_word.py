from fractions import Fraction

import pytest

from harness.scoring.number_word import part, spelled


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("one hundred twenty-three", ["123"]),
        ("two hundred and five", ["205"]),
        ("one thousand two hundred and fifty", ["1250"]),
        ("fifteen hundred", ["1500"]),
        ("a hundred", ["100"]),
        ("two million", ["2000000"]),
        ("twenty thousand", ["20000"]),
        ("four and a half", ["9/2"]),
        ("two and three quarters", ["11/4"]),
        ("three quarters", ["3/4"]),
        ("a third", ["1/3"]),
        ("the third", []),
        ("half", ["1/2"]),
        ("minus seven", ["-7"]),
        ("negative one half", ["-1/2"]),
        ("three point one four", ["157/50"]),
        ("five and six", ["5", "6"]),
        ("one two three", ["1", "2", "3"]),
        ("\u4e8c\u5341\u56db", ["24"]),
        ("\u4e00\u767e\u4e8c\u5341\u4e09", ["123"]),
        ("nothing", []),
    ],
)
def test_numbers_in_words_are_read_from_left_to_right(words: str, expected: list[str]) -> None:
    assert [str(value) for value, _, _ in spelled(words)] == expected


def test_a_number_says_where_it_stands() -> None:
    assert list(spelled("He has twenty-one of them")) == [(Fraction(21), 7, 17)]


def test_a_part_is_less_than_one() -> None:
    assert part("a half") == Fraction(1, 2)
    assert part("three halves") is None
