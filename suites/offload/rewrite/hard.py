"""Several changes at once."""

from harness import Dice, Draft

from . import word
from .asked import asked


def report(dice: Dice, _turn: int) -> Draft:
    """Instructions become a numbered report: tense, person and format."""
    steps, role, mark = dice.some(word.STEPS, 3), dice.pick(word.ROLES), dice.pick(word.MARKS)
    numbers = [str(dice.whole(11, 98)) for _ in steps]
    first, second, third = (
        f"you {now} {thing} {number}" for (now, _, thing), number in zip(steps, numbers, strict=True)
    )
    text = f"For {mark}, {first}, then {second}. Finally {third}."
    lines = [
        f"{place}. The {role} {done} {thing} {number}"
        for place, ((_, done, thing), number) in enumerate(zip(steps, numbers, strict=True), start=1)
    ]
    return asked(
        text,
        f"Make it a numbered list of three points in the simple past tense; in each point the {role} does it, not you. "
        f"Mention {mark} at least once, and use no commas.",
        f"{lines[0]} for {mark}\n" + "\n".join(lines[1:]),
        [
            {"kind": "numbered", "exactly": 3},
            {"kind": "no_second_person"},
            {"kind": "no_comma"},
            {"kind": "includes", "words": [done for _, done, _ in steps]},
            {"kind": "keyword", "word": role, "min": 3},
            {"kind": "keeps", "texts": [mark, *numbers]},
            {"kind": "lines", "max": 5},
        ],
    )


def shorten(dice: Dice, _turn: int) -> Draft:
    """Half as long, in the past tense, without a given word."""
    mark, name, (act, next_act) = dice.pick(word.MARKS), dice.pick(word.NAMES), dice.some(word.ACTS, 2)
    cities, counts, day = dice.some(word.CITIES, 2), [str(dice.whole(11, 98)) for _ in range(2)], dice.pick(word.DAYS)
    text = (
        f"As everybody in our department knows by now, {name}, who is new here, {act[1]} {counts[0]} {act[3]} "
        f"{cities[0]} and, which is a lot of work, also {next_act[1]} {counts[1]} {next_act[3]} {cities[1]} every "
        f"{day}, and {name} does all this for {mark} alone."
    )
    right = (
        f"Every {day} {name} {act[2]} {counts[0]} {act[3]} {cities[0]}. "
        f"{name} {next_act[2]} {counts[1]} {next_act[3]} {cities[1]} for {mark}."
    )
    return asked(
        text,
        f'Use two sentences, at most 24 words in all, the simple past tense, and not the word "and". Keep who, what, '
        f'how many, where, on which day and for whom; say "{act[2]}" and "{next_act[2]}".',
        right,
        [
            {"kind": "words", "min": 14, "max": 24},
            {"kind": "sentences", "exactly": 2},
            {"kind": "excludes", "words": ["and", act[1], next_act[1]]},
            {"kind": "includes", "words": [act[2], next_act[2], day]},
            {"kind": "keeps", "texts": [mark, name, *cities, *counts]},
        ],
    )


def plain(dice: Dice, _turn: int) -> Draft:
    """One sentence in lower case, without commas and without two given words."""
    names, city, day = dice.some(word.NAMES, 2), dice.pick(word.CITIES), dice.pick(word.DAYS)
    count, thing = str(dice.whole(11, 98)), dice.pick(word.THINGS)
    text = f"On {day}, {names[0]} came to {city}. There, {names[0]} sold {count} {thing}, and {names[1]} bought them."
    right = f"on {day} {names[0]} came to {city} to sell {count} {thing} that {names[1]} bought".lower() + "."
    return asked(
        text,
        'Use small letters only, one sentence, no commas, neither "and" nor "them".',
        right,
        [
            {"kind": "lowercase"},
            {"kind": "sentences", "exactly": 1},
            {"kind": "no_comma"},
            {"kind": "excludes", "words": ["and", "them"]},
            {"kind": "includes", "words": [*names, city, day, count, thing]},
            {"kind": "words", "min": 12, "max": 24},
        ],
    )


def third_person(dice: Dice, _turn: int) -> Draft:
    """The first person becomes the third, in bullets of limited length."""
    name, boss = dice.some(word.NAMES, 2)
    acts, cities, mark = dice.some(word.ACTS, 3), dice.some(word.CITIES, 3), dice.pick(word.MARKS)
    counts = [str(dice.whole(11, 98)) for _ in acts]
    done = [f"{act[2]} {count} {act[3]} {city}" for act, count, city in zip(acts, counts, cities, strict=True)]
    text = (
        f"I {done[0]}. My friend {boss} saw how we {done[1]} together! After that I {done[2]}, and they paid me {mark}."
    )
    lines = [f"- {name} {done[0]}.", f"- {name} {done[1]}; {boss} saw it.", f"- {name} {done[2]} for {mark}."]
    return asked(
        text,
        f"{name} wrote it; now speak about {name} in the third person, without I, me, my, we, us or our. Use three "
        "bullets (-), each at most 75 characters, and no exclamation marks.",
        "\n".join(lines),
        [
            {"kind": "bullets", "exactly": 3},
            {"kind": "no_first_person"},
            {"kind": "line_length", "max": 75},
            {"kind": "exclamations", "exactly": 0},
            {"kind": "includes", "words": [name, *(act[2] for act in acts)]},
            {"kind": "keeps", "texts": [boss, mark, *counts, *cities]},
        ],
    )
