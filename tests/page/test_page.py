"""The page as a browser shows it: filters and orders, links, keyboard, small screens, dark, print, accessibility."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from harness.clock import SystemClock
from harness.command.report import page_of
from harness.report.page.render import render_page
from harness.store.cell import SampleEntry
from harness.store.run_file import RunFile
from harness.verdict.contender import DEFAULT_RULE
from harness.verdict.value import value_of
from harness.verdict.worst import SampleFilter, worst_first

from .browser import watched
from .conftest import Violations
from .made import MODELS, MadeModel, night

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LARGE, MEDIUM, TINY = MODELS[0], MODELS[1], MODELS[4]
TASKS = ("classify", "extract", "longcontext")
N = 12

Row = tuple[str, str]
"""Item and model."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nights of three models on three tasks, each item asked twice in the second one."""
    folder = tmp_path_factory.mktemp("results")
    asked: dict[str, Any] = {"models": (LARGE, MEDIUM, TINY), "tasks": TASKS, "n": N}
    night(folder, run_id="20261125T230000Z-00000001", version="0.3.30", **asked)
    night(folder, run_id="20261126T230000Z-00000002", version="0.3.31", drop=20, epochs=2, **asked)
    return folder


@pytest.fixture(scope="module")
def run(runs: Path) -> RunFile:
    return RunFile.read(max(runs.glob("*.jsonl")))


@pytest.fixture(scope="module")
def file(runs: Path) -> Path:
    page = page_of((), runs, DEFAULT_RULE, clock=SystemClock(), version="0")
    path = runs / "report.html"
    path.write_text(render_page(page), encoding="utf-8")
    return path


def test_quick_answers_are_told_in_milliseconds_and_their_models_by_more_than_ten_letters(
    browser: "Browser", tmp_path: Path
) -> None:
    quick = MadeModel(key="text-embedding-nomic", passes=50, e2e_s=0.02, load_s=0.1, size_bytes=1)
    night(tmp_path, models=(quick,), tasks=("classify",), n=3)
    page = page_of((), tmp_path, DEFAULT_RULE, clock=SystemClock(), version="0")
    file = tmp_path / "report.html"
    file.write_text(render_page(page), encoding="utf-8")
    with watched(browser) as tab:
        tab.goto(file.as_uri())
        row = tab.locator("#rows tbody tr").first
        assert re.fullmatch(r"\d+ ms", row.locator(".of-time").inner_text())
        assert row.locator(".of-model").inner_text() == quick.key
        row.locator("button.item").click()
        assert re.search(r"whole answer \d+ ms", tab.locator(".sheet .facts").first.inner_text())


@pytest.fixture(scope="module")
def tab(browser: "Browser", file: Path) -> "Iterator[Page]":
    with watched(browser) as page:
        page.goto(file.as_uri())
        yield page


@pytest.fixture
def fresh(tab: "Page", file: Path) -> "Page":
    """The page as it opens, in the one tab of this module."""
    tab.goto("about:blank")
    tab.goto(file.as_uri())
    return tab


def listed(page: "Page") -> list[Row]:
    """Return the rows of all pages of the list."""
    found: list[Row] = []
    while True:
        script = (
            "rows => rows.map(row => [row.querySelector('.of-item').innerText, row.querySelector('.of-model').title])"
        )
        found += [tuple(row) for row in page.locator("#rows tr.row").evaluate_all(script)]
        if page.locator("#after").is_disabled():
            return found
        page.click("#after")


def expected(run: RunFile, wanted: Callable[[Sequence[SampleEntry]], bool]) -> set[Row]:
    """Return the rows that a filter leaves, from the run file."""
    return {row for row, samples in by_row(run).items() if wanted(samples)}


def by_row(run: RunFile) -> dict[Row, list[SampleEntry]]:
    rows: dict[Row, list[SampleEntry]] = {}
    for _, sample in run.samples():
        rows.setdefault((sample.item_id, sample.key.model_key), []).append(sample)
    return rows


def passes(run: RunFile, samples: Sequence[SampleEntry]) -> list[bool]:
    return [value_of(run.score(sample), "majority") == 1 for sample in samples]


def is_passed(run: RunFile, samples: Sequence[SampleEntry]) -> bool:
    values = passes(run, samples)
    return 2 * sum(values) > len(values)


def flipped_items(run: RunFile) -> set[str]:
    verdicts: dict[str, set[bool]] = {}
    for (item, _), samples in by_row(run).items():
        verdicts.setdefault(item, set()).add(is_passed(run, samples))
    return {item for item, found in verdicts.items() if len(found) > 1}


