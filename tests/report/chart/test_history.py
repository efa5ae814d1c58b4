"""Lines from run to run, read back from their markup."""

import math
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from harness.report.chart.history import history
from harness.report.chart.story import HistoryPoint

from .conftest import HOSTILE, Sound


def point(
    day: int, model: str, score: float | None, *, task: str = "extract", changed: tuple[str, ...] = ()
) -> HistoryPoint:
    low, high = (None, None) if score is None else (score - 0.1, score + 0.1)
    began = f"2026-11-{day:02d}T18:24:06.120Z"
    return HistoryPoint(
        run=f"run-{day}", began=began, model=model, task=task, score=score, low=low, high=high, changed=changed
    )


FALLING = [
    point(1, "qwen3", 0.9),
    point(2, "qwen3", 0.8),
    point(3, "qwen3", 0.3, changed=("LM Studio 0.3.31 -> 0.3.32", "Q8_0 -> Q4_K_M")),
    point(1, "gemma-3", 0.5),
    point(2, "gemma-3", None),
    point(3, "gemma-3", 0.5, changed=("LM Studio 0.3.31 -> 0.3.32",)),
]


def texts(sheet: ET.Element, css: str) -> list[str]:
    return [text.text or "" for text in sheet.iter("text") if text.attrib.get("class") == f"chart-{css}"]


def test_a_line_goes_from_run_to_run_and_stops_where_a_score_is_missing(sound: Sound) -> None:
    for sheet in sound(history(FALLING)):
        strokes = [path for path in sheet.iter("path") if path.attrib["class"] == "chart-stroke"]
        assert [stroke.attrib["d"].count("L") for stroke in strokes] == [2]
        dots = [(float(dot.attrib["cx"]), float(dot.attrib["cy"])) for dot in sheet.iter("circle")]
        assert len(dots) == 5
        (first_x, first_y), (_, second_y), (last_x, last_y), *_ = dots
        assert first_x < last_x
        assert first_y < second_y < last_y
        assert texts(sheet, "row") == ["qwen3 0.30", "gemma-3 0.50"]
        assert {"1 Nov", "3 Nov"} <= {*texts(sheet, "tick")}


def test_what_changed_is_marked_at_its_run_and_told_below_with_the_models_it_concerns(sound: Sound) -> None:
    chart = history([*FALLING, point(1, "qwen3", 0.5, task="reason"), point(2, "qwen3", 0.5, task="reason")])
    for sheet in sound(chart):
        assert texts(sheet, "mark") == ["1"]  # On "reason" nothing was asked in that run.
        assert " ".join(texts(sheet, "note")).startswith(
            "1 3 Nov: LM Studio 0.3.31 -> 0.3.32; qwen3: Q8_0 -> Q4_K_M Runs in order"
        )
    assert chart.rows[-1] == (
        "run-3",
        "2026-11-03T18:24:06.120Z",
        "extract",
        "gemma-3",
        "0.50 [0.40, 0.60]",
        FALLING[-1].changed[0],
    )
    assert "3 runs, 1 Nov to 3 Nov. extract, qwen3: 0.90 to 0.30;" in chart.description


def test_runs_of_one_day_are_told_apart_by_their_times(sound: Sound) -> None:
    points = [replace(point(3, "m", 0.5), run=f"r{hour}", began=f"2026-11-03T{hour:02d}:05:00Z") for hour in (9, 14)]
    for sheet in sound(history(points)):
        assert {"9:05", "14:05"} <= {*texts(sheet, "tick")}


def test_only_the_newest_changes_are_told_and_the_rest_counted(sound: Sound) -> None:
    chart = history([point(day, "m", 0.5, changed=(f"change {day}",)) for day in range(1, 29)])
    for sheet in sound(chart):
        told = " ".join(texts(sheet, "note"))
        assert "change 28" in told
        assert "change 20 " not in told
        assert "20 earlier changes are in the table" in told
    assert chart.rows[0][-1] == "change 1"


def test_of_many_runs_the_newest_are_shown_as_lines_without_dots(sound: Sound) -> None:
    many = [
        replace(point(1, "m", 0.5), run=f"run-{number:03}", began=f"2026-11-01T{number // 60:02}:{number % 60:02}:00Z")
        for number in range(100)
    ]
    chart = history(many)
    assert [chart.rows[0][0], chart.rows[-1][0], len(chart.rows)] == ["run-040", "run-099", 60]
    assert "The newest 60 runs, 0:40 to 1:39" in chart.description
    for sheet in sound(chart):
        assert not list(sheet.iter("circle"))
        assert "The newest 60 of 100 runs." in " ".join(texts(sheet, "note"))


@pytest.mark.parametrize(
    "points",
    [
        [],
        [point(1, "one", 0.0)],
        [point(1, "unscored", None)],
        [replace(point(1, "odd", math.nan), low=math.inf, high=math.nan, began="yesterday")],
        [replace(point(1, HOSTILE, 1.0, task=HOSTILE, changed=(HOSTILE,)), began=HOSTILE, run=HOSTILE)],
        [point(day, f"m{n}", n / 12, task=task) for day in range(1, 29) for n in range(12) for task in ("a", "b", "c")],
    ],
    ids=["none", "zero", "no score", "odd numbers", "hostile", "twelve models, 28 runs"],
)
def test_whatever_the_figures_and_names_the_chart_is_sound(points: list[HistoryPoint], sound: Sound) -> None:
    assert len(sound(history(points))) == 2
