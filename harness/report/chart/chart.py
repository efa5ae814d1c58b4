"""What every chart is: a drawing for wide and one for narrow pages, its text alternative, and its data as a table."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from harness.report.chart.svg import Markup, element, words

WIDE, NARROW = 720, 340
"""Widths in units of the drawing; a unit is about a pixel where a page has such a column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One chart.

    Attributes:
        chart_id: unique in the page; the ids within the drawings begin with it.
        title: what it shows, as a heading.
        description: the text alternative: what a reader who does not see it should know.
        svg: safe markup; needs the rules of `stylesheet`.
        header: of the data table.
        rows: the data, every figure and every reason.
    """

    chart_id: str
    title: str
    description: str
    svg: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """What is drawn on a sheet of a given width, and how high it became."""

    height: float
    content: Sequence[Markup]


def assembled(  # noqa: D417  (the others are those of Chart)
    *,
    chart_id: str,
    title: str,
    description: str,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    draw: Callable[[int], Drawing],
) -> Chart:
    """Return a chart of two drawings, of which `stylesheet` shows one.

    Args:
        draw: draws on a sheet of this width.
    """
    sheets = [
        _sheet(draw(width), width=width, name=f"{chart_id}-{kind}", kind=kind, title=title, description=description)
        for kind, width in (("wide", WIDE), ("narrow", NARROW))
    ]
    return Chart(
        chart_id=chart_id,
        title=title,
        description=description,
        svg=element("div", *sheets, css="box"),
        header=tuple(header),
        rows=tuple(map(tuple, rows)),
    )


@cache
def stylesheet() -> str:
    """Return the CSS that charts need; colours are variables, with values for light and dark pages."""
    return files(__package__).joinpath("chart.css").read_text(encoding="utf-8")


def finite(value: float | None) -> float | None:
    """Return the value; None in place of NaN and infinity, which cannot be drawn."""
    return value if value is not None and math.isfinite(value) else None


def score_text(score: float | None, low: float | None = None, high: float | None = None) -> str:
    """Return "0.80 [0.63, 0.91]", or "n/a"."""
    if finite(score) is None:
        return "n/a"
    interval = "" if low is None or high is None or finite(low + high) is None else f" [{low:.2f}, {high:.2f}]"
    return f"{score:.2f}{interval}"


def _sheet(drawing: Drawing, *, width: int, name: str, kind: str, title: str, description: str) -> Markup:
    return element(
        "svg",
        element("title", words(title), id=f"{name}-title"),
        element("desc", words(description), id=f"{name}-desc"),
        *drawing.content,
        css=kind,
        viewBox=f"0 0 {width} {math.ceil(drawing.height)}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
    )
