"""What all tiers of extract share: what a template returns, and names, addresses and amounts."""

from typing import Any, TypeAlias

from harness import Dice

from . import word

Made: TypeAlias = tuple[dict[str, Any], str, dict[str, Any]]
"""An object of forms (see `form.Form`), the text, and the values that are right."""


def person(dice: Dice) -> str:
    """Return a first and a last name."""
    return f"{dice.pick(word.FIRST)} {dice.pick(word.LAST)}"


def people(dice: Dice, count: int) -> list[str]:
    """Return `count` names, no two of which share a first or last name."""
    first, last = dice.some(word.FIRST, count), dice.some(word.LAST, count)
    return [f"{given} {family}" for given, family in zip(first, last, strict=True)]


def mail(dice: Dice, name: str) -> str:
    """Return an address of this person, in ASCII."""
    first, last = name.lower().translate(word.ASCII).split()
    return f"{dice.pick((first, f'{first}.{last}', f'{first[0]}{last}'))}@{dice.pick(('mail', 'post', 'corp'))}.example"


def phone(dice: Dice) -> str:
    """Return a phone number that is not in use."""
    return f"555-{dice.whole(1000, 9999)}"


def maybe(dice: Dice, value: str) -> str | None:
    """Return the value in half of the cases."""
    return value if dice.whole(0, 1) else None


def plain(cents: int, thousands: str = "", point: str = ".") -> str:
    """Return an amount with two decimals."""
    return f"{cents // 100:,}".replace(",", thousands) + f"{point}{cents % 100:02d}"
