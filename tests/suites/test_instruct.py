"""Instruct: each kind of instruction can be kept alone and beside others; lazy answers keep few."""

import pytest

from harness.task.dice import Dice
from suites.offload.instruct import TASK
from suites.offload.instruct.instruction import BANS, CLASHES, EXTRAS, FORMS, goes_with

SAMPLES = list(TASK.samples(seed=0, limit=300))


def test_there_are_at_least_twenty_kinds_and_each_comes_alone_or_beside_others() -> None:
    met = {constraint["kind"] for sample in SAMPLES for constraint in sample.target["constraints"]}
    assert len(met) >= 30
    alone = {sample.stratum for sample in SAMPLES if sample.tier == 1}
    assert alone == {*FORMS, *EXTRAS}


def test_tiers_hold_one_two_and_four_instructions() -> None:
    for sample in SAMPLES:
        kinds = {constraint["kind"] for constraint in sample.target["constraints"]} - {"numbered_in_order"}
        assert len(kinds) == {1: 1, 2: 2, 3: 4}[sample.tier]


def test_strict_is_the_score_and_loose_stands_beside_it() -> None:
    target = {"constraints": [{"kind": "starts_with", "text": "Listen"}, {"kind": "sentences", "exactly": 2}]}
    score = TASK.scorer("Here you are:\nListen to the rain. It sings.", target)
    assert (score.value, score.passed) == (0.0, False)
    assert (score.details["strict"], score.details["loose"]) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("sentences", "Rain falls. It is wet."),
        ("bullets", "- Rain falls\n- It is wet"),
        ("numbered", "1. Rain falls\n2. It is wet"),
        ("paragraphs", "Rain falls.\n\nIt is wet."),
        ("ruled_paragraphs", "Rain falls.\n\n***\n\nIt is wet."),
        ("sections", "# One\nRain falls.\n\n## Two\nIt is wet."),
        ("responses", "Rain falls.\n******\nIt is wet."),
        ("highlights", "**Rain** falls, and *all* is wet."),
        ("placeholders", "Rain falls on [city] at [time]."),
        ("questions", "Is it rain? Or not?"),
        ("exclamations", "Rain! Water!"),
        ("keyword", "Rain is rain."),
    ],
)
def test_a_text_that_a_person_would_write_keeps_its_instruction(kind: str, answer: str) -> None:
    said, constraints = next(
        made
        for seed in range(50)
        for made in [{**FORMS, **EXTRAS}[kind](Dice(seed), "rain")]
        if " two " in f" {made[0]} "
    )
    assert TASK.scorer(answer, {"constraints": constraints}).passed, said


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("json_only", '{"rain": "wet"}'),
        ("quoted", '"Rain is wet."'),
        ("title", "<<Rain>>\nRain is wet."),
        ("postscript", "Rain is wet.\n\nP.S. Very wet."),
        ("code_fence", "```\nRain is wet.\n```"),
        ("table", "| Rain | Sun |\n|---|---|\n| wet | dry |"),
        ("uppercase", "RAIN IS WET."),
        ("lowercase", "rain is wet."),
    ],
)
def test_forms_without_figures_are_read_as_they_are_usually_written(kind: str, answer: str) -> None:
    _, constraints = {**FORMS, **EXTRAS}[kind](Dice(1), "rain")
    assert TASK.scorer(answer, {"constraints": constraints}).passed
    assert not TASK.scorer("Rain is wet", {"constraints": constraints}).passed


def test_what_clashes_is_known_and_never_asked_for_together() -> None:
    known = {*FORMS, *EXTRAS, *BANS}
    assert all({one, *others} <= known for one, others in CLASHES.items())
    for sample in SAMPLES:
        kinds = [constraint["kind"] for constraint in sample.target["constraints"] if constraint["kind"] in known]
        assert all(goes_with(one, other) for number, one in enumerate(kinds) for other in kinds[number + 1 :])
