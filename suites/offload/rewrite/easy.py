"""One change that needs no grammar."""

from harness import Dice, Draft

from . import word
from .asked import asked, length


def _note(dice: Dice) -> tuple[str, list[str], str]:
    """A short note, what must be kept of it, and a word in it."""
    name, city, day, number = (
        dice.pick(word.NAMES),
        dice.pick(word.CITIES),
        dice.pick(word.DAYS),
        str(dice.whole(11, 98)),
    )
    thing = dice.pick(word.SWAPS)[0]
    text = dice.pick(
        (
            f"{name} waits for the {thing} in {city} on {day} at gate {number}.",
            f"On {day} the {thing} number {number} goes to {name} in {city}.",
            f"Tell {name} that the {thing} in {city} costs {number} euros on {day}.",
        )
    )
    return text, [name, city, number], thing


def swap(dice: Dice, _turn: int) -> Draft:
    """One word for another."""
    text, kept, old = _note(dice)
    new = dict(word.SWAPS)[old]
    return asked(
        text,
        f'Replace the word "{old}" by "{new}".',
        text.replace(old, new),
        [{"kind": "includes", "words": [new, *kept]}, {"kind": "excludes", "words": [old]}, length(text, 2)],
    )


def placeholder(dice: Dice, _turn: int) -> Draft:
    """A placeholder for a name."""
    text, (name, *kept), _ = _note(dice)
    mark = dice.pick(("{name}", "[NAME]", "<NAME>", "{{name}}"))
    return asked(
        text,
        f"Replace {name} by {mark}.",
        text.replace(name, mark),
        [{"kind": "keeps", "texts": [mark, *kept]}, {"kind": "excludes", "words": [name]}, length(text, 2)],
    )


def capitals(dice: Dice, _turn: int) -> Draft:
    """Capital letters throughout."""
    text, kept, thing = _note(dice)
    return asked(
        text,
        "Write it in CAPITAL LETTERS only.",
        text.upper(),
        [{"kind": "uppercase"}, {"kind": "includes", "words": [thing, *kept]}, length(text, 2)],
    )


def greeting(dice: Dice, _turn: int) -> Draft:
    """A line before the text; the text may be reworded slightly."""
    text, kept, thing = _note(dice)
    start = f"Dear {dice.pick([name for name in word.NAMES if name not in text])},"
    return asked(
        text,
        f'Put "{start}" before it.',
        f"{start} {text}",
        [
            {"kind": "starts_with", "text": start},
            {"kind": "includes", "words": [thing, *kept]},
            length(f"{start} {text}", 8),
        ],
    )