def test_the_worst_comes_first_as_in_show(fresh: "Page", run: RunFile) -> None:
    order: dict[Row, None] = {}
    for sample in worst_first(run, SampleFilter()):
        order.setdefault((sample.item_id, sample.key.model_key))
    shown = listed(fresh)
    assert len(shown) == len(order) == 3 * len(TASKS) * N
    rows = by_row(run)
    values: dict[str, list[float]] = {}
    for (item, _), samples in rows.items():
        values.setdefault(item, []).extend(value_of(run.score(sample), "mean") or 0.0 for sample in samples)
    means = {item: sum(found) / len(found) for item, found in values.items()}

    def badness(row: Row) -> tuple[bool, float, float]:
        samples = rows[row]
        least = min(value_of(run.score(s), "mean") or 0.0 for s in samples)
        return row[0] not in flipped and is_passed(run, samples), least, -round(means[row[0]], 9)

    flipped = flipped_items(run)
    found = list(map(badness, shown))
    assert found == sorted(found)


def test_filters_leave_what_the_run_file_says(fresh: "Page", run: RunFile) -> None:
    fresh.select_option("#filter-task", "extract")
    assert set(listed(fresh)) == expected(run, lambda samples: samples[0].key.task == "extract")
    fresh.select_option("#filter-model", LARGE.key)
    both = expected(run, lambda samples: samples[0].key == (LARGE.key, "extract"))
    assert set(listed(fresh)) == both
    fresh.click("#filter-reset")
    for outcome, wanted in {
        "failed": lambda samples: not all(passes(run, samples)),
        "passed": lambda samples: is_passed(run, samples),
        "varies": lambda samples: len({*passes(run, samples)}) > 1,
        "truncated": lambda samples: "truncated" in {sample.outcome for sample in samples},
    }.items():
        fresh.select_option("#filter-outcome", outcome)
        assert set(listed(fresh)) == expected(run, wanted), outcome
    fresh.click("#filter-reset")
    fresh.check("#filter-flipped")
    flipped = flipped_items(run)
    assert set(listed(fresh)) == expected(run, lambda samples: samples[0].item_id in flipped)


def test_search_reads_prompts_answers_targets_and_items(fresh: "Page", run: RunFile) -> None:
    for text, field in (("LET ME THINK", "output_text"), ("extract-0-0003", "item_id")):
        fresh.fill("#filter-text", text)
        fresh.wait_for_timeout(250)
        records = [run.sample_record(sample) for _, sample in run.samples()]
        whole = {(r.item_id, r.model_key) for r in records if text.lower() in getattr(r, field).lower()}
        assert set(listed(fresh)) == whole, text
    prompt = run.prompt(run.sample_record(next(s for _, s in run.samples() if s.item_id == "classify-0-0001")))
    assert prompt is not None
    fresh.fill("#filter-text", prompt.prompt[20:60].strip())
    fresh.wait_for_timeout(250)
    assert {item for item, _ in listed(fresh)} == {"classify-0-0001"}
    fresh.fill("#filter-text", "no answer says this")
    fresh.wait_for_timeout(250)
    assert fresh.inner_text("#count") == "No sample fits. Reset shows all."


def test_every_order_sorts_by_what_it_says(fresh: "Page", run: RunFile) -> None:
    rows = by_row(run)

    def figure(name: str) -> Callable[[Row], float]:
        def mean(row: Row) -> float:
            values = [getattr(sample, name) for sample in rows[row]]
            return float(round(sum(round(value, 3) for value in values) / len(values), 6))

        return mean

    fresh.select_option("#filter-task", "extract")
    orders: dict[str, tuple[Callable[[Row], Any], bool]] = {
        "id": (lambda row: row[0], False),
        "-model": (lambda row: row[1], True),
        "-time": (figure("e2e_s"), True),
        "tokens": (figure("output_tokens"), False),
    }
    for order, (key, is_reversed) in orders.items():
        fresh.select_option("#filter-order", order)
        found = list(map(key, listed(fresh)))
        assert found == sorted(found, reverse=is_reversed), order
    fresh.click("th.of-score button")
    assert fresh.get_attribute("th.of-score", "aria-sort") == "ascending"
    fresh.click("th.of-score button")
    assert fresh.get_attribute("th.of-score", "aria-sort") == "descending"
    assert fresh.input_value("#filter-order") == "-score"


def test_two_models_stand_side_by_side(fresh: "Page", run: RunFile) -> None:
    fresh.select_option("#filter-task", "extract")
    fresh.select_option("#filter-model", TINY.key)
    fresh.select_option("#filter-beside", LARGE.key)
    fresh.check("#filter-flipped")
    rows = listed(fresh)
    assert {model for _, model in rows} == {TINY.key}
    assert rows
    fresh.locator("button.item").first.click()
    headings = fresh.locator(".sheet .columns h3").all_inner_texts()
    assert headings == [TINY.key, LARGE.key]
    answers = fresh.locator(".sheet .columns > div").all_inner_texts()
    samples = {
        model: [s for _, s in run.samples() if (s.item_id, s.key.model_key) == (rows[0][0], model)]
        for model in (TINY.key, LARGE.key)
    }
    for text, model in zip(answers, (TINY.key, LARGE.key), strict=True):
        assert text.count("answer, repeat") == 2
        for sample in samples[model]:
            assert run.sample_record(sample).output_text.split("\n")[0] in text


