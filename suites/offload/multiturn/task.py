"""The items of multiturn, made from facts and a seed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness import ByKind, Dice, Sample, Task

from ..people import FIRST  # noqa: TID252  (installed, the suites lie within another package)
from .fact import ABOUT, OTHER_TALK

OK = " Just say OK."


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """The turns, what is asked after them, the target of `ByKind`, and the turn from which it is asked."""

    turns: tuple[str, ...]
    question: str
    target: dict[str, Any]
    continues: int | None = None


def _value(about: str, value: str) -> dict[str, Any]:
    return {"kind": "choice", "target": {"label": value, "labels": list(ABOUT[about])}}


def _mine(about: str) -> str:
    return f"What is my {about}? Answer with the {about.rsplit(maxsplit=1)[-1]} only."


def told(dice: Dice) -> Talk:
    """One fact, then other talk."""
    about = dice.pick(list(ABOUT))
    value = dice.pick(ABOUT[about])
    turns = (f"My {about} is {value}.{OK}", dice.pick(OTHER_TALK))
    return Talk(turns=turns, question=_mine(about), target=_value(about, value))


def told_two(dice: Dice) -> Talk:
    """Two facts, then other talk; one is asked for."""
    (first, second), asked = dice.some(list(ABOUT), 2), dice.whole(0, 1)
    values = dice.pick(ABOUT[first]), dice.pick(ABOUT[second])
    turns = (f"My {first} is {values[0]}, and my {second} is {values[1]}.{OK}", dice.pick(OTHER_TALK))
    about = (first, second)[asked]
    return Talk(turns=turns, question=_mine(about), target=_value(about, values[asked]))


def told_number(dice: Dice) -> Talk:
    """A number, then other talk."""
    thing, number = dice.pick(("locker", "room", "ticket", "badge")), dice.whole(111, 998)
    turns = (f"The number of my {thing} is {number}.{OK}", dice.pick(OTHER_TALK))
    question = f"What is the number of my {thing}? Answer with the number only."
    return Talk(turns=turns, question=question, target={"kind": "number", "target": number})


def corrected(dice: Dice) -> Talk:
    """Two facts, one of them corrected; either is asked for."""
    first, second = dice.some(list(ABOUT), 2)
    (old, new), other = dice.some(ABOUT[first], 2), dice.pick(ABOUT[second])
    correction = dice.pick(
        ("Sorry, I was wrong: my {} is {}.", "Correction: my {} is {}.", "That has changed: my {} is {}.")
    )
    turns = (
        f"My {first} is {old}, and my {second} is {other}.{OK}",
        correction.format(first, new) + OK,
        dice.pick(OTHER_TALK),
    )
    about, value = dice.pick(((first, new), (first, new), (second, other)))
    return Talk(turns=turns, question=_mine(about), target=_value(about, value))


def branched(dice: Dice) -> Talk:
    """A fact, corrected in a turn that is not part of the branch."""
    about = dice.pick(list(ABOUT))
    old, new = dice.some(ABOUT[about], 2)
    turns = (f"My {about} is {old}.{OK}", f"Correction: my {about} is {new}.{OK}")
    return Talk(turns=turns, question=_mine(about), target=_value(about, old), continues=1)


def renumbered(dice: Dice) -> Talk:
    """A number, later replaced by another."""
    thing = dice.pick(("locker", "room", "ticket", "badge"))
    old, new = dice.whole(111, 550), dice.whole(551, 998)
    if dice.whole(0, 1):
        old, new = new, old
    turns = (
        f"The number of my {thing} is {old}.{OK}",
        f"I got another {thing}, with the number {new}.{OK}",
        dice.pick(OTHER_TALK),
    )
    question = f"What is the number of my {thing} now? Answer with the number only."
    return Talk(turns=turns, question=question, target={"kind": "number", "target": new})


def exchanged(dice: Dice) -> Talk:
    """Three people with an instrument each; two swap theirs, then one takes up another."""
    people, instruments = dice.some(FIRST, 3), dice.some(ABOUT["instrument"], 4)
    plays = dict(zip(people, instruments, strict=False))
    turns = [_playing(plays)]
    first, second, third = dice.shuffled(people)
    plays[first], plays[second] = plays[second], plays[first]
    turns.append(f"{first} and {second} have exchanged their instruments.{OK}")
    changed = dice.pick((first, third))
    plays[changed] = instruments[3]
    turns.append(f"{changed} now plays the {instruments[3]} instead.{OK}")
    asked = dice.pick(people)
    return Talk(turns=tuple(turns), question=_plays(asked), target=_value("instrument", plays[asked]))


def branched_exchange(dice: Dice) -> Talk:
    """Three people with an instrument each, and two swaps, only the first of which belongs to the branch."""
    people, instruments = dice.some(FIRST, 3), dice.some(ABOUT["instrument"], 3)
    plays = dict(zip(people, instruments, strict=True))
    first, second, third = dice.shuffled(people)
    turns = (
        _playing(plays),
        f"{first} and {second} have exchanged their instruments.{OK}",
        f"{first} and {third} have exchanged their instruments.{OK}",
        dice.pick(OTHER_TALK),
    )
    plays[first], plays[second] = plays[second], plays[first]
    asked = dice.pick((first, second, third))
    return Talk(turns=turns, question=_plays(asked), target=_value("instrument", plays[asked]), continues=2)


def undone(dice: Dice) -> Talk:
    """A fact changed twice; the last change is undone."""
    about = dice.pick(list(ABOUT))
    first, second, third = dice.some(ABOUT[about], 3)
    turns = (
        f"My {about} is {first}.{OK}",
        f"My {about} has changed to {second}.{OK}",
        f"My {about} has changed to {third}.{OK}",
        f"I undo the last change of my {about}.{OK}",
    )
    return Talk(turns=turns, question=_mine(about), target=_value(about, second))


def added_up(dice: Dice) -> Talk:
    """An amount, increased and then reduced, with another amount beside it."""
    amount, more, less, beside = (
        10 * dice.whole(20, 60),
        10 * dice.whole(2, 9),
        5 * dice.whole(1, 9),
        10 * dice.whole(61, 90),
    )
    turns = (
        f"The budget for food is {amount} euros, the one for travel {beside} euros.{OK}",
        f"Add {more} euros to the budget for food.{OK}",
        dice.pick(OTHER_TALK),
        f"Take {less} euros from the budget for food.{OK}",
    )
    question = "How many euros is the budget for food now? Answer with the number only."
    return Talk(turns=turns, question=question, target={"kind": "number", "target": amount + more - less})


def _playing(plays: dict[str, str]) -> str:
    first, second, third = (f"{person} plays the {instrument}" for person, instrument in plays.items())
    return f"{first}, {second} and {third}.{OK}"


def _plays(person: str) -> str:
    return f"Which instrument does {person} play now? Answer with the instrument only."


TIERS: tuple[tuple[Callable[[Dice], Talk], ...], ...] = (
    (told, told_two, told_number),
    (corrected, branched, renumbered),
    (exchanged, branched_exchange, undone, added_up),
)


def _sample(seed: int, index: int) -> Sample:
    tier = index % len(TIERS) + 1
    kinds = TIERS[tier - 1]
    make = kinds[index // len(TIERS) % len(kinds)]
    talk = make(Dice("multiturn", seed, index))
    return Sample(
        item_id=f"multiturn-{seed}-{index:04d}",
        prompt=talk.question,
        turns=talk.turns,
        continues=talk.continues,
        target=talk.target,
        tier=tier,
        stratum=make.__name__,
        tags={"turns": talk.continues or len(talk.turns), "is_branch": talk.continues is not None},
    )


def generate(seed: int, n: int) -> Sequence[Sample]:
    """Return the first n samples of the seed: easy, medium, hard in turn."""
    return [_sample(seed, index) for index in range(n)]


TASK = Task(
    name="multiturn",
    task_class="multiturn",
    generate=generate,
    scorer=ByKind(kinds=("number", "choice")),
    max_output_tokens=32,
    prompt_tokens=360,
    # Twelve values each where a value is asked for; a number cannot be guessed.
    chance=(2 / 3 + 2 / 3 + 3 / 4) / 3 / 12,
    description="facts told, changed and recalled over turns; branches",
)
