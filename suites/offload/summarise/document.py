"""Documents made of facts and of filler sentences."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from harness import Dice

from . import word

ALLOWED = (
    "EUR Euro Euros The A An In On At It He She They There This Mr Ms Total Cost Damage Date Place Who When Where "
    + " ".join(word.MONTHS)
)
"""Capitalised words that a summary may use although they are not in the document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document, what its summary must say, and an ideal summary.

    Attributes:
        sentences: in order.
        wanted: what to say, in words: "who, where, and the damage".
        facts: the accepted forms of each fact.
        stale: sentences whose figures were corrected later, so that a summary must not have them.
    """

    sentences: Sequence[str]
    wanted: str
    facts: list[list[Any]]
    reference: str
    max_words: int
    stale: Sequence[str] = field(default=())

    @property
    def text(self) -> str:
        """The whole document."""
        return " ".join(self.sentences)

    @property
    def source(self) -> str:
        """What a summary may be made of: the document without stale sentences, and every form of the facts."""
        forms = (str(form) for fact in self.facts for form in fact)
        return ", ".join([*(sentence for sentence in self.sentences if sentence not in self.stale), ALLOWED, *forms])


def spread(dice: Dice, facts: Sequence[str], talk: Sequence[str], *, first: int, last: int) -> list[str]:
    """Return the facts in order, a filler sentence between any two, `first` of them before and `last` after all."""
    others = dice.some(talk, first + len(facts) - 1 + last)
    gaps = others[first : first + len(facts) - 1]
    mixed = [sentence for pair in zip(facts, gaps, strict=False) for sentence in pair]
    return [*others[:first], *mixed, facts[-1], *others[first + len(gaps) :]]


def person(dice: Dice) -> tuple[str, list[Any]]:
    """Return a name and the forms in which it may be given."""
    first, last = dice.pick(word.FIRST), dice.pick(word.LAST)
    return f"{first} {last}", [f"{first} {last}", last]


def day(dice: Dice) -> tuple[str, list[Any]]:
    """Return a day of the year and its forms; days have two digits, so that no count is mistaken for a day."""
    number, month = dice.whole(10, 28), dice.pick(word.MONTHS)
    return f"{number} {month}", dates(number, month)


def dates(number: int, month: str) -> list[Any]:
    """Return the ways to write a day in English."""
    ordinal = f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10 if number > 20 else 0, 'th') }"
    short = month[:3]
    day_first = [f"{numeral} {name}" for numeral in (number, ordinal, f"{ordinal} of") for name in (month, short)]
    return day_first + [f"{name} {numeral}" for numeral in (number, ordinal) for name in (month, short)]


def figures(dice: Dice) -> tuple[int, int, int]:
    """Return a count below a hundred and two amounts in the thousands, none like a day or like each other."""
    amount = dice.whole(21, 98) * 1000 + dice.whole(1, 9) * 100
    return dice.whole(31, 98), amount, amount + dice.whole(3, 9) * 1000
