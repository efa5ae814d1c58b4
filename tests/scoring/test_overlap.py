"""Figures worked out by hand from the formulas of SQuAD's evaluation and of ROUGE."""

import pytest

from harness.scoring.exact import plain
from harness.scoring.overlap import RougeL, TokenF1, rouge_tokens


@pytest.mark.parametrize(
    ("answer", "reference", "f1"),
    [
        ("the cat sat", "a cat sat", 1.0),
        ("cat sat down", "cat sat", 2 * (2 / 3) * 1 / (2 / 3 + 1)),
        ("cat cat", "cat", 2 * (1 / 2) * 1 / (1 / 2 + 1)),
        ("dog", "cat", 0.0),
        ("It is U.S.A.!", "usa", 2 * (1 / 3) * 1 / (1 / 3 + 1)),
    ],
)
def test_token_f1_counts_shared_words_as_often_as_they_occur(answer: str, reference: str, f1: float) -> None:
    assert TokenF1()(answer, reference).value == pytest.approx(f1)


@pytest.mark.parametrize(
    ("answer", "reference", "f1"),
    [
        # Lin 2004, section 3.1: LCS 3 of 4 and 4, then 2 of 4 and 4.
        ("police kill the gunman", "police killed the gunman", 3 / 4),
        ("the gunman kill police", "police killed the gunman", 2 / 4),
        ("testing two", "testing one two", 2 * 1 * (2 / 3) / (1 + 2 / 3)),
        ("co-op, 3.5%", "co op 3 5", 1.0),
    ],
)
def test_rouge_l_is_the_f_measure_of_the_longest_common_subsequence(answer: str, reference: str, f1: float) -> None:
    assert RougeL()(answer, reference).value == pytest.approx(f1)


def test_the_best_reference_counts() -> None:
    assert TokenF1()("cat", ["dog", "cat"]).value == 1.0
    assert RougeL()("cat", ["dog", "cat"]).value == 1.0


def test_texts_are_taken_apart_as_the_reference_programs_do() -> None:
    assert plain(" The  U.S. (a) state's ") == "us states"
    assert rouge_tokens("It's 3.5 GB_x \u00e9t\u00e9") == ["it", "s", "3", "5", "gb", "x", "t"]
