"""What a problem is: a question, what to answer with, and the target."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from harness import Dice

_ORDERS = (
    ("taller", "shorter", "tallest", "shortest"),
    ("older", "younger", "oldest", "youngest"),
    ("faster", "slower", "fastest", "slowest"),
    ("richer", "poorer", "richest", "poorest"),
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A question, the noun for its answer, and the target of `ByKind`."""

    question: str
    wanted: str
    target: dict[str, Any]


def number(question: str, value: float, wanted: str = "number") -> Problem:
    """Return a problem whose answer is a number."""
    return Problem(question=question, wanted=wanted, target={"kind": "number", "target": value})


def label(question: str, right: str, labels: Sequence[str], wanted: str) -> Problem:
    """Return a problem whose answer is one of a few names."""
    target = {"label": right, "labels": sorted(labels)}
    return Problem(question=question, wanted=wanted, target={"kind": "choice", "target": target})


def weekday(dice: Dice, *, least: int, most: int) -> Problem:
    """Return a problem about the weekday some days from another one, which it never is itself."""
    today, days = dice.whole(0, 6), dice.whole(least, most)
    days += days % 7 == 0
    is_future = dice.whole(0, 1) == 1
    span = f"{days} day{'s' if days > 1 else ''}"
    asked = f"will it be in {span}" if is_future else f"was it {span} ago"
    opening = dice.pick(
        ("Today is {}.", "It is {} today.", "This is a {}.", "Let today be a {}.", "Say that it is {}.")
    )
    then = DAYS[(today + (days if is_future else -days)) % 7]
    # The day that the question names is no label: "in 3 days from Monday it is Thursday" names one answer.
    others = [day for day in DAYS if day != DAYS[today]]
    return label(f"{opening.format(DAYS[today])} Which day of the week {asked}?", then, others, "day")


def order(dice: Dice, people: Sequence[str], *, place: int, turned: bool) -> Problem:
    """Return a problem about who stands at a place (from 0) in an order, from either end, given pair by pair.

    With `turned`, some pairs are given the other way round.
    """
    more, less, most, least = dice.pick(_ORDERS)
    comparisons = []
    for first, second in pairwise(people):
        is_turned = turned and dice.whole(0, 1) == 1
        comparisons.append(f"{second} is {less} than {first}." if is_turned else f"{first} is {more} than {second}.")
    text = " ".join(dice.shuffled(comparisons))
    from_top = dice.whole(0, 1) == 1
    right = people[place] if from_top else people[-1 - place]
    rank = ("", "second ", "third ", "fourth ")[place]
    return label(f"{text} Who is the {rank}{most if from_top else least}?", right, people, "name")
