"""What holds for all scorers: the promises at the top of docs/scorers.md."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.domain.score import Score
from harness.errors import TaskError
from harness.scoring.bound import MAX_CHARS
from harness.scoring.constraint_kind import KINDS
from harness.scoring.ifeval import IFEVAL_KINDS
from harness.scoring.registry import add_scorer, make_scorer, scorer_names

LETTERS = {"label": "B", "labels": ["A", "B", "C", "D"], "options": {"A": "Rome", "B": "Paris", "C": "Oslo"}}
REVIEW = {"line": 7, "kind": "off by one", "kinds": ["off by one", "wrong operator", "missing return"]}
BOOKING = {"guests": [{"name": "Ada", "age": 36}, {"name": "Bob", "age": 41}], "on": {"$date": "2026-03-03"}}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
SOURCE = "On 12 March the mill in Oslo burnt. The damage is 1,250 euros. Ada Berg saw it."
RULES = [{"kind": "includes", "words": ["tea"]}, {"kind": "sentences", "exactly": 2}]


@dataclass(frozen=True)
class Example:
    target: Any
    reference: str
    wrong: tuple[str, ...]
    """Answers that score 0; an empty one and "I don't know." do so everywhere."""


EXAMPLES = {
    "by_kind": Example({"kind": "number", "target": 42}, "42", ("41", "forty")),
    "choice": Example(LETTERS, "B", ("A", "A, B, C, D", "A) Rome B) Paris C) Oslo D) Bern", "A or B", "Oslo")),
    "choices": Example(
        {"right": ["billing"], "labels": ["billing", "login", "other"]},
        '["billing"]',
        ("login", "billing, login, other"),
    ),
    "clinc150": Example(
        {"label": "pay_bill", "labels": ["pay_bill", "lost_luggage", "oos"]}, "pay_bill", ("oos", "lost_luggage", "42")
    ),
    "constraints": Example({"constraints": RULES}, "Have some tea. Do.", ("water",)),
    "constraints_all": Example({"constraints": RULES}, "Have some tea. Do.", ("water", "Have some tea.")),
    "constraints_all_loose": Example({"constraints": RULES}, "Have some tea. Do.", ("water", "Have some tea.")),
    "constraints_loose": Example({"constraints": RULES}, "Have some tea. Do.", ("water",)),
    "exact": Example(["Ada Berg", "A. Berg"], "Ada Berg", ("Bob", "ada berg", "Ada Berg, Bob")),
    "facts": Example(
        {"facts": [["12 March"], [1250]], "source": SOURCE, "max_words": 12},
        "A fire on 12 March cost 1250 euros.",
        ("Nothing happened.",),
    ),
    "fields": Example(BOOKING, json.dumps({**BOOKING, "on": "2026-03-03"}), ("{}", '{"guests": "Eve"}')),
    "fields_loose": Example(BOOKING, json.dumps({**BOOKING, "on": "2026-03-03"}), ("{}", '{"guests": "Eve"}')),
    "findings": Example(REVIEW, '{"line": 7, "kind": "off by one"}', ("no bug", "line 3: wrong operator")),
    "gsm8k": Example("She has <<6*7=42>>42.\n#### 42", "#### 42", ("#### 41", "42", "#### 42.0", "#### $42")),
    "ideas": Example({"count": 2}, '["grow herbs", "paint a wall"]', ("",)),
    "ifeval": Example(
        {
            "instruction_id_list": ["punctuation:no_comma", "keywords:existence"],
            "kwargs": [{}, {"keywords": ["tea"], "num_words": None}],
        },
        "Have some tea.",
        ("Have some water.", "tea, please"),
    ),
    "json_schema": Example({"schema": SCHEMA, "fields": {"n": 4}}, '{"n": 4}', ('{"n": "4"}', "[]", '{"n": 5}')),
    "labels": Example(
        {"right": ["billing"], "labels": ["billing", "login", "other"]},
        "billing",
        ("login", "billing, login, other", "billing or login"),
    ),
    "nearest": Example(
        {"nearest": 1, "count": 3},
        '{"similarities": [0.1, 0.9, 0.2]}',
        ('{"similarities": [0.9, 0.9, 0.2]}', '{"similarities": [0.1, 0.9]}', "1"),
    ),
    "normalised": Example("the Blue Whale", "blue whale!", ("whale", "a shark")),
    "number": Example(42, "42", ("41", "40 to 42", "42 or 43", "forty")),
    "pairs": Example(
        {"alike": [0], "unlike": [1, 2]},
        '{"similarities": [0.9, 0.1, 0.2]}',
        ('{"similarities": [0.1, 0.9, 0.2]}', '{"similarities": [0.9, NaN, 0.2]}', '{"similarities": [0.9, null, 0]}'),
    ),
    "ranking": Example(
        {"relevant": [11], "count": 12},
        f'{{"similarities": {[0.1] * 11 + [0.2]}}}',
        (f'{{"similarities": {[0.1] * 12}}}', f'{{"similarities": {[0.2] * 11 + [0.1]}}}', '{"similarities": [1]}'),
    ),
    "rouge_l": Example("the cat sat on the mat", "The cat sat on the mat.", ("dogs",)),
    "token_f1": Example("the cat sat", "cat sat", ("dogs",)),
    "tool_calls": Example(
        {"calls": [{"name": "get_weather", "arguments": {"city": ["Oslo"], "days": [2]}}]},
        '[{"name": "get_weather", "arguments": {"city": "Oslo", "days": 2}}]',
        ("[]", '[{"name": "get_weather", "arguments": {"city": "Oslo", "days": "2"}}]', "get_weather(Oslo, 2)"),
    ),
}
# These judge the whole text on purpose: prose around the answer is part of it.
WHOLE = {
    "constraints",
    "constraints_all",
    "constraints_all_loose",
    "constraints_loose",
    "rouge_l",
    "token_f1",
    "facts",
    "ideas",
    "ifeval",
}
DRESSES: dict[str, Callable[[str], str]] = {
    "bare": lambda text: text,
    "space": lambda text: f"\n  {text}\n\n",
    "thought": lambda text: f"<think>Is it 1 or 2? The answer is A. {{}}</think>\n\n{text}",
    "thought aloud": lambda text: f"It may be 3.</THINKING>{text}",
    "thinks again": lambda text: f"{text}\n<think>or is it 17",
}
MORE_DRESSES: dict[str, Callable[[str], str]] = {
    "fenced": lambda text: f"```\n{text}\n```",
    "announced": lambda text: f"Let me see.\n\nThe answer is: {text}",
    "final": lambda text: f"I looked at it.\n\n**Final Answer:**\n\n{text}",
    "corrected": lambda text: f"Answer: 17\n\nWait, that is wrong.\n\nAnswer: {text}",
    "last line": lambda text: f"I looked at it closely.\n\n{text}",
}
CASES = [(name, dress) for name in EXAMPLES for dress in (*DRESSES, *(() if name in WHOLE else MORE_DRESSES))]


def judged(name: str, answer: str) -> Score:
    return make_scorer(name)(answer, EXAMPLES[name].target)


def test_every_scorer_has_an_example_here_and_its_own_name() -> None:
    assert sorted(EXAMPLES) == scorer_names()
    assert [make_scorer(name).name for name in EXAMPLES] == list(EXAMPLES)
    assert all(make_scorer(name).version for name in EXAMPLES)


@pytest.mark.parametrize(("name", "dress"), CASES)
def test_the_reference_scores_one_in_any_dress(name: str, dress: str) -> None:
    score = judged(name, (DRESSES | MORE_DRESSES)[dress](EXAMPLES[name].reference))
    assert (score.value, score.passed, score.reason) == (1.0, True, "")


@pytest.mark.parametrize(
    ("name", "answer"), [(name, answer) for name, example in EXAMPLES.items() for answer in example.wrong]
)
def test_what_only_looks_right_scores_zero(name: str, answer: str) -> None:
    score = judged(name, answer)
    assert (score.value, score.passed) == (0.0, False)
    assert score.reason


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_empty_answer_is_unparsed_and_dont_know_is_wrong(name: str) -> None:
    for empty in ("", " \n", "<think>42 B Paris"):
        score = judged(name, empty)
        assert (score.value, score.passed) == (0.0, False)
        assert score.reason.startswith("unparsed: ")
    assert judged(name, "I don't know").value == 0.0


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("target", [None, "", [], {}, 0.5j, {"$date": "soon"}, {"$any": []}, {"$amount": True}])
def test_a_malformed_target_is_the_tasks_error_and_says_what_to_do(name: str, target: Any) -> None:
    with pytest.raises(TaskError) as caught:
        make_scorer(name)("42", target)
    assert caught.value.hint


PIECES = [
    "{", "[", "}", '"', '{"a":', "[1,", "```\n", "<think>", "</think>", "\\boxed{", "\\boxed{1}", "answer: ", "is ",
    "#### 4 ", "42", " ", "\n", "A ", "(B)", ", ", "or ", "line 7 ", "off by one", "- ", "1. ", "*", "|", "$", "%", "-",
    "1/2", "10^", "½", "⁴", "\\frac", "not ", "billing", "tea", ".", "!", "\x00", "\ud800", "é́", "1e999", "I", "seven",
]  # fmt: skip
ANSWERS = st.one_of(st.text(max_size=200), st.lists(st.sampled_from(PIECES), max_size=30).map("".join))


@pytest.mark.parametrize("name", EXAMPLES)
@settings(max_examples=60, deadline=None)
@given(answer=ANSWERS)
def test_no_answer_raises_and_every_score_is_sound(name: str, answer: str) -> None:
    score = judged(name, answer)
    assert score.value is not None
    assert 0.0 <= score.value <= 1.0
    assert score == judged(name, answer)
    assert (score.value == 1.0) >= bool(score.passed)
    assert bool(score.reason) != bool(score.passed)
    json.dumps(dict(score.details), allow_nan=False)


HOSTILE = [
    "{", "}", "[", "]", '{"a":', "[1,", '"', '\\"', "9", "1,", "1.", "1 234 ", "-1", "<think>", "</think>", "```\n",
    "\\boxed{", "$", "answer: ", "the answer is ", "#### 4", "(((", "*a", "**", "* ", "| ---- ", " ", "\n", " \n", "a ",
    "(A) ", "A, ", "½", "1/2 ", "10^", "!", "...x", "<<a", "[a", "P.S. ", "- x\n", "1. a\n", "line 7 ", "no a bug",
    "twenty-", "\u20131", "a-", "not ", "Ada ", "1250 ", '{"a":[1]}', "\ud800", "Mr. ", "[[{",
    "\u0301\u0316", "a\u0301\u0316", "\ufdfa", '"a"{"a":1}', ' "b" c',
]  # fmt: skip
PARAMETERS: dict[str, dict[str, Any]] = {
    "keyword": {"word": "a a", "min": 1}, "letter": {"letter": "q", "min": 1}, "includes": {"words": ["a b"]},
    "excludes": {"words": ["a b"]}, "keeps": {"texts": ["[x]"]}, "starts_with": {"text": "x"},
    "ends_with": {"text": "x"}, "repeats_prompt": {"prompt": "x"}, "headings": {"titles": ["x"]},
    "language": {"code": "en"},
    "paragraph_starts": {"paragraph": 2, "word": "x"}, "one_of": {"texts": ["x"]}, "responses": {"exactly": 2},
}  # fmt: skip
BARE = [
    "lowercase", "uppercase", "no_comma", "no_digits", "json_only", "quoted", "numbered_in_order", "title",
    "postscript", "table", "code_fence", "no_first_person", "no_second_person",
]  # fmt: skip
ALL_KINDS = [
    {"kind": kind, **({} if kind in BARE else PARAMETERS.get(kind, {"max": 3}))}
    for kind in KINDS
    if kind not in IFEVAL_KINDS
]


def cpu_s(name: str, answer: str, target: Any) -> float:
    scorer = make_scorer(name)
    started = time.process_time()
    scorer(answer, target)
    return time.process_time() - started


BOUND_S = {"constraints": 3.0}
"""Processor time for a megabyte; where it is not a second: all 40 kinds of constraint at once."""

SAME_WORK = {"constraints_all", "constraints_all_loose", "constraints_loose", "fields_loose"}
TIMED = [name for name in EXAMPLES if name not in SAME_WORK]
"""Strict and loose are always both looked at, so the others do the same work as `constraints` and `fields`."""


def hostile(name: str) -> list[str]:
    """One of the hostile pieces, another one for each scorer; the torture run takes all."""
    return [HOSTILE[3 * TIMED.index(name) % len(HOSTILE)]]


ATTEMPTS = 3
"""A busy machine lengthens even processor time now and then, but not every time."""

WORK_S = 0.034
"""Processor time of `work` where all bounds hold (2026-11)."""


def work() -> float:
    """Return the processor time of some work whose amount is known: busy neighbours can double it."""
    started = time.process_time()
    sum(number % 7 for number in range(1_000_000))
    return time.process_time() - started


def is_slow(took_s: float, bound_s: float) -> bool:
    return took_s > bound_s and took_s > bound_s * work() / WORK_S


def costly_pieces(name: str, pieces: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Those of which a megabyte takes too long, each time that it is tried, and how long an eighth of the limit took.

    Too long is more than a second of processor time, or far more than eight times as long as an eighth of the text that
    is looked at; quadratic would be 64 times.
    """
    target = {"constraints": ALL_KINDS} if name == "constraints" else EXAMPLES[name].target
    make_scorer(name)(EXAMPLES[name].reference, target)  # imports
    bound_s = BOUND_S.get(name, 1.0)
    costly = {}
    for piece in pieces:
        small, large = (piece * (size // len(piece)) for size in (MAX_CHARS // 8, 1_000_000))
        for _ in range(ATTEMPTS):
            before, after = (cpu_s(name, text, target) for text in (small, large))
            # A few milliseconds are noise.
            if not is_slow(after, bound_s) and after <= 20 * before + 0.05:
                break
        else:
            costly[piece] = (before, after)
    return costly


@pytest.mark.parametrize("name", TIMED)
def test_a_megabyte_of_anything_is_judged_within_a_second_and_in_linear_time(name: str) -> None:
    assert costly_pieces(name, hostile(name)) == {}


@pytest.mark.torture
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", TIMED)
def test_every_hostile_text_is_judged_in_time(name: str) -> None:
    assert costly_pieces(name, HOSTILE) == {}


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_lies_beyond_the_limit_changes_nothing(name: str) -> None:
    filler = " " * MAX_CHARS
    assert judged(name, f"{filler}{EXAMPLES[name].reference}") == judged(name, filler)


def test_deep_json_is_no_json() -> None:
    deep = '{"n":' * 101 + "1" + "}" * 101
    for answer in (deep, '{"n":' * 40_000, "[" * 50_000 + "]" * 50_000):
        assert judged("json_schema", answer).value == 0.0
        assert judged("fields", answer).value == 0.0


def test_an_unknown_name_lists_the_known_ones_and_a_taken_one_is_refused() -> None:
    with pytest.raises(TaskError, match="token_f1"):
        make_scorer("nothing")
    with pytest.raises(TaskError, match="exists already"):
        add_scorer(lambda: make_scorer("exact"))
