"""What tests of charts share: a chart read back from its markup."""

from collections.abc import Callable
from typing import TypeAlias
from xml.etree import ElementTree as ET

import pytest

from harness.report.chart.chart import Chart

Sound: TypeAlias = Callable[[Chart], list[ET.Element]]

HOSTILE = "</svg><script>alert(1)</script>\u202e\x1b[31m&\"' onload=x " + "long" * 300
_TAGS = {"div", "svg", "title", "desc", "g", "line", "path", "circle", "rect", "text"}


@pytest.fixture
def sound() -> Sound:
    """Return the wide and the narrow drawing of a chart, after what holds for every chart was checked."""
    return _sound


def _sound(chart: Chart) -> list[ET.Element]:
    root = ET.fromstring(chart.svg)
    sheets = list(root)
    for sheet, kind in zip(sheets, ("wide", "narrow"), strict=True):
        names = sheet.attrib["aria-labelledby"].split()
        assert (sheet.tag, sheet.attrib["role"]) == ("svg", "img")
        assert names == [f"{chart.chart_id}-{kind}-title", f"{chart.chart_id}-{kind}-desc"]
        assert len(list(sheet)) > 2
        width, height = map(float, sheet.attrib["viewBox"].split()[2:])
        for text in sheet.iter("text"):
            assert -1 <= float(text.attrib["x"]) <= width + 1, text.text
            assert 0 < float(text.attrib["y"]) <= height, text.text
            assert len(text.text or "") < 130
    assert chart.title
    assert chart.description
    assert all(len(row) == len(chart.header) for row in chart.rows)
    assert {element.tag for element in root.iter()} <= _TAGS
    attributes = {name for element in root.iter() for name in element.attrib}
    assert not {name for name in attributes if name == "style" or name.startswith("on") or "href" in name}
    assert not {"\u202e", "\x1b"} & {*chart.svg}
    assert "nan" not in chart.svg.lower().replace("nano", "")
    return sheets
