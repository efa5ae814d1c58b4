from datetime import date

import pytest

from harness.scoring.calendar_date import dates_in

THIRD = date(2026, 3, 3)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-03",
        "2026/3/3",
        "2026-03-03T10:00:00Z",
        "20260303",
        "03-Mar-2026",
        "3-March-2026",
        "2026-Mar-03",
        "3 March 2026",
        "3rd of March, 2026",
        "March 3rd, 2026",
        "March the 3rd, 2026",
        "Tuesday, 3 March 2026",
        "Mar. 3, 2026",
        "3. M\u00e4rz 2026",
        "3 de marzo de 2026",
        "3 mars 2026",
        "03.03.2026",
        "03.03.26",
        "3/3/2026",
        "2026\u5e743\u67083\u65e5",
    ],
)
def test_a_date_is_read_as_people_write_it(text: str) -> None:
    assert dates_in(text) == {THIRD}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "March",
        "3 marble 2026",
        "3 Marchy 2026",
        "2026-02-30",
        "20261303",
        "3 March",
        "30 marchand 2026",
        "May 2026",
    ],
)
def test_what_is_not_a_date_is_none(text: str) -> None:
    assert dates_in(text) == frozenset()


def test_an_ambiguous_date_has_all_its_readings() -> None:
    assert dates_in("3/4/2026") == {date(2026, 4, 3), date(2026, 3, 4)}
    assert dates_in("03.04.2026") == {date(2026, 4, 3)}
    assert dates_in("05-06-07") == {date(2007, 6, 5), date(2007, 5, 6), date(2005, 6, 7)}
