"""Hypothesis hunts for a megabyte of text that a scorer takes long to judge, in `make torture`."""

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, target
from hypothesis import strategies as st

from harness.scoring.constraint_kind import KINDS
from harness.scoring.registry import make_scorer

LETTERS = {"label": "B", "labels": ["A", "B", "C"], "options": {"A": "Rome", "B": "Paris", "C": "Oslo"}}
BARE = ("no_comma", "quoted", "title", "postscript", "table", "code_fence", "json_only", "no_first_person")
RULES: list[dict[str, Any]] = [
    *({"kind": kind} for kind in BARE),
    {"kind": "sentences", "max": 3},
    {"kind": "keyword", "word": "tea", "min": 1},
    {"kind": "highlights", "min": 1},
    {"kind": "headings", "titles": ["A"]},
]
LISTS = [[{"name": "Ada", "on": {"$date": "2026-03-03"}, "sum": {"$amount": 3}}] * 40] * 40
TARGETS: dict[str, Any] = {
    "choice": LETTERS,
    "choices": {"right": ["billing"], "labels": ["billing", "login", "other"]},
    "constraints": {"constraints": RULES},
    "exact": ["Ada Berg"],
    "facts": {"facts": [["12 March"], [1250]], "source": "On 12 March, 1250 euros.", "max_words": 12},
    "fields": LISTS,
    "findings": {"line": 7, "kind": "off by one", "kinds": ["off by one", "missing return"]},
    "ideas": {"count": 5},
    "json_schema": {"schema": {"type": ["array", "object"], "uniqueItems": True, "items": {"pattern": "^(a+)+$"}}},
    "labels": {"right": ["billing"], "labels": ["billing", "login", "other"]},
    "normalised": "the Blue Whale",
    "number": 42,
    "rouge_l": "the cat sat on the mat",
    "token_f1": "the cat sat",
    "tool_calls": {"calls": [{"name": "Ada", "arguments": {"x": [1, "Ada"]}}] * 5},
}
WORDS = [
    "{",
    "[",
    "]",
    '"',
    "'",
    '{"a":',
    '{"name":"Ada",',
    '[{"x":1},',
    "null,",
    "```\n",
    "<think>",
    "</think>",
    "<|im_end|>",
    "</s>",
    "\\boxed{",
    "answer: ",
    "#### 4 ",
    "42",
    "1,",
    "-",
    "\u2013",
    "(B)",
    "A ",
    "not ",
    "or ",
    "billing ",
    "- x\n",
    "1. a\n",
    "# A\n",
    "*",
    "**b** ",
    "***",
    "|--",
    "P.S. ",
    "<<",
    ">>",
    "[a",
    "Mr. ",
    ".",
    "!",
    "\n",
    " ",
    "\t",
    "\r",
    "\u0301\u0316",
    "a\u0301",
    "\ufdfa",
    "\xbd",
    "\u2074",
    "\u6f22",
    "\\frac{",
    "1/2 ",
    "10^",
    "1e999",
    "twenty-",
    "hundred ",
    "seven ",
    "line 7 ",
    "tea ",
]
UNITS = st.lists(st.sampled_from(WORDS) | st.text(max_size=2), min_size=1, max_size=5).map("".join).filter(bool)
STARTS = st.sampled_from(["", "{", "[", '{"a":"', "Answer: ", "```\n", "<think>", "\\boxed{"])
BYTES = 1_000_000


def longest(name: str, examples: int) -> None:
    scorer = make_scorer(name)
    scorer("42 B Paris [1]", TARGETS[name])  # imports

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(start=STARTS, unit=UNITS)
    def hunt(start: str, unit: str) -> None:
        answer = start + unit * (BYTES // len(unit))
        started = time.process_time()
        scorer(answer, TARGETS[name])
        took = time.process_time() - started
        target(took)
        assert took < 1.0

    hunt()


def test_every_family_of_scorers_is_hunted() -> None:
    assert {str(rule["kind"]) for rule in RULES} <= set(KINDS)
    for name, wanted in TARGETS.items():
        assert make_scorer(name)("", wanted).value == 0.0


@pytest.mark.torture
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", TARGETS)
def test_no_repeated_text_takes_longer_than_a_second(name: str) -> None:
    longest(name, 120)
