"""Charts as a browser shows them; axe-core sees them in the page (`test_page`)."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from harness.report.chart.chart import Chart, stylesheet
from harness.report.chart.duration import Span, SpeedBar, durations
from harness.report.chart.history import history
from harness.report.chart.long_context import DepthCell, long_context
from harness.report.chart.pareto import ParetoPoint, pareto
from harness.report.chart.story import HistoryPoint

from .browser import watched

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

COVERED = """sheets => sheets.flatMap(sheet => {
  const boxes = [...sheet.querySelectorAll("text")].map(text => [text.getBoundingClientRect(), text.textContent]);
  const found = [];
  for (const [place, [one, text]] of boxes.entries()) {
    for (const [other, covered] of boxes.slice(place + 1)) {
      const isBeside = one.right <= other.left || other.right <= one.left;
      if (!isBeside && one.top < other.bottom && other.top < one.bottom) found.push(`${text} covers ${covered}`);
    }
    if (one.left < 0 || one.right > innerWidth) found.push(`${text} stands out`);
  }
  return found;
})"""
MODELS = [f"publisher/a-model-with-a-longer-name-{number}b" for number in range(12)]


def charts_of(models: Sequence[str]) -> tuple[Chart, ...]:
    """Return every kind of chart."""
    last = len(models) - 1
    return (
        pareto(
            [
                ParetoPoint(
                    model=model,
                    score=0.4 + 0.05 * place,
                    low=0.3 + 0.05 * place,
                    high=min(1.0, 0.5 + 0.05 * place),
                    seconds=0.3 * 1.4**place,
                    dominated_by="another" if place % 4 == 1 else None,
                    reason="another is as good and as quick" if place % 4 == 1 else "",
                )
                for place, model in enumerate(models)
            ]
        ),
        durations(
            [
                SpeedBar(
                    model=model,
                    load=Span(seconds=place, low=0.8 * place, high=1.2 * place),
                    first_word=None if place % 5 == 0 else Span(seconds=0.07 * 1.5**place),
                    answer=Span(seconds=17.0 * place),
                    break_even="from 14 requests per load on, another is more useful" if place in {0, last} else None,
                )
                for place, model in enumerate(models)
            ]
        ),
        long_context(
            [
                DepthCell(model=model, tokens=tokens, depth=depth, score=max(0.0, 1 - tokens * place / 2e5), n=2)
                for place, model in enumerate(models)
                for tokens in (1024, 2048, 4096, 8192, 16384)
                for depth in (0.0, 0.25, 0.5, 0.75, 1.0)
            ]
        ),
        history(
            [
                HistoryPoint(
                    run=f"run-{day}",
                    began=f"2026-11-{day:02d}T18:00:00Z",
                    model=model,
                    task=task,
                    score=0.5 + 0.04 * place,
                    changed=("LM Studio 0.3.31 -> 0.3.32",) if day in {12, 19} else (),
                )
                for day in range(10, 20)
                for place, model in enumerate(models)
                for task in ("extract", "classify", "reason")
            ]
        ),
    )


def show(page: "Page", *charts: Chart) -> None:
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    head = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}"><title>Charts</title>'
    style = f"<style>:root {{ color-scheme: light dark }} {stylesheet()}</style>"
    body = "".join(f"<h2>{chart.title}</h2>{chart.svg}" for chart in charts)
    page.set_content(f'<!doctype html><html lang="en">{head}{style}<main><h1>Charts</h1>{body}</main></html>')


@pytest.mark.parametrize(("width", "shown"), [(1280, "chart-wide"), (360, "chart-narrow")])
def test_the_drawing_that_fits_is_shown_and_no_text_covers_another(browser: "Browser", width: int, shown: str) -> None:
    with watched(browser, width=width) as page:
        show(page, *charts_of(MODELS))
        assert {sheet.get_attribute("class") for sheet in page.locator("svg:visible").all()} == {shown}
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.get_by_role("img").count() == page.get_by_role("img", name=re.compile("[a-z]")).count() == 4
        assert page.locator("svg:visible").first.locator(".chart-name").count() == len(MODELS)
        assert page.locator("svg:visible").evaluate_all(COVERED) == []


def test_what_a_page_must_not_do_fails_the_test_that_opened_it(browser: "Browser") -> None:
    with pytest.raises(AssertionError, match=r"asked http://127\.0\.0\.1:9/x\.png"), watched(browser) as page:
        page.set_content('<img src="http://127.0.0.1:9/x.png">')
    with pytest.raises(AssertionError, match="uncaught: no"), watched(browser) as page:
        page.set_content("<script>throw new Error('no')</script>")
    with pytest.raises(AssertionError, match="dialog"), watched(browser) as page:
        page.set_content("<script>alert(1)</script>")
