"""A tab of a real browser that is watched: what a page that opens from a file must not do fails the test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_OWN = ("file:", "data:", "blob:", "about:")


@contextmanager
def watched(browser: "Browser", *, width: int = 1280, height: int = 800, is_dark: bool = False) -> "Iterator[Page]":
    """Open a tab without a network; at its end, fail if it asked for one, logged an error, or opened anything."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if is_dark else "light", offline=True
    )
    context.set_default_timeout(10_000)
    seen: list[str] = []
    page = context.new_page()
    page.on("request", lambda request: None if request.url.startswith(_OWN) else seen.append(f"asked {request.url}"))
    page.on("console", lambda line: seen.append(f"{line.type}: {line.text}") if line.type == "error" else None)
    page.on("pageerror", lambda error: seen.append(f"uncaught: {error}"))
    page.on("popup", lambda other: seen.append(f"opened {other.url}"))

    def dismiss(dialog: object) -> None:
        seen.append(f"dialog: {dialog}")
        dialog.dismiss()  # type: ignore[attr-defined]

    page.on("dialog", dismiss)
    try:
        yield page
    finally:
        context.close()
    assert not seen, "\n".join(seen)
