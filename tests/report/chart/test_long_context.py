"""The maps of length and depth, read back from their markup."""

import math

import pytest

from harness.report.chart.long_context import DepthCell, long_context

from .conftest import HOSTILE, Sound


def cell(model: str, tokens: int, depth: float, score: float | None, n: int = 2) -> DepthCell:
    return DepthCell(model=model, tokens=tokens, depth=depth, score=score, n=n)


CELLS = [
    cell("qwen3-4b", 256, 0.0, 1.0),
    cell("qwen3-4b", 256, 1.0, 0.9),
    cell("qwen3-4b", 768, 0.0, 0.5),
    cell("qwen3-4b", 768, 1.0, 0.0),
    cell("gemma-3", 256, 0.0, None),
]


def test_each_cell_has_its_value_and_a_step_of_five_colours(sound: Sound) -> None:
    for sheet in sound(long_context(CELLS)):
        cells = {
            group.findtext("title"): (group.findtext("text"), group.attrib["class"])
            for group in sheet.iter("g")
            if group.find("rect") is not None
        }
        assert cells["qwen3-4b, 256 tokens, beginning: 1.00 (n 2)"] == ("1.00", "chart-heat-4")
        assert cells["qwen3-4b, 768 tokens, beginning: 0.50 (n 2)"] == ("0.50", "chart-heat-2")
        assert cells["qwen3-4b, 768 tokens, end: 0.00 (n 2)"] == ("0.00", "chart-heat-0")
        assert cells["gemma-3, 256 tokens, beginning: \N{EN DASH} (n 0)"] == ("\N{EN DASH}", "chart-unknown")
        assert cells["gemma-3, 768 tokens, end: \N{EN DASH} (n 0)"] == ("\N{EN DASH}", "chart-unknown")


def test_longer_is_right_and_deeper_is_down(sound: Sound) -> None:
    for sheet in sound(long_context(CELLS[:4])):
        at = {
            group.findtext("text"): (float(shape.attrib["x"]), float(shape.attrib["y"]))
            for group in sheet.iter("g")
            if (shape := group.find("rect")) is not None
        }
        assert at["1.00"][0] == at["0.90"][0] < at["0.50"][0] == at["0.00"][0]
        assert at["1.00"][1] == at["0.50"][1] < at["0.90"][1] == at["0.00"][1]


def test_the_table_has_a_row_for_each_cell_that_was_asked() -> None:
    chart = long_context([*CELLS, cell("qwen3-4b", 256, 0.0, 0.25, n=1)])
    assert chart.header == ("model", "length in tokens", "depth", "score", "n")
    assert chart.rows[0] == ("qwen3-4b", "256", "beginning", "0.75", "3")
    assert chart.rows[-1] == ("gemma-3", "256", "beginning", "\N{EN DASH}", "0")
    assert len(chart.rows) == 5
    assert "qwen3-4b: lowest 0.00 at 768 tokens, end; highest 0.90" in chart.description


def test_a_map_of_few_samples_says_so(sound: Sound) -> None:
    for n, is_few in ((1, True), (4, True), (30, False)):
        for sheet in sound(long_context([cell("m", 256, 0.25, 1.0, n=n)])):
            told = " ".join(text.text or "" for text in sheet.iter("text"))
            assert "25 % deep" in told
            assert ("only the pattern counts" in told) is is_few


def test_many_lengths_and_depths_share_cells() -> None:
    chart = long_context([cell("m", 100 * length, depth / 40, 0.5) for length in range(1, 20) for depth in range(41)])
    assert len({row[1] for row in chart.rows}) == 7
    assert chart.rows[0][1] == "to 300"
    assert len({row[2] for row in chart.rows}) == 11


@pytest.mark.parametrize(
    "cells",
    [
        [],
        [cell("one", 1, 0.5, 0.0, n=0)],
        [cell("odd", 0, -3.0, math.nan), cell("odd", 10**9, 7.0, math.inf)],
        [cell(HOSTILE + end, 256, 0.5, 1.0) for end in "ab"],
        [cell(f"model-{number}", 2**length, 0.5, 1.0) for number in range(12) for length in range(6, 14)],
    ],
    ids=["none", "one without samples", "odd numbers", "hostile", "twelve"],
)
def test_whatever_the_figures_and_names_the_chart_is_sound(cells: list[DepthCell], sound: Sound) -> None:
    assert len(sound(long_context(cells))) == 2
