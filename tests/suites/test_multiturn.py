"""Multiturn: the targets follow from the turns, and an answer from the wrong turn or branch is wrong."""

import re
from typing import Any

import pytest

from harness.domain.sample import Sample
from suites.offload.multiturn import TASK
from suites.offload.multiturn.fact import ABOUT, OTHER_TALK
from suites.offload.multiturn.reference import reference, stale

SAMPLES = list(TASK.samples(seed=0, limit=300))
GREEN = {"kind": "choice", "target": {"label": "green", "labels": list(ABOUT["favourite colour"])}}
NUMBER = {"kind": "number", "target": 454}


def asked(stratum: str) -> list[Sample]:
    return [sample for sample in SAMPLES if sample.stratum == stratum]


def heard(sample: Sample) -> tuple[str, ...]:
    """Return the turns that the conversation has when the prompt comes."""
    return sample.turns[: sample.continues or len(sample.turns)]


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        (GREEN, "Green"),
        (GREEN, "Your favourite colour is green."),
        (GREEN, 'You said "green".'),
        (GREEN, "It is **green**, as you told me."),
        (GREEN, "green, not red"),
        (NUMBER, "The number of your locker is 454."),
        (NUMBER, "No. 454"),
        (NUMBER, "#454"),
        (NUMBER, "Your locker has the number 454!"),
        (NUMBER, "It was 145, but now it is 454."),
    ],
)
def test_a_right_answer_counts_in_other_words(target: dict[str, Any], answer: str) -> None:
    assert TASK.scorer(answer, target).passed


def test_an_old_value_is_wrong_wherever_one_was_said() -> None:
    stale_ones = [(sample, stale(sample)) for sample in SAMPLES if sample.tier > 1]
    assert all(not TASK.scorer(answer, sample.target).passed for sample, answer in stale_ones)
    assert sum(answer != "I do not know" for _, answer in stale_ones) > 0.9 * len(stale_ones)


def test_a_branch_has_its_answer_from_turns_that_it_has_and_another_one_from_those_that_it_has_not() -> None:
    branches = [sample for sample in SAMPLES if sample.continues is not None]
    assert {sample.stratum for sample in branches} == {"branched", "branched_exchange"}
    assert all(sample.continues < len(sample.turns) for sample in branches if sample.continues is not None)
    for sample in asked("branched"):
        first, other = (re.findall(r"is (\S+)\. Just", turn)[0] for turn in sample.turns)
        assert reference(sample) == first != other


def test_exchanges_end_where_following_them_ends() -> None:
    for sample in [*asked("exchanged"), *asked("branched_exchange")]:
        plays = dict(re.findall(r"(\w+) plays the (\w+)", sample.turns[0]))
        for turn in heard(sample)[1:]:
            for one, other in re.findall(r"(\w+) and (\w+) have exchanged", turn):
                plays[one], plays[other] = plays[other], plays[one]
            plays.update(re.findall(r"(\w+) now plays the (\w+) instead", turn))
        assert reference(sample) == plays[re.findall(r"does (\w+) play now", sample.prompt)[0]]


def test_amounts_end_where_following_them_ends() -> None:
    for sample in asked("added_up"):
        said = " ".join(sample.turns)
        start, more, less = (
            int(re.findall(pattern, said)[0])
            for pattern in (
                r"food is (\d+)",
                r"Add (\d+) euros to the budget for food",
                r"Take (\d+) euros from the budget for",
            )
        )
        assert sample.target["target"] == start + more - less


def test_other_talk_holds_no_value() -> None:
    values = {value.lower() for pool in ABOUT.values() for value in pool}
    assert len(values) == sum(map(len, ABOUT.values()))
    assert not values & {word.strip("?.").lower() for talk in OTHER_TALK for word in talk.split()}
