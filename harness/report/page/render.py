"""From the content of a page to its HTML: one file that loads nothing and runs only its own script."""

import base64
import hashlib
from functools import cache
from importlib.resources import files
from urllib.parse import quote

from harness.report.answer import HEADERS, WHY_HEADERS
from harness.report.chart.chart import Chart, stylesheet
from harness.report.page.content import Missing, Page
from harness.report.page.explorer import LONGEST_NAME
from harness.report.text import one_line, printable

_LONGEST_NAME = 48
_LONGEST_LINE = 300
_SCRIPTS = ("state.js", "row.js", "detail.js", "page.js")


def render_page(page: Page) -> str:
    """Return the page. Every text of it is escaped; markup comes only from the template and from `report/chart`."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True,
        loader=FunctionLoader(_resource),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["name"] = lambda text: one_line(str(text), limit=_LONGEST_NAME)
    environment.filters["line"] = lambda text: one_line(str(text), limit=_LONGEST_LINE)
    environment.filters["text"] = lambda text: printable(str(text))
    environment.tests["chart"] = lambda part: isinstance(part, Chart)
    environment.tests["missing"] = lambda part: isinstance(part, Missing)
    style, script = _style(), _script()
    return environment.get_template("page.html").render(
        page=page,
        policy=_policy(style, script),
        # Our own files, and JSON in which nothing can end its element.
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        data=Markup(page.samples.to_json()),  # noqa: S704
        svg=lambda chart: Markup(chart.svg),  # noqa: S704
        samples_of=_samples_of,
        headers=HEADERS,
        why_headers=WHY_HEADERS,
    )


def _policy(style: str, script: str) -> str:
    """Return a Content-Security-Policy that allows this style and this script, and nothing else."""
    return (
        f"default-src 'none'; script-src '{_source(script)}'; style-src '{_source(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _samples_of(task: str, model: str) -> str:
    """Return the fragment that shows the samples of a cell, the worst first; the script writes and reads it, too."""
    named = (quote(name[:LONGEST_NAME], safe="", errors="replace") for name in (task, model))
    return "#samples&task={}&model={}".format(*named)


def _source(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _style() -> str:
    return f"{_resource('page.css')}\n{stylesheet()}"


@cache
def _script() -> str:
    whole = "\n".join(map(_resource, _SCRIPTS))
    return f'(() => {{\n"use strict";\n{whole}}})();\n'


def _resource(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
