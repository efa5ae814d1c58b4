"""Brainstorm: lists that keep the rules score one, whatever their form; lazy ones score nothing."""

import pytest

from suites.offload.brainstorm import TASK

SAMPLES = list(TASK.samples(seed=0, limit=300))


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
