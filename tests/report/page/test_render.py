"""The page as text: what its policy allows, that it holds no other script, and how large it is without data."""

import base64
import hashlib
import re

import pytest

from harness.report.page.content import AnswerLine, Figures, Matrix, Missing, Page
from harness.report.page.markdown import MOST_BYTES, render_markdown
from harness.report.page.render import render_page

EVIL = "`a` <img src=x onerror=alert(1)> | @someone #12 [x](http://evil.example) **b** https://e.example www.e.example"


def page(**changed: object) -> Page:
    facts: dict[str, object] = {
        "made": "2026-11-28",
        "version": "0",
        "subtitle": "1 model",
        "notes": (),
        "skipped": (),
        "runs": (),
        "answers": (),
        "summary": "",
        "legend": "",
        "no_answers": "There is no answer: it finished no task.",
        "matrix": Matrix(),
        "trade_off": Missing(text="No model has both a score and a time."),
        "speed": Missing(text="Nothing was timed."),
        "depth": Missing(text="No task hides facts."),
        "history": Missing(text="A history takes two runs."),
    }
    return Page(**{**facts, **changed})  # type: ignore[arg-type]


def answer(task: str, key: str = "acme/small-4b") -> AnswerLine:
    return AnswerLine(
        task=task,
        kind="model",
        cells=(key, "0.90 [0.80, 0.95]", "1.00 s", "2.00 s", "certified"),
        model=key,
        strip=None,
        headline="hand it to it.",
        standings=((key, "99%", "0.90 [0.80, 0.95]", "40", "1.00 s", "2.00 s", "0.9", ""),),
        reasons=(),
    )


def digests(html: str, element: str) -> list[str]:
    found = re.findall(rf"<{element}>(.*?)</{element}>", html, re.DOTALL)
    return [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in found]


def test_the_policy_allows_the_one_style_and_the_one_script_and_nothing_else() -> None:
    html = render_page(page())
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="(.*?)"', html)
    (style,), (script,) = digests(html, "style"), digests(html, "script")
    assert policy.replace("&#39;", "'") == (
        f"default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    assert len(re.findall("<script", html)) == 2
    assert not re.search(r"<[^>]* (style|on[a-z]+)=", html)
    addresses = set(re.findall(r"(?:src|href)=\"([^\"#]+)", html))
    assert all(address.startswith("data:image/svg+xml,") for address in addresses)


def test_the_page_without_data_is_small_and_says_what_is_missing() -> None:
    html = render_page(page())
    assert len(html.encode()) < 300_000
    for text in ("it finished no task", "Nothing was timed", "A history takes two runs", "There are no samples"):
        assert text in html


def test_every_text_is_escaped() -> None:
    html = render_page(page(answers=(answer(EVIL, EVIL),), notes=(EVIL,), skipped=((EVIL, EVIL),), subtitle=EVIL))
    assert "<img" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html


def test_markdown_has_answers_and_nothing_that_acts() -> None:
    text = render_markdown(page(answers=(answer("extract"), answer(EVIL, EVIL)), notes=(EVIL,), subtitle=EVIL))
    assert "| extract | acme/small-4b | 0.90 [0.80, 0.95] | 1.00 s | 2.00 s | certified |" in text
    for line in text.splitlines():
        if "evil" in line:
            outside = re.sub(r"\\[^\w\s]|&#?\w+;", " ", line)  # What is escaped does nothing.
            assert not re.search(r"[<>#*`]|@\w|\][(:]|://|www\.", outside.removeprefix("> ").removeprefix("### ")), line
            assert len(re.findall(r"(?<!\\)\|", line)) in {0, 7}


def test_markdown_is_cut_to_what_github_takes_at_the_end_of_a_line() -> None:
    text = render_markdown(page(answers=tuple(answer(f"task-{number}") for number in range(2000))))
    assert len(text.encode()) <= MOST_BYTES
    table, _, told = text.partition("\n\nCut: ")
    assert told.startswith("GitHub takes no more")
    assert table.endswith(" certified |")


@pytest.mark.parametrize("text", ["\x1b[2J", "\u202egnp", "a\nb\n# c", "::error::x"])
def test_markdown_stays_on_its_line(text: str) -> None:
    lines = render_markdown(page(answers=(answer(text, text),))).splitlines()
    assert all(not line.startswith(("#", "::")) or line == "### Who takes which task" for line in lines)
    assert not any(character in "".join(lines) for character in "\x1b\u202e")


def test_figures_by_length_of_the_prompt_stand_under_speed_and_are_text() -> None:
    figures = Figures(
        title="By length of the prompt", header=("model", "prompt"), rows=((EVIL, "515 tokens"),), notes=(EVIL,)
    )
    html = render_page(page(speed=Missing(text="Nothing was timed."), prompt_lengths=figures, concurrency=figures))
    assert html.count("<summary>By length of the prompt</summary>") == 2
    assert "515 tokens" in html
    assert html.count("&lt;img src=x") == 4
    assert "<img" not in html
