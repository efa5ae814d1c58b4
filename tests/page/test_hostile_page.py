"""A page of a run in which every text attacks: in the browser, nothing of it acts."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.clock import SystemClock
from harness.command.report import page_of
from harness.report.page.render import render_page
from harness.verdict.contender import DEFAULT_RULE

from .browser import watched
from .made import MODELS, night

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

EVIL = (
    "</script><script>alert(1)</script><img src=x onerror=alert(2)><svg onload=alert(3)></svg>'\"><b id=evil>bold</b>"
    "<!-- <style>*{display:none}</style> {{ 7*7 }} {% raw %} javascript:alert(4) \u202egnp.exe\u2066 \x1b[2J\x07 \u2028"
)
"""Markup, templates, text that turns its direction, escapes of a terminal."""
NAMES = ("task", "task_class", "model_key", "item_id", "stratum", "reason", "error", "server_version", "server_kind")
TEXTS = ("output_text", "reasoning_text", "prompt", "system_prompt")
KEEPS = {"task_class", "server_kind"}
MEGABYTE = 1_000_000


def hostile(record: dict[str, Any]) -> dict[str, Any]:
    changed = {name: f"{value}{EVIL}" if name in NAMES and value else value for name, value in record.items()}
    for name in TEXTS:
        if name in record:
            changed[name] = EVIL * (MEGABYTE // len(EVIL)) if record.get("epoch") == 1 else EVIL
    if record["kind"] == "sample":
        changed |= {"target": {EVIL: EVIL}, "outcome": EVIL if record["item_id"].endswith("1") else "ok", "error": EVIL}
    if record["kind"] == "run":
        plan = record["plan"]
        tasks = {f"{task}{EVIL}": found for task, found in plan["tasks"].items()}
        changed |= {"notes": [EVIL], "plan": {"models": [model + EVIL for model in plan["models"]], "tasks": tasks}}
    return changed


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    for number, version in enumerate(("0.3.30", "0.3.31")):
        run_id = f"2026112{number}T230000Z-0000000{number}"
        path = night(folder, run_id=run_id, models=MODELS[3:], tasks=("longcontext",), n=6, version=version)
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        path.write_text("".join(f"{json.dumps(hostile(record))}\n" for record in records), encoding="utf-8")
    page = page_of((), folder, DEFAULT_RULE, clock=SystemClock(), version="0")
    made = folder / "report.html"
    made.write_text(render_page(page), encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def tab(browser: "Browser", file: Path) -> "Iterator[Page]":
    with watched(browser) as page:
        page.goto(file.as_uri())
        page.locator("button.item").first.click()
        yield page


def test_nothing_that_a_text_says_acts(tab: "Page") -> None:
    tab.locator("button.why").first.click()
    tab.locator(".others button").first.click()
    tab.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    for select in ("#filter-task", "#filter-model", "#filter-outcome"):
        tab.select_option(select, index=1)
    tab.click("#filter-reset")
    tab.locator("button.item").first.click()
    counts = tab.evaluate(
        """['script', 'img', 'iframe', 'object', 'embed', '#evil', '[onerror]', '[onload]', '[style]', 'base', 'form']
        .map(selector => document.querySelectorAll(selector).length)"""
    )
    assert counts == [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert tab.evaluate("document.querySelectorAll('a[href]:not([href^=\"#\"])').length") == 0
    assert "alert(1)" in tab.inner_text(".sheet")
    assert tab.locator("table.answers").is_visible()


def test_what_turns_or_hides_text_is_shown_by_its_code_point(tab: "Page", file: Path) -> None:
    shown = tab.inner_text("body")
    raw = file.read_text(encoding="utf-8")
    for character in "\u202e\u2066\x1b\x07\u2028":
        assert character not in shown
        assert character not in raw
    assert "U+202E" in tab.inner_text(".sheet")


def test_texts_of_a_megabyte_are_cut_and_say_so(tab: "Page", file: Path) -> None:
    assert file.stat().st_size < 2_000_000
    assert "cut at 2,000 of 99" in tab.inner_text(".sheet")
    for width in (1280, 360):
        tab.set_viewport_size({"width": width, "height": 800})
        assert tab.evaluate("document.documentElement.scrollWidth") == width
