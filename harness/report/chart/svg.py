"""SVG elements. Markup is made here and nowhere else, so text of a model or a server cannot become markup."""

import math
from html import escape
from typing import NewType

from harness.report.text import one_line

Markup = NewType("Markup", str)
"""Safe to insert into a page as it is."""

_LONGEST_TEXT = 1000


def element(name: str, *content: Markup, **attributes: str | float | None) -> Markup:
    """Return an element; `css` is its class, an underscore in a name is a hyphen, and None or "" leaves it out.

    Do not set `style`: a strict content security policy forbids it.
    """
    written = [
        f' {_attribute(key)}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None and value != ""
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


def _attribute(key: str) -> str:
    return {"css": "class", "viewBox": "viewBox"}.get(key, key.replace("_", "-"))


def _value(value: str | float) -> str:
    return escape(value) if isinstance(value, str) else _number(value)


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"a coordinate must be a finite number, not {value}")
    rounded = f"{value:.1f}".removesuffix(".0")
    return "0" if rounded == "-0" else rounded
