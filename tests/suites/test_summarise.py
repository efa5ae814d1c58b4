"""Summaries as a careful reader would write them, and what costs."""

from collections.abc import Callable

import pytest

from harness.domain.sample import Sample
from harness.task.dice import Dice
from suites.offload.summarise import template
from suites.offload.summarise.document import Document, dates
from suites.offload.summarise.task import TASK

DICE = ("summarise", "by hand")


def judged(document: Document, answer: str) -> float | None:
    target = {"facts": document.facts, "source": document.source, "max_words": document.max_words}
    return TASK.scorer(answer, target).value


def facts(document: Document) -> list[str]:
    return [str(forms[0]) for forms in document.facts]


FIRES = [
    "A {0} burnt down in {1}. {2} people were saved. Damage: {3} euros. Nobody was hurt, {4} says.",
    "{2} people were rescued from a {0} fire in {1}; the damage is EUR {3}, and according to {4} nobody was hurt.",
    "According to {4}, nobody was hurt when a {0} in {1} burnt down, {2} people were saved, and {3} euros lost.",
    "- {0} in {1} burnt down\n- {2} people saved\n- {3} euros of damage\n- nobody hurt, says {4}",
    "**Summary:** the {0} in {1} is gone ({3} euros); {2} people got out, nobody was hurt ({4}).",
    "Fire in {1}: {0} destroyed, {2} saved, {3} euros damage, nobody hurt says {4}",
    "The fire service's {4} says nobody was hurt as a {0} burnt in {1}, {2} were saved, damage {3} euros.",
    "In {1}, fire took a {0}. It cost {3} euros; {2} people are safe and {4} reports no injuries.",
]


@pytest.mark.parametrize("words", FIRES)
def test_a_right_summary_in_other_words_is_right(words: str) -> None:
    document = template.fire(Dice(*DICE))
    assert judged(document, words.format(*facts(document))) == 1.0


def test_names_may_be_last_names_and_amounts_may_have_separators() -> None:
    document = template.fire(Dice(*DICE))
    place, city, count, damage, names = document.facts
    said = f"A {place[0]} in {city[0]} burnt, {count[0]} people saved, {damage[0]:,} euros lost, says {names[1]}."
    assert judged(document, said) == 1.0


@pytest.mark.parametrize("form", ["21st of May", "May 21", "21 May", "May 21st", "21st May"])
def test_dates_may_be_written_in_several_ways(form: str) -> None:
    assert form in dates(21, "May")
    assert "12th June" in dates(12, "June")
    assert "22nd June" in dates(22, "June")


@pytest.mark.parametrize("make", [template.corrected_fire, template.corrected_meeting, template.german_meeting])
def test_a_figure_that_was_corrected_later_counts_as_invented(make: Callable[[Dice], Document]) -> None:
    document = make(Dice(*DICE))
    stale = max(document.stale, key=lambda one: sum(letter.isdigit() for letter in one))
    score = judged(document, f"{document.reference} {stale}")
    assert score is not None
    assert score < 1.0


def test_what_is_invented_or_too_long_costs() -> None:
    document = template.fire(Dice(*DICE))
    invented = judged(document, f"{document.reference} It cost 777 lives.")
    assert invented is not None
    assert invented < 1.0
    assert judged(document, document.text) == 0.0


def samples(tier: int) -> list[Sample]:
    return [sample for sample in TASK.samples(seed=0, limit=180) if sample.tier == tier]


def test_references_stay_well_below_the_limit_and_documents_far_above() -> None:
    for tier in (1, 2, 3):
        for sample in samples(tier):
            assert len(sample.target["reference"].split()) <= sample.target["max_words"]
            assert len(sample.prompt.split()) > 2 * sample.target["max_words"]
