"""The table of throughput step by step."""

from typing import Any

from harness.domain.record import MeasureRecord
from harness.report.ending import render_ending
from harness.report.latency.throughput import LEGEND, render
from harness.report.layout import paragraph
from tests.store.written import written

HEAD = {"run_id": "r", "at": "2026-11-23T08:00:00.000Z", "unit": "u"}
KEY = "acme/tiny"


def measure(name: str, value: float, *, key: str = KEY, **params: Any) -> MeasureRecord:
    return MeasureRecord.model_validate({**HEAD, "name": name, "value": value, "model_key": key, "params": params})


def windows(concurrency: object, *rates: float, queue_s: float | None = None, **more: object) -> list[MeasureRecord]:
    figures = {"occupancy": 0.25, "ttft_s": 0.1, "tpot_s": 0.02, "client_s": 0.003, "queue_s": queue_s}
    where: dict[str, Any] = {"concurrency": concurrency, "slots": 4, **more}
    return [
        measure(f"ladder_{name}", value, **where)
        for rate in rates
        for name, value in {"tps": rate, **figures}.items()
        if value is not None
    ]


LADDER = [
    *windows(1, 10, 11, 12, 13, 14, 15),
    *windows(4, 40, 41, 42, 43, 44, 45),
    *windows(8, 41, 42, 43, 44, 45, 46, queue_s=1.5),
]


def test_the_table_says_where_more_at_a_time_adds_nothing() -> None:
    table, saturated, legend = render(written(*LADDER), width=80)
    assert table.splitlines() == [
        "acme/tiny, 4 slots, 6 windows a step:",
        "",
        "  at a time  token/s [95 %]      in use    TTFT    queue    TPOT    client",
        "-----------  ----------------  --------  ------  -------  ------  --------",
        "          1  12 [10, 15]           25 %  100 ms        -   20 ms    3.0 ms",
        "          4  42 [40, 45]           25 %  100 ms        -   20 ms    3.0 ms",
        "          8  44 [41, 46]           25 %  100 ms   1.50 s   20 ms    3.0 ms",
    ]
    expected = "Saturated with 4 at a time: more of them add less than 5 %. All 4 slots give 3.4 x the token/s of one "
    assert saturated == paragraph(f"{expected}request at a time.", 80)
    assert legend == paragraph(LEGEND, 80)


def test_few_windows_and_a_rate_that_still_rises_are_said() -> None:
    table, saturated, _ = render(written(*windows(1, 10, 11), *windows(2, 20, 21)), width=None)
    assert "2 windows a step:" in table
    assert "10 [" not in table
    assert saturated == (
        "Not saturated with 2 at a time: the highest rate is the last one measured. "
        "There are fewer than 5 windows of a step: take the figures with care."
    )


def test_windows_that_differ_too_much_to_tell_two_steps_apart_are_said_to() -> None:
    noisy = [
        *windows(1, 10, 11, 12, 13, 14, 30),
        *windows(4, 9, 12, 15, 16, 18, 20),
        *windows(8, 12, 14, 17, 19, 21, 22),
    ]
    notes = render(written(*noisy), width=None)[1]
    assert "Not saturated with 8 at a time" in notes
    assert "That is not certain: the interval of 1 at a time reaches that of the highest rate." in notes


def test_flips_stand_beside_those_of_single_requests() -> None:
    flips = [
        measure("flip_rate", 0.1, concurrency=1, questions=30, flipped=0),
        measure("flip_rate", 0.1, concurrency=4, questions=30, flipped=3),
    ]
    line, legend = render(written(*flips), width=None)
    assert line == (
        "acme/tiny: greedy answers that differ from those of single requests: 3 of 30 [0.03, 0.26] 4 at a time; "
        "0 of 30 [0.00, 0.11] asked singly again."
    )
    assert "Slots > 1 can change greedy answers" in legend


def test_what_a_run_file_may_hold_breaks_no_table() -> None:
    hostile = [
        *windows("4", 1.0),
        *windows(True, 1.0),
        *windows(2, 1.0, slots="\x1b[31m"),
        measure("ladder_\x1b[31m", 1.0, concurrency=2, key="\x1b[31m\u202eevil\n::error::"),
        *windows(4, 1.0, -1.0, 1e308),
        measure("ladder_ttft_s", 1e308, concurrency=4),
        measure("flip_rate", 5.0, concurrency=4, questions=3, flipped=10**9),
        measure("flip_rate", 5.0, concurrency=4, questions="x", flipped=-1),
    ]
    for width in (None, 40):
        text = "\n\n".join(render(written(*hostile), width=width))
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "\n::error" not in text


def test_the_end_of_a_thorough_run_shows_it() -> None:
    assert "acme/tiny, 4 slots, 6 windows a step:" in render_ending(written(*LADDER), width=100)
    assert "windows" not in render_ending(written(measure("throughput_tps", 4.0, concurrency=4)), width=None)
