"""Charts as a browser shows them."""

from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from harness.report.chart.chart import Chart, stylesheet
from harness.report.chart.label import Box
from harness.report.chart.pareto import ParetoPoint, pareto

from .browser import watched
from .conftest import Violations

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

COVERED = """texts => texts.map(text => {
  const box = text.getBoundingClientRect();
  return [text.textContent, box.left, box.top, box.right, box.bottom];
})"""
MODELS = 12


def twelve_models() -> Chart:
    return pareto(
        [
            ParetoPoint(
                model=f"publisher/a-model-with-a-longer-name-{number}b",
                score=0.4 + 0.05 * number,
                low=0.3 + 0.05 * number,
                high=min(1.0, 0.5 + 0.05 * number),
                seconds=0.3 * 1.4**number,
                dominated_by="another" if number % 4 == 1 else None,
                reason="another is as good and as quick" if number % 4 == 1 else "",
            )
            for number in range(MODELS)
        ]
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
        show(page, twelve_models())
        assert [sheet.get_attribute("class") for sheet in page.locator("svg:visible").all()] == [shown]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        texts = page.locator("svg:visible text").evaluate_all(COVERED)
        assert page.locator("svg:visible .name").count() == MODELS
        for (one, *here), (other, *there) in combinations(texts, 2):
            assert not Box(*here).overlaps(Box(*there)), f"{one} covers {other}"


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing(browser: "Browser", violations: Violations, *, is_dark: bool) -> None:
    with watched(browser, is_dark=is_dark) as page:
        show(page, twelve_models())
        assert violations(page) == []
        assert page.get_by_role("img", name="Score against time").count() == 1


def test_what_a_page_must_not_do_fails_the_test_that_opened_it(browser: "Browser") -> None:
    with pytest.raises(AssertionError, match=r"asked http://127\.0\.0\.1:9/x\.png"), watched(browser) as page:
        page.set_content('<img src="http://127.0.0.1:9/x.png">')
    with pytest.raises(AssertionError, match="uncaught: no"), watched(browser) as page:
        page.set_content("<script>throw new Error('no')</script>")
    with pytest.raises(AssertionError, match="dialog"), watched(browser) as page:
        page.set_content("<script>alert(1)</script>")
