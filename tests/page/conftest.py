"""A browser for each module of tests of the page."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

import pytest

from tests.page.provision import AXE_NEEDED, CHROMIUM_NEEDED, axe, chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Violations: TypeAlias = "Callable[[Page], list[str]]"


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """A headless Chromium; `tests.page.browser.watched` opens tabs in it.

    It ends with its module: while Playwright is open, its event loop counts as running in this thread, and tests
    elsewhere that run one of their own would fail.
    """
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="needs playwright: pip install 'lmstudio-harness[dev]'"
    )
    if (executable := chromium()) is None:
        pytest.skip(CHROMIUM_NEEDED)
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=executable, timeout=60_000)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def violations() -> Violations:
    """Return what axe-core finds wrong with a page for people who use a keyboard, a screen reader or a bad screen."""
    if (script := axe()) is None:
        pytest.skip(AXE_NEEDED)
    source = script.read_text(encoding="utf-8")

    def found(page: "Page") -> list[str]:
        page.evaluate(source)  # The debugger's way in, which a strict content security policy does not close.
        return [
            f"{violation['id']}: {violation['help']}: {', '.join(str(node['target']) for node in violation['nodes'])}"
            for violation in page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
        ]

    return found
