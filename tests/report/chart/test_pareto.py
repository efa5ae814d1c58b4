"""The plot of score against time, read back from its markup."""

import math
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from harness.report.chart.chart import stylesheet
from harness.report.chart.pareto import ParetoPoint, pareto

from .conftest import HOSTILE, Sound


def point(
    model: str, score: float | None, seconds: float | None, *, dominated_by: str | None = None, reason: str = ""
) -> ParetoPoint:
    low, high = (None, None) if score is None else (score - 0.1, score + 0.1)
    return ParetoPoint(
        model=model, score=score, low=low, high=high, seconds=seconds, dominated_by=dominated_by, reason=reason
    )


SMALL, MIDDLE = point("qwen3-0.6b", 0.55, 0.4), point("qwen3-4b", 0.8, 1.4)
BEATEN = point("phi-3", 0.7, 2.2, dominated_by="qwen3-4b", reason="qwen3-4b is as good and as quick")


def circles(sheet: ET.Element) -> list[tuple[float, float]]:
    return [(float(circle.attrib["cx"]), float(circle.attrib["cy"])) for circle in sheet.iter("circle")]


def test_quicker_is_left_and_better_is_up(sound: Sound) -> None:
    for sheet in sound(pareto([SMALL, MIDDLE, BEATEN])):
        (beaten_x, beaten_y), (middle_x, middle_y), (small_x, small_y) = circles(sheet)
        assert small_x < middle_x < beaten_x
        assert middle_y < beaten_y < small_y


def test_the_frontier_joins_the_models_that_none_beats_and_the_beaten_one_says_why(sound: Sound) -> None:
    chart = pareto([SMALL, MIDDLE, BEATEN], chart_id="of-extract")
    for sheet in sound(chart):
        (stairs,) = (path.attrib["d"] for path in sheet.iter("path"))
        corners = [tuple(map(float, corner.split())) for corner in re.split("[ML]", stairs)[1:]]
        beaten, *ahead = circles(sheet)
        assert set(ahead) <= set(corners)
        assert beaten not in corners
        muted = [group for group in sheet.iter("g") if group.attrib.get("class") == "chart-muted"]
        assert [group.findtext("title") for group in muted] == [
            "phi-3: 0.70 [0.60, 0.80], 2.20 s; qwen3-4b is as good and as quick",
            "phi-3",
        ]
        assert "is as good and as quick" in " ".join(text.text or "" for text in sheet.iter("text"))
    assert "Dominated: phi-3 by qwen3-4b." in chart.description


def test_a_model_that_is_not_in_the_choice_is_muted_with_its_reason(sound: Sound) -> None:
    chart = pareto([SMALL, replace(MIDDLE, reason="slower than 1.00 s")])
    assert chart.rows[1][-1] == "slower than 1.00 s"
    for sheet in sound(chart):
        marks_then_names = ["chart-muted", "chart-ahead", "chart-ahead", "chart-muted"]
        assert [group.attrib["class"] for group in sheet.iter("g")] == marks_then_names
        assert "slower than 1.00 s" in " ".join(text.text or "" for text in sheet.iter("text"))


def test_the_other_model_has_the_name_in_the_reason_that_it_has_in_the_chart(sound: Sound) -> None:
    rival = replace(MIDDLE, model="qwen/qwen3-4b-2507")
    beaten = replace(BEATEN, dominated_by=rival.model, reason=f"{rival.model} is as good and as quick (93 %)")
    chart = pareto([rival, beaten])
    assert chart.rows[1][-1] == f"dominated: {beaten.reason}"
    for sheet in sound(chart):
        assert "qwen3-4b-2507 is as good and as quick (93 %)" in " ".join(
            text.text or "" for text in sheet.iter("text")
        )


def test_the_table_has_every_figure_and_what_is_not_drawn(sound: Sound) -> None:
    chart = pareto([SMALL, BEATEN, point("untimed", 0.5, None), point("unscored", None, 1.0), point("n", math.nan, 1)])
    assert chart.header == ("model", "score [95 %]", "time of an answer", "standing")
    assert chart.rows == (
        ("qwen3-0.6b", "0.55 [0.45, 0.65]", "0.40 s", "not dominated"),
        ("phi-3", "0.70 [0.60, 0.80]", "2.20 s", "dominated: qwen3-4b is as good and as quick"),
        ("untimed", "0.50 [0.40, 0.60]", "n/a", "not drawn: no time was measured"),
        ("unscored", "n/a", "1.00 s", "not drawn: no score"),
        ("n", "n/a", "1.00 s", "not drawn: no score"),
    )
    for sheet in sound(chart):
        assert len(circles(sheet)) == 2
        assert "not drawn, without score or time: 3" in [text.text for text in sheet.iter("text")]


@pytest.mark.parametrize(
    "points",
    [
        [],
        [point("all-wrong", 0.0, 0.0)],
        [point(f"same-{number}", 1.0, 1.0) for number in range(12)],
        [point(f"model-{number}", number / 12, 0.01 * 3**number) for number in range(12)],
        [point(f"m{number}", 0.5, 10.0 + number) for number in range(40)],
        [point(HOSTILE, 0.5, 1.0, dominated_by=HOSTILE, reason=HOSTILE), point(HOSTILE + "2", 0.9, 1.0)],
    ],
    ids=["none", "zeros", "all the same", "from milliseconds to half an hour", "forty", "hostile"],
)
def test_whatever_the_figures_and_names_the_chart_is_sound(points: list[ParetoPoint], sound: Sound) -> None:
    for sheet in sound(pareto(points, yardstick=0.8)):
        assert len(circles(sheet)) == len(points)


def test_a_name_that_is_cut_stands_whole_where_a_pointer_rests(sound: Sound) -> None:
    for sheet in sound(pareto([point(HOSTILE, 0.5, 1.0)])):
        assert max(len(text.text or "") for text in sheet.iter("text")) < 80
        assert any("onload=x longlong" in (title.text or "") for title in sheet.iter("title"))


def test_the_stylesheet_loads_nothing() -> None:
    assert "url(" not in stylesheet()
    assert "@import" not in stylesheet()
