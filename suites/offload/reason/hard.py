"""Problems of several steps."""

from collections.abc import Callable
from datetime import date, timedelta

from harness import Dice

from ..people import FIRST  # noqa: TID252  (installed, the suites lie within another package)
from .medium import written
from .problem import Problem, label, number, order


def tank(dice: Dice) -> Problem:
    """Rates that add up, less one that drains."""
    first, second, leak = dice.whole(12, 30), dice.whole(8, 25), dice.whole(3, 7)
    minutes, held = dice.whole(8, 35), 10 * dice.whole(2, 9)
    size = held + minutes * (first + second - leak)
    return number(
        f"A tank for {size} litres already holds {held} litres. One pipe brings {first} litres a minute, another "
        f"{second}, and {leak} litres a minute leak out. How many minutes does it take until the tank is full?",
        minutes,
    )


def library(dice: Dice) -> Problem:
    """Four steps, among irrelevant figures."""
    shelves, books, back = dice.whole(6, 14), 10 * dice.whole(3, 8), dice.whole(5, 19)
    kept = 3 * dice.whole(40, 70)
    lent = shelves * books + back - kept
    if lent <= 0:
        shelves += 8
        lent = shelves * books + back - kept
    return number(
        f"A library from {dice.whole(1880, 1990)} with {dice.whole(3, 9)} rooms has {shelves} shelves of {books} books "
        f"each. {lent} of these books are lent out, {back} other books come back, and then a third of all books in the "
        f"house is sold for {dice.whole(2, 6)} euros each. How many books are left in the house?",
        kept * 2 // 3,
    )


def days_far(dice: Dice) -> Problem:
    """Days between dates months apart, with and without a leap day."""
    year = dice.pick((2023, 2024, 2027, 2028))
    first = date(year, dice.whole(1, 2), dice.whole(1, 28))
    days = dice.whole(70, 240)
    return number(
        f"How many days after {written(first)} {year} is {written(first + timedelta(days=days))} {year}?", days
    )


def recipe(dice: Dice) -> Problem:
    """Proportion and conversion, with decimals."""
    served, grams, guests = dice.pick((4, 5, 8)), 40 * dice.whole(6, 20), dice.whole(11, 47)
    what = dice.pick(("flour", "rice", "sugar", "potatoes"))
    value = {"value": round(grams * guests / served / 1000, 4), "abs": 0.005}
    question = (
        f"A recipe for {served} people needs {grams} grams of {what}. How many kilograms do {guests} people need?"
    )
    problem = number(question, 0)
    return Problem(question=question, wanted=problem.wanted, target={"kind": "number", "target": value})


def six_in_order(dice: Dice) -> Problem:
    """Six people, compared in pairs, some the other way round; who is third or fourth."""
    return order(dice, dice.some(FIRST, 6), place=dice.whole(2, 3), turned=True)


def one_liar(dice: Dice) -> Problem:
    """Four people who talk about each other; exactly one of them lies."""
    names = dice.some(FIRST, 4)
    while True:
        liar = dice.whole(0, 3)
        statements = [_statement(dice, speaker, liar) for speaker in range(4)]
        fits = [
            suspect
            for suspect in range(4)
            if all(_holds(statement, suspect) != (speaker == suspect) for speaker, statement in enumerate(statements))
        ]
        if fits == [liar]:
            break
    talk = " ".join(f'{names[speaker]}: "{_worded(statement, names)}"' for speaker, statement in enumerate(statements))
    question = (
        f"Exactly one of {', '.join(names[:-1])} and {names[-1]} lies; what the others say is true. {talk} Who lies?"
    )
    return label(question, names[liar], names, "name")


Statement = tuple[int, int, bool]
"""Two people, and whether the speaker claims that the liar is one of them."""


def _statement(dice: Dice, speaker: int, liar: int) -> Statement:
    pair = dice.some([person for person in range(4) if person != speaker], 2)
    is_true = speaker != liar
    return pair[0], pair[1], (liar in pair) == is_true


def _holds(statement: Statement, liar: int) -> bool:
    first, second, is_among = statement
    return (liar in {first, second}) == is_among


def _worded(statement: Statement, names: list[str]) -> str:
    first, second = names[statement[0]], names[statement[1]]
    return f"The liar is {first} or {second}." if statement[2] else f"Neither {first} nor {second} lies."


PROBLEMS: tuple[Callable[[Dice], Problem], ...] = (tank, library, days_far, recipe, six_in_order, one_liar)
