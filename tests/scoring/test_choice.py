import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import TaskError
from harness.scoring.choice import Choice
from harness.scoring.label_answer import chosen_label

LABELS = ["positive", "negative"]
SPAM = ["spam", "not spam"]
INTENTS = ["cancel order", "change order", "other"]


@pytest.mark.parametrize(
    "answer",
    [
        "positive",
        "Positive.",
        '"positive"',
        "**Positive**",
        "Label: positive",
        "The label is positive",
        "Category: Positive!",
        "positive\n\nBecause the reviewer says that it is not negative at all.",
        "The review is clearly positive.",
        "<think>It could be negative. Hmm.</think>positive",
        "  positive  \n",
        "POSITIVE",
    ],
)
def test_an_answer_that_chooses_the_label_is_right(answer: str) -> None:
    score = Choice()(answer, {"label": "positive", "labels": LABELS})
    assert (score.value, score.passed, score.reason) == (1.0, True, "")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("negative", "chose 'negative', expected 'positive'"),
        ("positive or negative", "unparsed"),
        ("It is neither positive nor negative.", "unparsed"),
        ("", "unparsed"),
        ("I cannot tell.", "unparsed"),
        ("positively", "unparsed"),
        ("non-positive", "unparsed"),
        ("<think>positive", "unparsed"),
        ("positive, negative", "unparsed"),
    ],
)
def test_any_other_answer_is_wrong_and_says_why(answer: str, reason: str) -> None:
    score = Choice()(answer, {"label": "positive", "labels": LABELS})
    assert (score.value, score.passed) == (0.0, False)
    assert reason in score.reason


def test_a_longer_label_covers_the_shorter_one_within_it() -> None:
    assert chosen_label("This mail is not spam.", SPAM) == "not spam"
    assert chosen_label("This mail is spam.", SPAM) == "spam"


def test_echoing_all_labels_chooses_none() -> None:
    assert chosen_label("cancel order, change order or other", INTENTS) is None


@pytest.mark.parametrize(
    "target",
    [
        None,
        "positive",
        {"label": "x", "labels": LABELS},
        {"label": "a"},
        {"labels": LABELS},
        {"label": 1, "labels": [1]},
    ],
)
def test_a_malformed_target_is_the_tasks_error(target: Any) -> None:
    with pytest.raises(TaskError, match="choice"):
        Choice()("positive", target)


def test_labels_that_differ_only_in_case_are_refused() -> None:
    with pytest.raises(TaskError, match="distinct"):
        Choice()("a", {"label": "A", "labels": ["A", "a"]})


@given(st.text(max_size=300))
def test_no_answer_raises_and_none_chooses_what_it_does_not_mention(answer: str) -> None:
    chosen = chosen_label(answer, INTENTS)
    assert chosen is None or chosen in INTENTS


@given(label=st.sampled_from(INTENTS), before=st.sampled_from(["", "Label: ", "**", '"']), upper=st.booleans())
def test_the_label_itself_is_chosen_in_any_dress(label: str, before: str, upper: bool) -> None:  # noqa: FBT001
    text = f"{before}{label}{before.strip(': Label')}"
    assert chosen_label(text.upper() if upper else text, INTENTS) == label


@pytest.mark.parametrize("piece", ["positive ", "<think>", "</think>", "((((", "not ", "\n", "é́", "a"])
def test_a_megabyte_of_anything_is_judged_within_a_second(piece: str) -> None:
    started = time.process_time()
    Choice()(piece * (1_000_000 // len(piece)), {"label": "positive", "labels": LABELS})
    assert time.process_time() - started < 1.0


@pytest.mark.parametrize(
    ("expected", "answer"),
    [
        ("B", "(B)"),
        ("B", "B."),
        ("B", "Option B"),
        ("B", "**B**"),
        ("B", "The correct answer is B) Rome"),
        ("B", "Rome"),
        ("B", "The answer is Rome."),
        ("B", "Answer: B"),
        ("B", "ANSWER: $B$"),
        ("B", "B) Rome is the capital"),
        ("A", "A"),
        ("A", "A. Paris"),
        (None, "A, B, C, D"),
        (None, "A\nB\nC\nD"),
        (None, "A B C D"),
        (None, "A or B"),
        ("A", "The answer is A because B is wrong"),
        ("C", r"so \boxed{C}"),
        ("D", "Let me think. A is wrong. B no.\n\nAnswer: D"),
        (None, "I don't know"),
        (None, ""),
        (None, "A review of options"),
        ("B", "The best answer is:\n\n**B) Rome**"),
        ("B", "I would pick option B."),
        ("B", "It's not A, the answer is B"),
        ("B", "Therefore, the correct option is (B)."),
        ("B", "The correct answer is option B: Rome"),
        ("B", "b"),
        ("B", "After consideration, it is (B)"),
        ("A", "The answer is (A) Paris, not (B)"),
        (None, "All of A, B, C and D"),
        ("B", "<think>A</think>B"),
        ("B", "```\nB\n```"),
        ("C", "The answer is **C**. Oslo"),
        ("D", "Thus the answer is D"),
        (None, "(A) (B) (C) (D)"),
        ("C", "Correct answer: C"),
        ("B", "The answer is not A but B"),
        (None, "A, B, C, D\nParis, Rome, Oslo, Bern"),
        ("B", "I choose B"),
        ("C", "Answer:C"),
    ],
)
def test_letters_of_options_are_read_as_benchmarks_do(expected: str | None, answer: str) -> None:
    options = {"A": "Paris", "B": "Rome", "C": "Oslo", "D": "Bern"}
    assert chosen_label(answer, list(options), options) == expected


def test_options_with_equal_texts_are_told_by_their_letters() -> None:
    target = {"label": "B", "labels": ["A", "B", "C"], "options": {"A": "Paris", "B": "Rome", "C": "Rome"}}
    assert Choice()("B) Rome", target).passed
    assert Choice()("Rome", target).reason.startswith("unparsed")


def test_options_that_are_repeated_before_the_answer_are_not_chosen() -> None:
    options = {"A": "Paris", "B": "Rome", "C": "Oslo"}
    assert chosen_label("A) Paris\nB) Rome\nC) Oslo\n\nB) Rome", list(options), options) == "B"
    assert chosen_label("A) Paris\nB) Rome\nC) Oslo", list(options), options) is None


@pytest.mark.parametrize("labels", [["cancel_order", "change_order"], ["cancel-order", "change order"]])
def test_a_label_with_underscores_may_be_given_as_words(labels: list[str]) -> None:
    assert chosen_label("I would say Cancel Order here.", labels) == (labels[0] if "_" in labels[0] else None)
    assert chosen_label(f"The label is {labels[0]}", labels) == labels[0]
