"""Problems of two steps."""

from collections.abc import Callable
from datetime import date, timedelta

from harness import Dice

from ..people import FIRST  # noqa: TID252  (installed, the suites lie within another package)
from .problem import Problem, number, order, weekday

PRICED = (("pen", "pens"), ("mug", "mugs"), ("candle", "candles"), ("brush", "brushes"), ("notebook", "notebooks"))
GOODS = ("coat", "lamp", "chair", "tent", "camera", "bicycle", "carpet", "printer")
MONTHS = tuple("January February March April May June July August September October November December".split())


def change(dice: Dice) -> Problem:
    """A price times a number, subtracted from a banknote."""
    name, (_, things) = dice.pick(FIRST), dice.pick(PRICED)
    count, price = dice.whole(3, 9), dice.whole(2, 9)
    note = 100 if count * price >= 50 else 50
    return number(
        f"{name} buys {count} {things} at {price} euros each and pays with a {note} euro note. "
        "How many euros does the shop give back?",
        note - count * price,
    )


def discount(dice: Dice) -> Problem:
    """A price with a discount in percent."""
    price, percent, thing = 20 * dice.whole(2, 30), dice.pick((5, 10, 15, 20, 25, 30, 40, 60)), dice.pick(GOODS)
    return number(
        f"A {thing} costs {price} euros. The shop takes {percent} percent off. "
        f"How many euros does the {thing} cost now?",
        price * (100 - percent) // 100,
    )


def days_between(dice: Dice) -> Problem:
    """Days between two dates of neighbouring months."""
    first = date(2025, dice.whole(1, 11), dice.whole(5, 27))
    days = dice.whole(18, 38)
    then = first + timedelta(days=days)
    return number(f"How many days after {written(first)} is {written(then)} of the same year?", days)


def minutes_between(dice: Dice) -> Problem:
    """Minutes between two times of a day."""
    start, length = dice.whole(6 * 60, 18 * 60), dice.whole(65, 290)
    what = dice.pick(
        (
            "A train leaves at {} and arrives at {}.",
            "A film begins at {} and ends at {}.",
            "A shift starts at {} and is over at {}.",
        )
    )
    return number(f"{what.format(clock(start), clock(start + length))} How many minutes is that?", length)


def weekday_later(dice: Dice) -> Problem:
    """A weekday some weeks away."""
    return weekday(dice, least=15, most=60)


def four_in_order(dice: Dice) -> Problem:
    """Four people, compared in pairs, some the other way round; who is second."""
    return order(dice, dice.some(FIRST, 4), place=1, turned=True)


def written(day: date) -> str:
    """Return a day as a person writes it, without the year."""
    return f"{day.day} {MONTHS[day.month - 1]}"


def clock(minutes: int) -> str:
    """Return a time of the day."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


PROBLEMS: tuple[Callable[[Dice], Problem], ...] = (
    change,
    discount,
    days_between,
    minutes_between,
    weekday_later,
    four_in_order,
)
