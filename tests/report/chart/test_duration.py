"""Bars of the three durations, read back from their markup."""

import math

import pytest

from harness.report.chart.duration import Span, SpeedBar, durations

from .conftest import HOSTILE, Sound

QUICK = SpeedBar(
    model="qwen/qwen3-0.6b",
    load=Span(seconds=0.8, low=0.7, high=0.9),
    first_word=Span(seconds=0.1),
    answer=Span(seconds=0.5, low=0.4, high=0.6),
    break_even="from 14 requests per load on, gemma-3-12b is more useful",
)
SLOW = SpeedBar(
    model="gemma-3-12b",
    load=Span(seconds=8.0, low=7.0, high=9.0),
    first_word=None,
    answer=Span(seconds=4.0, low=3.0, high=6.0),
)


def test_a_bar_is_as_long_as_its_time_on_a_scale_from_0(sound: Sound) -> None:
    for sheet in sound(durations([QUICK, SLOW])):
        quick_load, slow_load, _, quick_answer, slow_answer = [float(bar.attrib["width"]) for bar in sheet.iter("rect")]
        assert slow_load / quick_load == pytest.approx(10, rel=0.05)
        assert slow_answer / quick_answer == pytest.approx(8, rel=0.05)


def test_every_figure_stands_at_its_bar_and_what_is_missing_is_said(sound: Sound) -> None:
    chart = durations([QUICK, SLOW])
    for sheet in sound(chart):
        shown = [text.text for text in sheet.iter("text")]
        assert {"0.80 s", "0.10 s", "0.50 s", "8.00 s", "4.00 s", "not measured"} <= {*shown}
        assert "14 requests per load" in " ".join(text or "" for text in shown)
    assert chart.header == (
        "model",
        "load, once [95 %]",
        "to the first word [95 %]",
        "whole answer [95 %]",
        "break-even",
    )
    assert chart.rows == (
        ("qwen/qwen3-0.6b", "0.80 s [0.70 s, 0.90 s]", "0.10 s", "0.50 s [0.40 s, 0.60 s]", QUICK.break_even),
        ("gemma-3-12b", "8.00 s [7.00 s, 9.00 s]", "not measured", "4.00 s [3.00 s, 6.00 s]", "-"),
    )
    assert "gemma-3-12b: load, once 8.00 s, to the first word not measured" in chart.description


@pytest.mark.parametrize(
    "bars",
    [
        [],
        [SpeedBar(model="zero", load=Span(seconds=0.0, low=0.0, high=0.0), first_word=None, answer=None)],
        [
            SpeedBar(
                model="odd", load=Span(seconds=math.nan), first_word=Span(seconds=math.inf), answer=Span(seconds=-1)
            )
        ],
        [SpeedBar(model=HOSTILE, load=Span(seconds=1e5), first_word=None, answer=None, break_even=HOSTILE)],
        [SpeedBar(model=f"model-{n}", load=Span(seconds=3.0**n), first_word=None, answer=None) for n in range(12)],
    ],
    ids=["none", "zero", "odd numbers", "hostile", "twelve"],
)
def test_whatever_the_figures_and_names_the_chart_is_sound(bars: list[SpeedBar], sound: Sound) -> None:
    assert len(sound(durations(bars))) == 2
