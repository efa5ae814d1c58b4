"""Rewritten texts as a careful writer would write them, and slips that fail."""

from collections.abc import Callable

import pytest

from harness.task.dice import Dice
from harness.task.tier import Draft
from suites.offload.rewrite import easy, hard, medium
from suites.offload.rewrite.task import TASK


def judged(draft: Draft, answer: str) -> float | None:
    return TASK.scorer(answer, draft.target).value


def made(template: Callable[[Dice, int], Draft]) -> tuple[Draft, str]:
    draft = template(Dice("rewrite", "by hand"), 0)
    return draft, draft.target["reference"]


ALIKE: list[tuple[Callable[[Dice, int], Draft], Callable[[str], str]]] = [
    (easy.greeting, lambda right: right.replace(", ", ",\n\n", 1)),
    (easy.capitals, lambda right: f"**{right}**"),
    (easy.swap, lambda right: f'"{right}"'),
    (easy.placeholder, lambda right: f"```\n{right}\n```"),
    (medium.past, lambda right: right.replace(", and", " and")),
    (medium.first_person, lambda right: right.replace("Then I", "After that, I")),
    (medium.first_person, lambda right: right.replace(". Then I", ", then")),
    (medium.bullets, lambda right: right.replace("- ", "* ")),
    (medium.bullets, lambda right: f"To pack:\n\n{right}"),
    (medium.without, lambda right: right.replace("hard", "difficult").replace("We are sorry", "Sorry")),
    (medium.formal, lambda right: right.replace("cannot", "are not able to").replace("so do not", "so please do not")),
    (medium.iso_date, lambda right: right.replace(" on ", ", ").replace(" at ", ", ")),
    (hard.report, lambda right: right.replace("\n", ".\n") + "."),
    (hard.shorten, lambda right: right.replace("Every", "Each")),
    (hard.plain, lambda right: right.rstrip(".")),
    (hard.third_person, lambda right: right.replace(".", "")),
]


@pytest.mark.parametrize(("template", "change"), ALIKE, ids=range(len(ALIKE)))
def test_a_right_text_in_other_words_is_right(
    template: Callable[[Dice, int], Draft], change: Callable[[str], str]
) -> None:
    draft, right = made(template)
    assert TASK.scorer(change(right), draft.target).reason == ""


SLIPS: list[tuple[Callable[[Dice, int], Draft], Callable[[str], str]]] = [
    (easy.swap, lambda right: right + " " + right),
    (easy.placeholder, lambda right: right.replace("name", "nom").replace("NAME", "NOM")),
    (easy.capitals, lambda right: right.title()),
    (medium.past, lambda right: "".join(char for char in right if not char.isdigit())),
    (medium.bullets, lambda right: right.replace("\n- ", ", ")),
    (medium.without, lambda right: f"{right} Thank you very really just quite much."),
    (medium.formal, lambda right: right.replace(".", "!")),
    (medium.iso_date, lambda right: right.replace("-", "/")),
    (hard.report, lambda right: right.replace("The", "You and the")),
    (hard.shorten, lambda right: right.replace(". ", " and ")),
    (hard.plain, lambda right: right.capitalize()),
    (hard.third_person, lambda right: right.replace("- ", "")),
]


@pytest.mark.parametrize(("template", "change"), SLIPS, ids=range(len(SLIPS)))
def test_one_slip_fails_the_item(template: Callable[[Dice, int], Draft], change: Callable[[str], str]) -> None:
    draft, right = made(template)
    assert judged(draft, right) == 1.0
    assert judged(draft, change(right)) == 0.0
