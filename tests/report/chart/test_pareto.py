"""The plot of score against time, read back from its markup."""

import math
import re
from xml.etree import ElementTree as ET

import pytest

from harness.report.chart.chart import Chart, stylesheet
from harness.report.chart.pareto import ParetoPoint, pareto

HOSTILE = "</svg><script>alert(1)</script>\u202e\x1b[31m&\"' onload=x " + "long" * 300


def point(
    model: str, score: float | None, seconds: float | None, *, dominated_by: str | None = None, reason: str = ""
) -> ParetoPoint:
    low, high = (None, None) if score is None else (score - 0.1, score + 0.1)
    return ParetoPoint(
        model=model, score=score, low=low, high=high, seconds=seconds, dominated_by=dominated_by, reason=reason
    )


SMALL, MIDDLE = point("qwen3-0.6b", 0.55, 0.4), point("qwen3-4b", 0.8, 1.4)
BEATEN = point("phi-3", 0.7, 2.2, dominated_by="qwen3-4b", reason="qwen3-4b is as good and as quick")


def sheets(chart: Chart) -> list[ET.Element]:
    """Return the two drawings."""
    return list(ET.fromstring(chart.svg))


def circles(sheet: ET.Element) -> list[tuple[float, float]]:
    return [(float(circle.attrib["cx"]), float(circle.attrib["cy"])) for circle in sheet.iter("circle")]


def test_a_chart_is_drawn_wide_and_narrow_each_named_by_its_title_and_description() -> None:
    chart = pareto([SMALL, MIDDLE], chart_id="of-extract")
    for sheet, kind in zip(sheets(chart), ("wide", "narrow"), strict=True):
        assert (sheet.tag, sheet.attrib["role"]) == ("svg", "img")
        names = sheet.attrib["aria-labelledby"].split()
        assert names == [f"of-extract-{kind}-title", f"of-extract-{kind}-desc"]
        told = {element.attrib.get("id"): element.text for element in sheet}
        assert [told[name] for name in names] == [chart.title, chart.description]


def test_quicker_is_left_and_better_is_up() -> None:
    for sheet in sheets(pareto([SMALL, MIDDLE, BEATEN])):
        (beaten_x, beaten_y), (middle_x, middle_y), (small_x, small_y) = circles(sheet)
        assert small_x < middle_x < beaten_x
        assert middle_y < beaten_y < small_y


def test_the_frontier_joins_the_models_that_none_beats_and_the_beaten_one_says_why() -> None:
    chart = pareto([SMALL, MIDDLE, BEATEN])
    for sheet in sheets(chart):
        (stairs,) = (path.attrib["d"] for path in sheet.iter("path"))
        corners = [tuple(map(float, corner.split())) for corner in re.split("[ML]", stairs)[1:]]
        beaten, *ahead = circles(sheet)
        assert set(ahead) <= set(corners)
        assert beaten not in corners
        muted = [group for group in sheet.iter("g") if group.attrib.get("class") == "muted"]
        assert [group.findtext("title") for group in muted] == [
            "phi-3: 0.70 [0.60, 0.80], 2.20 s; qwen3-4b is as good and as quick",
            "phi-3",
        ]
        assert "is as good and as quick" in "".join(text.text or "" for text in sheet.iter("text"))
    assert "Dominated: phi-3 by qwen3-4b." in chart.description


def test_the_table_has_every_figure_and_what_is_not_drawn() -> None:
    chart = pareto(
        [SMALL, BEATEN, point("untimed", 0.5, None), point("unscored", None, 1.0), point("nan", math.nan, 1)]
    )
    assert chart.header == ("model", "score [95 %]", "time of an answer", "standing")
    assert chart.rows == (
        ("qwen3-0.6b", "0.55 [0.45, 0.65]", "0.40 s", "on the frontier"),
        ("phi-3", "0.70 [0.60, 0.80]", "2.20 s", "dominated by qwen3-4b: qwen3-4b is as good and as quick"),
        ("untimed", "0.50 [0.40, 0.60]", "n/a", "not drawn: no time was measured"),
        ("unscored", "n/a", "1.00 s", "not drawn: no score"),
        ("nan", "n/a", "1.00 s", "not drawn: no score"),
    )
    for sheet in sheets(chart):
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
    ],
    ids=["none", "zeros", "all the same", "from milliseconds to half an hour", "forty"],
)
def test_whatever_the_figures_all_text_stays_on_the_sheet(points: list[ParetoPoint]) -> None:
    for sheet in sheets(pareto(points, yardstick=0.8)):
        width, height = map(float, sheet.attrib["viewBox"].split()[2:])
        for element in sheet.iter("text"):
            assert 0 <= float(element.attrib["x"]) <= width
            assert 0 < float(element.attrib["y"]) <= height


def test_a_hostile_name_is_text_is_cut_and_stands_whole_where_a_pointer_rests() -> None:
    chart = pareto([point(HOSTILE, 0.5, 1.0, dominated_by=HOSTILE, reason=HOSTILE)])
    assert "<script" not in chart.svg
    assert "\u202e" not in chart.svg
    assert "\x1b" not in chart.svg
    for sheet in sheets(chart):
        assert {element.tag for element in sheet.iter()} <= {
            "svg",
            "title",
            "desc",
            "g",
            "line",
            "path",
            "circle",
            "text",
        }
        assert max(len(text.text or "") for text in sheet.iter("text")) < 80
        assert any("onload=x longlong" in (title.text or "") for title in sheet.iter("title"))


def test_nothing_needs_what_a_strict_content_security_policy_forbids() -> None:
    chart = pareto([SMALL, MIDDLE, BEATEN])
    attributes = {name for element in ET.fromstring(chart.svg).iter() for name in element.attrib}
    assert not {name for name in attributes if name == "style" or name.startswith("on") or "href" in name}
    assert "url(" not in stylesheet()
    assert "@import" not in stylesheet()
