"""The items of longcontext: facts hidden in a text that is as long as the context allows."""

from collections.abc import Sequence
from typing import Any

from harness import ByKind, Dice, Sample, Task

from . import text

LENGTHS = (1 / 4, 1 / 2, 3 / 4)
"""Of what one request may take, by tier."""
PASSWORDS_BESIDE = (1, 3, 6)
ORDERS_BESIDE = (6, 8, 11)
"""How many facts of the same kind there are about other places, by tier. Enough orders that naming all does not pay."""
DEPTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Where in the text the fact stands, as a share of its sentences."""
KINDS = ("one", "several", "one", "absent", "several")
NOT_GIVEN = "not given"
MAX_OUTPUT_TOKENS = 32
ROOM_TOKENS = 1024
"""What a request takes where the user has set no context length.

A plain run should stay quick, and four such requests fit into 4,096 tokens, the context that LM Studio loads with
unless told otherwise: an instance that is loaded already can be used.
"""

# LM Studio cannot be asked for a count of tokens. Of such text a token of common tokenisers holds 4 to 5 characters, of
# the smallest vocabularies above 3. So a text may turn out shorter than wanted, and the longest one, three quarters of
# the room, would still fit at 2.7 characters a token.
_CHARACTERS_PER_TOKEN = 3.5
_FRAME_TOKENS = 70
_LEAST_SENTENCES = 5


def _filler(dice: Dice, characters: int) -> list[str]:
    sentences: list[str] = []
    length = 0
    while length < characters or len(sentences) < _LEAST_SENTENCES:
        person, action, when, why = (dice.pick(words) for words in (text.WHO, text.DID, text.WHEN, text.WHY))
        sentences.append(f"{person} {action} {when}, {why}.")
        length += len(sentences[-1]) + 1
    return sentences[:-1] if len(sentences) > _LEAST_SENTENCES else sentences


def _hide(dice: Dice, sentences: list[str], facts: Sequence[str]) -> None:
    for fact in facts:
        sentences.insert(dice.whole(0, len(sentences)), fact)


def _password(place: str, password: str) -> str:
    return f"The password of the {place} is {password}."


def _order(place: str, thing: str) -> str:
    return f"The {place} has ordered {thing}."


Hidden = tuple[list[str], list[str], str, dict[str, Any]]
"""The facts that are asked for, those about other places, the question, and the target of `ByKind`."""


def _about_password(dice: Dice, others: int, *, is_given: bool) -> Hidden:
    place, *elsewhere = dice.some(text.PLACES, 1 + others)
    password, *more = dice.some(text.PASSWORDS, 1 + others)
    target = {
        "label": password if is_given else NOT_GIVEN,
        "labels": [*text.PASSWORDS, NOT_GIVEN],
        "options": {NOT_GIVEN: "none"},
    }
    question = (
        f"What is the password of the {place}? Answer with the password only. "
        f'If the text does not give it, answer "{NOT_GIVEN}".'
    )
    facts = [_password(place, password)] if is_given else []
    distractors = [_password(place, password) for place, password in zip(elsewhere, more, strict=True)]
    return facts, distractors, question, {"kind": "choice", "target": target}


def _about_orders(dice: Dice, others: int) -> Hidden:
    place, *elsewhere = dice.some(text.PLACES, 1 + others // 2)
    things = dice.some(text.THINGS, 3 + others)
    facts = [_order(place, thing) for thing in things[:3]]
    distractors = [_order(dice.pick(elsewhere), thing) for thing in things[3:]]
    question = f"Which three things has the {place} ordered? Answer with the three things only, separated by commas."
    target = {"right": sorted(things[:3]), "labels": list(text.THINGS)}
    return facts, distractors, question, {"kind": "choices", "target": target}


def _sample(seed: int, index: int, room_tokens: int) -> Sample:
    tier, turn = index % len(LENGTHS) + 1, index // len(LENGTHS)
    kind, depth = KINDS[turn % len(KINDS)], DEPTHS[(turn + turn // len(KINDS)) % len(DEPTHS)]
    # The facts do not depend on the room: runs with other lengths hide the same ones.
    dice = Dice("longcontext", seed, index)
    if kind == "several":
        facts, distractors, question, target = _about_orders(dice, ORDERS_BESIDE[tier - 1])
    else:
        facts, distractors, question, target = _about_password(dice, PASSWORDS_BESIDE[tier - 1], is_given=kind == "one")
    length = LENGTHS[tier - 1]
    tokens = length * (room_tokens - MAX_OUTPUT_TOKENS) - _FRAME_TOKENS
    known = sum(len(fact) + 1 for fact in (*facts, *distractors))
    sentences = _filler(dice, int(tokens * _CHARACTERS_PER_TOKEN) - known)
    _hide(dice, sentences, distractors)
    if kind == "one":
        sentences.insert(round(depth * len(sentences)), facts[0])
    else:
        _hide(dice, sentences, facts)
    return Sample(
        item_id=f"longcontext-{seed}-{index:04d}",
        prompt=f"Read this text.\n\n{' '.join(sentences)}\n\n{question}",
        target=target,
        tier=tier,
        stratum=f"{kind}-{tier}",
        tags={"kind": kind, "depth": depth if kind == "one" else None, "length": length, "room_tokens": room_tokens},
    )


def generate_for(seed: int, n: int, room_tokens: int) -> Sequence[Sample]:
    """Return the first n samples of the seed, as long as requests of `room_tokens` allow: easy, medium, hard in turn.

    Where there is next to no room, the text still has a few sentences, and the server refuses it as too long.
    """
    return [_sample(seed, index, room_tokens) for index in range(n)]


def generate(seed: int, n: int) -> Sequence[Sample]:
    """Return the first n samples of the seed in the length of a plain run."""
    return generate_for(seed, n, ROOM_TOKENS)


TASK = Task(
    name="longcontext",
    task_class="longcontext",
    generate=generate,
    generate_for=generate_for,
    scorer=ByKind(kinds=("choice", "choices")),
    max_output_tokens=MAX_OUTPUT_TOKENS,
    prompt_tokens=ROOM_TOKENS - MAX_OUTPUT_TOKENS,
    # Always "not given": one kind in five. Three things by chance have an F1 of 3/16.
    chance=1 / 5,
    description="facts in a text of a quarter, a half or three quarters of the room",
)
