"""How tonight's times stand against the baseline's, as a table."""

import math
from collections.abc import Iterator

from harness.report.figure import milliseconds, seconds
from harness.report.layout import cards, fits, paragraph, table
from harness.report.text import one_line
from harness.verdict.gate import Night
from harness.verdict.gate_state import Level
from harness.verdict.gate_time import TimeCase

TIME_HEADERS = ("model", "time of", "rounds", "before", "now", "now / before [95 %]", "noise", "state")
TIME_ALIGN = ("left", "left", "right", "right", "right", "right", "right", "left")
_LONGEST_KEY = 60


def times_table(night: Night, width: int | None) -> Iterator[str]:
    """Yield the table of the times that were compared; where it is too wide, cards of those that do not pass."""
    measured = [case for case in night.times if case.is_measured]
    if not measured:
        return
    whole = table([time_row(case) for case in measured], headers=TIME_HEADERS, align=TIME_ALIGN)
    if fits(whole, width):
        yield whole
        return
    passed = [case for case in measured if case.level is Level.PASS]
    if rows := [time_row(case) for case in measured if case not in passed]:
        headers = ("time", *TIME_HEADERS[2:])
        yield cards([(f"{row[0]} {row[1]}", *row[2:]) for row in rows], headers=headers, width=width)
    if passed:
        shown = (f"{one_line(case.model_key, limit=_LONGEST_KEY)} {case.task} {ratio(case)}" for case in passed)
        yield paragraph(f"Times pass: {', '.join(shown)}.", width, indent=2)


def time_row(case: TimeCase) -> tuple[str, ...]:
    """Return the cells of a time, in the order of `TIME_HEADERS`."""
    return (
        one_line(case.model_key, limit=_LONGEST_KEY),
        case.task,
        str(case.rounds or ""),
        _time(case, case.before_s),
        _time(case, case.now_s),
        ratio(case),
        "" if case.noise is None else f"{100 * math.expm1(case.noise):.0f} %",
        case.state.value,
    )


def ratio(case: TimeCase) -> str:
    """Return "1.98 x [1.60, 2.45]"; "n/a" where it was not compared."""
    if case.ratio is None or case.interval is None:
        return "n/a"
    return f"{case.ratio:.2f} x [{case.interval.low:.2f}, {case.interval.high:.2f}]"


def _time(case: TimeCase, value: float | None) -> str:
    return milliseconds(value) if case.name == "tpot_s" else seconds(value)


def times_legend(night: Night) -> str:
    """Return what the table of times means."""
    claims = "" if night.time_claims == 1 else f", divided among {night.time_claims} times"
    return (
        "Times: medians of the rounds of one request at a time, and of warm loads. regression: slower by more than "
        f"{100 * night.slower:g} %, than noise, and than nights differ by ({100 * night.time_alpha:.3g} %{claims}). "
        "noise: how far tonight's rounds and the baseline's differ from themselves, added up."
    )
