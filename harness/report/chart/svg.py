"""SVG elements. Markup is made here and nowhere else, so text of a model or a server cannot become markup."""

import math
from html import escape
from typing import NewType

from harness.report.text import one_line

Markup = NewType("Markup", str)
"""Safe to insert into a page as it is."""

_LONGEST_TEXT = 1000
_PREFIX = "chart-"


def element(name: str, *content: Markup, **attributes: str | float | None) -> Markup:
    """Return an element; an underscore in a name is a hyphen, and None or "" leaves an attribute out.

    `css` are its classes, which get a prefix so that a page's own rules do not meet them. Do not set `style`: a strict
    content security policy forbids it.
    """
    if css := attributes.pop("css", ""):
        attributes["class"] = " ".join(f"{_PREFIX}{name}" for name in str(css).split())
    written = [
        f' {key.replace("_", "-")}="{_value(value)}"' for key, value in attributes.items() if value not in {None, ""}
    ]
    head = f"<{name}{''.join(written)}"
    return Markup(f"{head}>{''.join(content)}</{name}>" if content else f"{head}/>")


def words(text: str) -> Markup:
    """Return text as markup: on one line, its control and direction characters shown as escapes."""
    return Markup(escape(one_line(text, limit=_LONGEST_TEXT)))


def text(x: float, y: float, shown: str, *, css: str = "", anchor: str = "start") -> Markup:
    """Return a line of text; `anchor` says which of its ends is at x."""
    return element("text", words(shown), x=x, y=y, css=css, text_anchor=None if anchor == "start" else anchor)


def line(x1: float, y1: float, x2: float, y2: float, *, css: str) -> Markup:
    """Return a straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, css=css)


def path(points: list[tuple[float, float]], *, css: str, is_closed: bool = False) -> Markup:
    """Return a line through all points."""
    steps = " L".join(f"{_number(x)} {_number(y)}" for x, y in points)
    return element("path", d=f"M{steps}{'Z' if is_closed else ''}", css=css)


def group(*content: Markup, title: str = "", css: str = "") -> Markup:
    """Return elements as one; the title is shown when a pointer rests on it."""
    shown = (element("title", words(title)),) if title else ()
    return element("g", *shown, *content, css=css)


def _value(value: str | float | None) -> str:
    return _number(value) if isinstance(value, int | float) else escape(value or "")


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"a coordinate must be a finite number, not {value}")
    rounded = f"{value:.1f}".removesuffix(".0")
    return "0" if rounded == "-0" else rounded
