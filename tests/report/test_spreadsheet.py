"""Foreign text in CSV."""

import pytest

from harness.report.spreadsheet import inert


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\uff1d1+1", " \uff20SUM(A1)"]
)
def test_no_cell_is_a_formula(cell: str) -> None:
    assert inert(cell) == f"'{cell}"
    assert inert(f"a{cell}") == f"a{cell}"
