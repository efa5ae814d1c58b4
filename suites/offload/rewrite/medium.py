"""One change of tense, person, tone or format."""

from typing import Any

from harness import Dice, Draft

from . import word
from .asked import asked, length


def _contractions(*short: str) -> dict[str, Any]:
    """Return the constraint that forbids these contractions, with either apostrophe."""
    return {"kind": "excludes", "words": [*short, *(text.replace("'", "\u2019") for text in short)]}


def past(dice: Dice, _turn: int) -> Draft:
    """The present becomes the simple past."""
    names, cities, acts = dice.some(word.NAMES, 2), dice.some(word.CITIES, 2), dice.some(word.ACTS, 2)
    counts, day = [str(dice.whole(11, 98)) for _ in range(2)], dice.pick(word.DAYS)

    def wording(form: int) -> str:
        parts = [
            f"{name} {act[form]} {count} {act[3]} {city}"
            for name, act, count, city in zip(names, acts, counts, cities, strict=True)
        ]
        return f"Every {day} {parts[0]}, and {parts[1]}."

    return asked(
        wording(1),
        "Use the simple past tense.",
        wording(2),
        [
            {"kind": "includes", "words": [act[2] for act in acts]},
            {"kind": "excludes", "words": [act[1] for act in acts]},
            {"kind": "keeps", "texts": [*names, *counts, *cities]},
            length(wording(1), 3),
        ],
    )


def first_person(dice: Dice, _turn: int) -> Draft:
    """A story about someone, told by that person."""
    name, (act, next_act), cities = dice.pick(word.NAMES), dice.some(word.ACTS, 2), dice.some(word.CITIES, 2)
    counts = [str(dice.whole(11, 98)) for _ in range(2)]

    def wording(first: str, second: str, form: int) -> str:
        begun = f"{first} {act[form]} {counts[0]} {act[3]} {cities[0]}"
        return f"{begun}. Then {second} {next_act[form]} {counts[1]} {next_act[3]} {cities[1]}."

    text = wording(name, "the same person", 1)
    return asked(
        text,
        f"{name} tells it: say I instead of {name} and of the same person.",
        wording("I", "I", 0),
        [
            {"kind": "keyword", "word": "I", "min": 1},
            {"kind": "includes", "words": [act[0], next_act[0]]},
            {"kind": "excludes", "words": [name, "same person", act[1], next_act[1]]},
            {"kind": "keeps", "texts": [*counts, *cities]},
            length(text, 4),
        ],
    )


def bullets(dice: Dice, _turn: int) -> Draft:
    """An enumeration becomes a list."""
    name, things = dice.pick(word.NAMES), dice.some(word.THINGS, dice.whole(3, 5))
    parts = [f"{dice.whole(2, 48)} {thing}" for thing in things]
    text = f"Pack these for {name}: {', '.join(parts[:-1])} and {parts[-1]}."
    return asked(
        text,
        "Make it a list with one bullet (-) for each kind of thing.",
        "\n".join(f"- {part}" for part in parts),
        [
            {"kind": "bullets", "exactly": len(parts)},
            {"kind": "includes", "words": parts},
            {"kind": "lines", "min": len(parts), "max": len(parts) + 1},
            {"kind": "excludes", "words": [f"and {parts[-1]}"]},
        ],
    )


def without(dice: Dice, _turn: int) -> Draft:
    """Words that must not occur."""
    mark, other = dice.some(word.MARKS, 2)
    banned = dice.some(("very", "really", "just", "quite"), 2)
    day, city, (old, _) = dice.pick(word.DAYS), dice.pick(word.CITIES), dice.pick(word.SWAPS)
    text = (
        f"The {banned[0]} long {old} in {city} was {banned[1]} hard, so {mark} moved it to {day}. "
        f"We are {banned[0]} sorry and {banned[1]} thank {other} for waiting."
    )
    plain = text.replace(f"{banned[0]} ", "").replace(f"{banned[1]} ", "")
    return asked(
        text,
        f'Do not use the words "{banned[0]}" and "{banned[1]}".',
        plain,
        [
            {"kind": "excludes", "words": banned},
            {"kind": "keeps", "texts": [mark, other, day, city]},
            {"kind": "words", "min": len(plain.split()) - 4, "max": len(text.split()) + 4},
        ],
    )


def formal(dice: Dice, _turn: int) -> Draft:
    """No contractions and no exclamation marks."""
    mark, other = dice.some(word.MARKS, 2)
    day, city, count = dice.pick(word.DAYS), dice.pick(word.CITIES), str(dice.whole(11, 98))
    text = f"We can't ship {mark} to {city} before {day}! It's {count} days late, so don't pay {other} yet!"
    right = f"We cannot ship {mark} to {city} before {day}. It is {count} days late, so do not pay {other} yet."
    return asked(
        text,
        "Use no contractions (such as isn't) and no exclamation marks.",
        right,
        [
            _contractions("can't", "it's", "don't"),
            {"kind": "exclamations", "exactly": 0},
            {"kind": "keeps", "texts": [mark, other, day, city, count]},
            length(text, 6),
        ],
    )


def iso_date(dice: Dice, _turn: int) -> Draft:
    """Date and time in another format."""
    name, city, mark = dice.pick(word.NAMES), dice.pick(word.CITIES), dice.pick(word.MARKS)
    year, month, day = dice.whole(2024, 2028), dice.whole(1, 12), dice.whole(10, 28)
    hour, minute = dice.whole(1, 9), dice.whole(10, 59)
    written = f"{day} {word.MONTHS[month - 1]} {year}"

    def wording(when: str, clock: str) -> str:
        return f"{name} meets us in {city} on {when} at {clock} about {mark}."

    text = wording(written, f"{hour}:{minute} pm")
    iso, clock = f"{year}-{month:02d}-{day:02d}", f"{hour + 12}:{minute}"
    return asked(
        text,
        "Write the date as YYYY-MM-DD and the time with 24 hours as HH:MM.",
        wording(iso, clock),
        [
            {"kind": "keeps", "texts": [iso, clock, name, city, mark]},
            {"kind": "excludes", "words": [word.MONTHS[month - 1], "pm"]},
            length(text, 4),
        ],
    )
