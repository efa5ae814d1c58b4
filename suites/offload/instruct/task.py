"""The items of instruct, made from kinds of instruction and a seed."""

from collections.abc import Sequence

from harness import Constraints, Dice, Sample, Task

from .instruction import BANS, EXTRAS, FORMS, Constraint, goes_with

SUBJECTS = tuple(
    "rain bread bridges horses winter music rivers trains honey chess clouds bicycles candles forests markets "
    "islands owls paper gardens clocks salt mirrors kites wool lanterns maps violins storms apples glass".split()
)
_BAN_EVERY = 3
_ALONE = [*FORMS, *EXTRAS]
KINDS = {**FORMS, **EXTRAS, **BANS}


def _one(_: Dice, turn: int) -> list[str]:
    # In steps of nine, as 9 and 28 have no common divisor: all kinds come once before one comes again.
    return [_ALONE[9 * turn % len(_ALONE)]]


def _two(dice: Dice, turn: int) -> list[str]:
    form = list(FORMS)[5 * turn % len(FORMS)]
    return [form, dice.pick([extra for extra in EXTRAS if goes_with(form, extra)])]


def _four(dice: Dice, turn: int) -> list[str]:
    chosen = _two(dice, turn + 2)
    # A ban now and then: it is kept by an answer that says nothing, and then lifts the score of the hardest tier.
    for kinds in (EXTRAS, BANS if turn % _BAN_EVERY == 0 else EXTRAS):
        chosen.append(dice.pick([kind for kind in kinds if all(goes_with(kind, other) for other in chosen)]))
    return chosen


TIERS = (_one, _two, _four)


def _sample(seed: int, index: int) -> Sample:
    tier = index % len(TIERS) + 1
    dice = Dice("instruct", seed, index)
    kinds = TIERS[tier - 1](dice, index // len(TIERS))
    subject = dice.pick(SUBJECTS)
    words: list[str] = []
    constraints: list[Constraint] = []
    for kind in kinds:
        wording, demanded = KINDS[kind](dice, subject)
        words.append(wording)
        constraints += demanded
    return Sample(
        item_id=f"instruct-{seed}-{index:04d}",
        prompt=f"Write a very short text about {subject}. {' '.join(words)}",
        target={"constraints": constraints},
        tier=tier,
        stratum="+".join(kinds[:2]),
    )


def generate(seed: int, n: int) -> Sequence[Sample]:
    """Return the first n samples of the seed: easy, medium, hard in turn."""
    return [_sample(seed, index) for index in range(n)]


TASK = Task(
    name="instruct",
    task_class="instruct",
    generate=generate,
    scorer=Constraints(),
    max_output_tokens=160,
    prompt_tokens=160,
    # The best fixed answer that was found: a text with every mark at once.
    chance=0.25,
    description="one, two or four verifiable instructions; strict, with loose beside it",
)
