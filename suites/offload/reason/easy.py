"""Problems of one step."""

from collections.abc import Callable

from harness import Dice

from ..people import FIRST  # noqa: TID252  (installed, the suites lie within another package)
from .problem import Problem, number, order, weekday

THINGS = ("apples", "books", "coins", "stamps", "pencils", "shells", "marbles", "cards", "buttons", "plates")
UNITS = (
    ("hours", "minutes", 60),
    ("days", "hours", 24),
    ("weeks", "days", 7),
    ("minutes", "seconds", 60),
    ("metres", "centimetres", 100),
    ("kilometres", "metres", 1000),
    ("kilograms", "grams", 1000),
    ("years", "months", 12),
    ("centimetres", "millimetres", 10),
    ("litres", "millilitres", 1000),
)


def plain(dice: Dice) -> Problem:
    """A sum, a difference or a product without a story."""
    first, second = dice.whole(2, 12), dice.whole(2, 9)
    question, value = dice.pick(
        (
            (f"{first} plus {second}", first + second),
            (f"{first + second} minus {second}", first),
            (f"{first} times {second}", first * second),
        )
    )
    return number(f"What is {question}?", value)


def more_or_less(dice: Dice) -> Problem:
    """Addition or subtraction."""
    name, things = dice.pick(FIRST), dice.pick(THINGS)
    have, change = dice.whole(12, 40), dice.whole(2, 9)
    if dice.whole(0, 1):
        return number(
            f"{name} has {have} {things} and gets {change} more. How many {things} does {name} have now?", have + change
        )
    return number(
        f"{name} has {have} {things} and gives {change} away. How many {things} does {name} have left?", have - change
    )


def boxes(dice: Dice) -> Problem:
    """Multiplication."""
    each, count, things = dice.whole(3, 12), dice.whole(2, 9), dice.pick(THINGS)
    holder = dice.pick(("box", "bag", "drawer", "tin"))
    many = {"box": "boxes"}.get(holder, f"{holder}s")
    return number(f"One {holder} holds {each} {things}. How many {things} are in {count} {many}?", each * count)


def unit(dice: Dice) -> Problem:
    """One conversion."""
    (large, small, factor), count = dice.pick(UNITS), dice.whole(2, 15)
    asked = dice.pick(("How many {1} are {0}?", "{0}: how many {1} is that?", "What is {0} in {1}?"))
    return number(asked.format(f"{count} {large}", small), count * factor)


def weekday_soon(dice: Dice) -> Problem:
    """A weekday a few days away."""
    return weekday(dice, least=1, most=4)


def three_in_order(dice: Dice) -> Problem:
    """Three people, compared in pairs; who leads."""
    return order(dice, dice.some(FIRST, 3), place=0, turned=False)


PROBLEMS: tuple[Callable[[Dice], Problem], ...] = (
    plain,
    more_or_less,
    boxes,
    unit,
    weekday_soon,
    three_in_order,
)
