"""Labels are balanced, and an answer may be dressed as models dress it."""

from collections import Counter, defaultdict

import pytest

from suites.offload.classify import text
from suites.offload.classify.task import TASK

TARGET = {"label": "not spam", "labels": ["spam", "not spam"]}
TOPICS = {"right": ["battery", "noise"], "labels": list(text.TOPICS)}


@pytest.mark.parametrize(
    "answer",
    [
        "not spam",
        "Not spam.",
        "**not spam**",
        '"not spam"',
        "Label: not spam",
        "The label is not spam.",
        "The answer is: not spam",
        "I would say this is not spam.",
        "NOT SPAM",
        "```\nnot spam\n```",
        "<think>spam?</think>not spam",
    ],
)
def test_a_right_label_in_other_dress_is_right(answer: str) -> None:
    assert TASK.scorer(answer, TARGET).value == 1.0


@pytest.mark.parametrize(
    "answer",
    ["battery, noise", "noise and battery", '["noise", "battery"]', "- Battery\n- Noise", "Topics: battery, noise."],
)
def test_right_topics_in_other_dress_are_right(answer: str) -> None:
    assert TASK.scorer(answer, TOPICS).value == 1.0


def test_labels_are_balanced_within_each_kind_of_item() -> None:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for sample in TASK.samples(seed=5, limit=720):
        if "label" in sample.target:
            counts[f"{sample.tier} {sample.target['labels']}"][sample.target["label"]] += 1
    assert len(counts) == 7
    for labels in counts.values():
        assert max(labels.values()) - min(labels.values()) <= 2


def test_there_are_sets_of_two_to_twenty_labels_and_out_of_scope_ones() -> None:
    sets = {tuple(sample.target["labels"]) for sample in TASK.samples(seed=0, limit=120)}
    assert {len(labels) for labels in sets} >= {2, 4, 6, 9, 20}
    assert sum("other" in labels for labels in sets) == 2


def test_no_text_names_its_own_label() -> None:
    """But for words that other texts share: an item that says its label needs no reading."""
    for texts in (text.INTENTS, text.TICKETS, text.TONES):
        for label, examples in texts.items():
            assert [example for example in examples if f" {label} " in f" {example.lower()} "] == []
