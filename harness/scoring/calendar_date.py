"""Reads a date as people write it: ISO, numeric, or with the name of the month in one of nine languages."""

from datetime import date

from harness.scoring.pattern import lazy_pattern
from harness.scoring.text import normalised

_MONTH_NAMES = (
    "jan january januar januari janvier enero gennaio janeiro",
    "feb february februar februari février fevrier febrero febbraio fevereiro",
    "mar mär mrz march märz maerz maart mars marzo março marts",
    "apr april avril abril aprile",
    "may mai mei mayo maggio maio maj",
    "jun june juni juin junio giugno junho",
    "jul july juli juillet julio luglio julho",
    "aug august augustus août aout agosto augusti",
    "sep sept september septembre septiembre settembre setembro",
    "oct okt october oktober octobre octubre ottobre outubro",
    "nov november novembre noviembre novembro",
    "dec dez déc december dezember décembre diciembre dicembre dezembro",
)
_MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, 1) for name in names.split()}
_WEEKDAY = r"(?:(?:on )?[^\W\d_]{2,12}\.?,? )?"
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?\.?"
_MONTH = rf"({'|'.join(_MONTHS)})\b\.?"
_ISO = lazy_pattern(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[T ][\d:.,Z+-]{1,30})?$")
_COMPACT = lazy_pattern(r"(\d{4})(\d{2})(\d{2})$")
_NUMERIC = lazy_pattern(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})$")
_DAY_MONTH = lazy_pattern(rf"{_WEEKDAY}(?:the )?{_DAY}[ -]?(?:of |de )?{_MONTH}(?:,? |-|,| de )(\d{{4}})$")
_MONTH_DAY = lazy_pattern(rf"{_WEEKDAY}{_MONTH}[ -](?:the )?{_DAY}(?:,? |-|,)(\d{{4}})$")
_YEAR_MONTH_DAY = lazy_pattern(rf"(\d{{4}})[ -]{_MONTH}[ -]{_DAY}$")
_EAST_ASIAN = lazy_pattern(r"(\d{4})\s?[年년]\s?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日일]$")
_MAX_CHARS = 60


def read_iso(text: str) -> date | None:
    """Return the date of a text such as 2026-03-03, also with slashes or dots and with a time after it, or None."""
    found = _ISO.match(text)
    return _date(int(found[1]), int(found[3]), int(found[4])) if found else None


def dates_in(text: str) -> frozenset[date]:
    """Return every date that a text may mean; the empty set when it is not a date, several when it is ambiguous.

    03.04.2026 is read day first. 3/4/2026 may be either; so may a year of two digits, which is of this century.
    """
    plain = normalised(text[:_MAX_CHARS])
    if found := _NUMERIC.match(plain):
        return _numeric(int(found[1]), found[2], int(found[3]), found[4])
    readings: tuple[date | None, ...] = (read_iso(plain.upper()),)
    if found := _COMPACT.match(plain):
        readings = (_date(int(found[1]), int(found[2]), int(found[3])),)
    elif found := _DAY_MONTH.match(plain):
        readings = (_date(int(found[3]), _MONTHS.get(found[2], 0), int(found[1])),)
    elif found := _MONTH_DAY.match(plain):
        readings = (_date(int(found[3]), _MONTHS.get(found[1], 0), int(found[2])),)
    elif found := _YEAR_MONTH_DAY.match(plain):
        readings = (_date(int(found[1]), _MONTHS.get(found[2], 0), int(found[3])),)
    elif found := _EAST_ASIAN.match(plain):
        readings = (_date(int(found[1]), int(found[2]), int(found[3])),)
    return frozenset(reading for reading in readings if reading is not None)


def _numeric(first: int, mark: str, second: int, last: str) -> frozenset[date]:
    year = int(last) if len(last) == 4 else 2000 + int(last)  # noqa: PLR2004  (digits of a whole year)
    readings = {_date(year, second, first)}
    if mark != ".":
        readings.add(_date(year, first, second))
    if year != int(last) and mark == "-":
        readings.add(_date(2000 + first, second, int(last)))  # 26-03-04 is ISO with a short year
    return frozenset(reading for reading in readings if reading is not None)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
