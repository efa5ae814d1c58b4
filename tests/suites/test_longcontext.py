"""Longcontext: what is asked for stands in the text once, at its depth, and texts are as long as the room allows."""

import re
from typing import Any

import pytest

from harness.domain.model import Model, ModelKey
from harness.run.plan.plan import load_config
from harness.settings import Settings
from suites.offload.longcontext import TASK
from suites.offload.longcontext.reference import reference
from suites.offload.longcontext.task import DEPTHS, LENGTHS, NOT_GIVEN, ORDERS_BESIDE
from suites.offload.longcontext.text import PASSWORDS, THINGS

SAMPLES = list(TASK.samples(seed=0, limit=300))
LABELS = {"labels": [*PASSWORDS, NOT_GIVEN], "options": {NOT_GIVEN: "none"}}
HERON = {"kind": "choice", "target": {"label": "heron", **LABELS}}
ABSENT = {"kind": "choice", "target": {"label": NOT_GIVEN, **LABELS}}
THREE = {"kind": "choices", "target": {"right": ["ladders", "lamps", "ropes"], "labels": list(THINGS)}}


def test_the_one_fact_stands_at_its_depth_and_only_there() -> None:
    for sample in SAMPLES:
        if sample.tags["kind"] != "one":
            continue
        body = sample.prompt.split("\n\n")[1]
        place = re.findall(r"password of the ([a-z ]+)\?", sample.prompt)[0]
        fact = f"The password of the {place} is {reference(sample)}."
        assert body.count(fact) == body.count(f"the {place} ") == 1
        before = body.index(fact) / (len(body) - len(fact))
        assert before == pytest.approx(sample.tags["depth"], abs=0.2)


def test_what_is_not_given_stands_nowhere_and_the_like_does() -> None:
    absent = [sample for sample in SAMPLES if sample.tags["kind"] == "absent"]
    assert absent
    for sample in absent:
        place = re.findall(r"password of the ([a-z ]+)\?", sample.prompt)[0]
        body = sample.prompt.split("\n\n")[1]
        assert place not in body
        assert "The password of the " in body


def test_several_facts_are_all_there_among_those_of_other_places() -> None:
    for sample in SAMPLES:
        if sample.tags["kind"] != "several":
            continue
        place = re.findall(r"has the ([a-z ]+) ordered\?", sample.prompt)[0]
        body = sample.prompt.split("\n\n")[1]
        assert sorted(re.findall(rf"The {place} has ordered (\w+)\.", body)) == sample.target["target"]["right"]
        assert body.count(" has ordered ") == 3 + ORDERS_BESIDE[sample.tier - 1]


def test_depths_and_lengths_are_all_met_and_stand_in_the_tags() -> None:
    assert {sample.tags["depth"] for sample in SAMPLES} == {*DEPTHS, None}
    assert {(sample.tier, sample.tags["length"]) for sample in SAMPLES} == {*enumerate(LENGTHS, 1)}
    assert {sample.tags["room_tokens"] for sample in SAMPLES} == {TASK.room_tokens}


@pytest.mark.parametrize("room", [600, 1024, 4096, 32768])
def test_texts_grow_with_the_room_and_leave_a_margin(room: int) -> None:
    for sample in TASK.samples(seed=0, limit=15, room_tokens=room):
        characters = len(sample.prompt)
        wanted = sample.tags["length"] * (room - TASK.max_output_tokens)
        # At 2.8 characters a token, fewer than any tokeniser in use makes of English, the answer still fits.
        assert characters / 2.8 <= room - TASK.max_output_tokens
        if room > 1000:
            assert characters / 3.5 == pytest.approx(wanted, rel=0.2, abs=60)


def test_other_rooms_hide_the_same_facts_and_are_other_items() -> None:
    short, long = (TASK.samples(seed=3, limit=30, room_tokens=room) for room in (1024, 8192))
    assert [sample.target for sample in short] == [sample.target for sample in long]
    assert [sample.prompt.rpartition("\n\n")[2] for sample in short] == [
        sample.prompt.rpartition("\n\n")[2] for sample in long
    ]
    assert not {sample.item_hash for sample in short} & {sample.item_hash for sample in long}
    assert TASK.fingerprint(short) != TASK.fingerprint(long)


def test_a_plain_run_fits_an_instance_that_lm_studio_loaded_by_itself() -> None:
    listed = Model(key=ModelKey("acme/tiny"), type="llm", max_context_length=32768)
    assert load_config(listed, [TASK], Settings()).context_length == 4096


def test_a_plain_run_has_the_length_of_generate() -> None:
    assert TASK.samples(seed=0, limit=9) == TASK.samples(seed=0, limit=9, room_tokens=TASK.room_tokens)


def test_next_to_no_room_still_gives_a_text_with_its_facts() -> None:
    for sample in TASK.samples(seed=0, limit=30, room_tokens=0):
        body = sample.prompt.split("\n\n")[1]
        assert body.count(". ") >= 4
        if sample.tags["kind"] == "one":
            assert reference(sample) in body


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        (HERON, "heron"),
        (HERON, "The password of the boathouse is heron."),
        (HERON, '"Heron"'),
        (HERON, "The password is **heron**, as the text says."),
        (ABSENT, "Not given."),
        (ABSENT, "not given"),
        (ABSENT, "none"),
        (ABSENT, "The password of the cellar is not given."),
        (THREE, "lamps, ropes and ladders"),
        (THREE, "- ladders\n- lamps\n- ropes"),
        (THREE, "The boathouse has ordered ropes, ladders, and lamps."),
    ],
)
def test_a_right_answer_counts_in_other_words(target: dict[str, Any], answer: str) -> None:
    assert TASK.scorer(answer, target).passed
