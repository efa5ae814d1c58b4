import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.scoring.bound import MAX_CHARS, bounded, is_cut

EXPENSIVE = ["\u0301\u0316", "a\u0301\u0316", "\u0344", "\ufdfa", "\u1fb7", "\ud800", "x", "\u6f22"]


@pytest.mark.parametrize("piece", EXPENSIVE)
def test_a_megabyte_is_bounded_and_normalised_in_time_and_stays_bounded(piece: str) -> None:
    started = time.process_time()
    text = bounded(piece * (1_000_000 // len(piece)))
    normal = unicodedata.normalize("NFKC", text).casefold()
    assert time.process_time() - started < 0.5
    assert len(text) <= MAX_CHARS
    assert len(normal) <= MAX_CHARS
    assert bounded(text) == text


def test_only_what_is_longer_is_cut() -> None:
    assert not is_cut("x" * MAX_CHARS)
    assert is_cut("x" * (MAX_CHARS + 1))
    assert is_cut("\ufdfa" * (MAX_CHARS // 18 + 1))


@given(st.text(max_size=300))
def test_an_ordinary_text_is_unchanged(text: str) -> None:
    assert bounded(text) == text


def test_thirty_marks_in_a_row_are_kept_and_no_more() -> None:
    assert bounded("a" + "\u0301" * 30) == "a" + "\u0301" * 30
    assert bounded("a" + "\u0301" * 31 + "b") == "a" + "\u0301" * 30 + "b"
