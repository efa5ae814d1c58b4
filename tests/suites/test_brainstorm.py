"""Brainstorm: lists that keep the rules score one, whatever their form; lazy ones score nothing."""

from collections.abc import Callable
from statistics import fmean

import pytest

from harness.domain.sample import Sample
from suites.offload.brainstorm import TASK
from suites.offload.brainstorm.reference import adversaries, reference

SAMPLES = list(TASK.samples(seed=0, limit=300))
DRESSES = ("{}", "<think>How many? 1. Maybe seven.</think>\n\n{}\n")


def mean_score(answer: Callable[[Sample], str]) -> float:
    return fmean(TASK.scorer(answer(sample), sample.target).value or 0.0 for sample in SAMPLES)


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_the_reference_scores_one_in_any_dress(seed: int) -> None:
    for sample in TASK.samples(seed=seed, limit=240):
        for dress in DRESSES:
            score = TASK.scorer(dress.format(reference(sample)), sample.target)
            assert (score.value, score.passed) == (1.0, True), (sample, dress, score)


@pytest.mark.parametrize("name", adversaries)
def test_answers_that_did_not_read_score_at_most_chance(name: str) -> None:
    assert mean_score(adversaries[name]) <= TASK.chance + 0.01


def test_the_reference_of_another_item_scores_at_most_chance() -> None:
    others = {one.item_id: reference(other) for one, other in zip(SAMPLES, SAMPLES[1:] + SAMPLES[:1], strict=True)}
    assert mean_score(lambda sample: others[sample.item_id]) <= TASK.chance + 0.02


def test_a_hundred_items_differ_and_another_seed_has_others() -> None:
    first, second = ({one.prompt_hash for one in TASK.samples(seed=seed, limit=100)} for seed in (0, 1))
    assert len(first) >= 98
    assert len(first & second) <= 5


ISLAND = {"count": 3, "min_words": 2, "max_words": 6, "include": ["island", "islands"], "exclude": ["beach"]}


@pytest.mark.parametrize(
    "answer",
    [
        "1. Island walks\n2. Calm island evenings\n3. Empty island roads",
        "1) Quiet island nights\n2) Old island towns\n3) Wild island birds",
        "- Island food\n- Rare island plants\n- Friendly people of the islands",
        "* **Island food**\n* **Rare island plants**\n* **Warm island evenings**",
        "Sure, here are three:\n\n1. Island food\n2. Rare island plants\n3. Warm island evenings",
        "Island food\nRare island plants\nWarm island evenings",
        '["Island food", "Rare island plants", "Warm island evenings"]',
        '```json\n["Island food", "Rare island plants", "Warm island evenings"]\n```',
        "1. ISLAND FOOD\n2. RARE ISLAND PLANTS\n3. WARM ISLAND EVENINGS",
        "1. Island food.\n\n2. Rare island plants!\n\n3. Warm island evenings.",
    ],
)
def test_a_right_list_counts_in_any_form(answer: str) -> None:
    assert TASK.scorer(answer, ISLAND).passed


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ("1. Island food\n2. Rare island plants", 2 / 3),
        ("1. Island food\n2. Rare island plants\n3. Warm evenings", 2 / 3),
        ("1. Island food\n2. Rare island plants\n3. The long beach of the island", 2 / 3),
        ("1. Island food\n2. Food, island\n3. Island food", 1 / 3),
        ("1. Island food\n2. Rare island plants\n3. Warm island evenings\n4. Island towns", 3 / 4),
    ],
)
def test_each_idea_too_few_too_many_alike_or_against_the_rules_costs_its_share(answer: str, value: float) -> None:
    assert TASK.scorer(answer, ISLAND).value == pytest.approx(value)


def test_the_rules_are_told_as_they_are_scored() -> None:
    for sample in SAMPLES:
        spec = sample.target
        assert f"exactly {spec['count']}." in sample.prompt
        assert f'"{spec["include"][0]}"' in sample.prompt
        assert all(f'"{word}"' in sample.prompt for word in spec.get("exclude", []))
        assert not {*spec["include"]} & {*spec.get("exclude", [])}
        bounds = {str(spec["min_words"]), str(spec["max_words"])}
        assert bounds <= {*sample.prompt.replace(".", " ").split()}