def test_from_the_answer_to_the_worst_sample_and_its_prompt_in_two_clicks(fresh: "Page", run: RunFile) -> None:
    fresh.locator(".answers tr", has_text="extract").locator(".score a").click()
    shown = listed(fresh)
    assert {fresh.input_value("#filter-task")} == {"extract"}
    assert len({model for _, model in shown}) == 1
    fresh.locator("#before").click() if fresh.locator("#before").is_enabled() else None
    fresh.locator("button.item").first.click()
    text = fresh.inner_text(".sheet")
    (sample, *_) = [s for _, s in run.samples() if (s.item_id, s.key.model_key) == shown[0]]
    record = run.sample_record(sample)
    prompt = run.prompt(record)
    assert prompt is not None
    assert prompt.prompt.split("\n")[0] in text
    assert record.output_text.split("\n")[0] in text
    assert f"lms-harness show {run.path} --task extract --item {shown[0][0]} --json" in text
    assert f"lms-harness run --model {shown[0][1]} --task extract --limit {N}" in text


def test_a_link_restores_filters_and_the_open_sample(browser: "Browser", fresh: "Page", file: Path) -> None:
    fresh.select_option("#filter-task", "extract")
    fresh.select_option("#filter-beside", LARGE.key)
    fresh.select_option("#filter-order", "-time")
    fresh.locator("button.item").nth(3).click()
    address, sheet = fresh.url, fresh.inner_text(".sheet")
    assert quote(LARGE.key, safe="") in address
    with watched(browser) as other:
        other.goto(address)
        assert other.inner_text(".sheet") == sheet
        assert other.input_value("#filter-order") == "-time"
        assert other.locator("tr.is-open").is_visible()
        other.goto(
            f"{file.as_uri()}#samples&task=%E0%A4%A&order=toString&outcome=constructor&page=99&open=gone&__proto__=x"
        )
        assert "rows" in other.inner_text("#count") or "No sample" in other.inner_text("#count")


def test_the_keyboard_opens_a_sample_and_the_next_one(fresh: "Page") -> None:
    fresh.locator("button.item").first.focus()
    fresh.keyboard.press("Enter")
    assert fresh.locator("tr.is-open").count() == 1
    first = fresh.inner_text(".sheet h3 >> nth=0")
    fresh.get_by_role("button", name="Next sample").press("Enter")
    assert fresh.inner_text(".sheet h3 >> nth=0") != first
    assert fresh.evaluate("document.activeElement.className") == "item"
    fresh.keyboard.press("Enter")
    assert fresh.locator(".sheet").count() == 0


def test_copy_says_that_it_did(fresh: "Page") -> None:
    fresh.locator("button.item").first.click()
    fresh.locator(".command button").first.click()
    fresh.locator(".command button", has_text="Copied").wait_for()


def test_the_answers_stand_above_the_fold_and_why_opens_the_standings(fresh: "Page") -> None:
    box = fresh.locator("table.answers").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 800
    fresh.locator("button.why").first.click()
    assert fresh.locator("tr.reasons").first.locator("tbody tr").count() == 3
    assert "A model suffices from a score of 0.80" in fresh.locator("tr.reasons").first.inner_text()


def test_score_against_time_is_shown_for_the_task_that_is_picked(fresh: "Page") -> None:
    assert fresh.locator("#trade-off .choice:visible").count() == 1
    fresh.select_option("#trade-off-task", label="extract")
    assert fresh.locator("#trade-off .choice:visible figcaption").text_content() == "extract"


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing(browser: "Browser", file: Path, violations: Violations, *, is_dark: bool) -> None:
    with watched(browser, is_dark=is_dark) as page:
        page.goto(f"{file.as_uri()}#samples&q=extract-0-0003")  # A few rows stand for all: axe takes its time.
        page.locator("button.why").first.click()
        page.locator("button.item").first.click()
        page.locator(".others button").first.click()
        page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
        assert violations(page) == []


def test_nothing_is_wider_than_a_small_screen(browser: "Browser", file: Path) -> None:
    with watched(browser, width=360, height=740) as page:
        page.goto(file.as_uri())
        page.locator("button.item").first.click()
        page.locator(".others button").first.click()
        page.locator("button.why").first.click()
        page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        assert page.locator("table.answers").bounding_box()["x"] >= 0  # type: ignore[index]


def test_it_prints_without_controls(fresh: "Page") -> None:
    fresh.emulate_media(media="print")
    assert not fresh.locator("#filter").is_visible()
    assert not fresh.locator("button.why").first.is_visible()
    assert fresh.locator("table.answers").is_visible()
    cells = fresh.evaluate("""[...document.querySelectorAll("#rows tr")].slice(0, 2).map(
        row => [...row.cells].filter(cell => cell.offsetParent !== null).map(cell => cell.className))""")
    assert cells[0] == cells[1]
    # A button's box would be missing from the header on the second sheet (tried with Chromium's PDF and pdftotext).
    assert fresh.eval_on_selector("#rows button.sort", "button => getComputedStyle(button).display") == "contents"
    fresh.emulate_media(media="screen")
    assert re.match(rb"%PDF-1\.\d", fresh.pdf(format="A4"))
