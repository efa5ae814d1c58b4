"""The items of brainstorm, made from subjects and a seed."""

from collections.abc import Sequence
from typing import Any

from harness import Dice, Ideas, Sample, Task

from .subject import SUBJECTS

Made = tuple[str, dict[str, Any]]
"""The rules in words, and as the scorer takes them."""


def _easy(dice: Dice, word: str, _: Sequence[str]) -> Made:
    count, most = dice.whole(2, 4), dice.whole(6, 10)
    rules = f'Give exactly {count}. Each must have the word "{word}" and 2 to {most} words.'
    return rules, {"count": count, "min_words": 2, "max_words": most}


def _medium(dice: Dice, word: str, invited: Sequence[str]) -> Made:
    count, least = dice.whole(4, 5), dice.whole(3, 4)
    most = least + dice.whole(2, 4)
    banned = dice.some(invited, 2)
    rules = (
        f'Give exactly {count}. Each must have the word "{word}" and {least} to {most} words. '
        f'Do not use the words "{banned[0]}" and "{banned[1]}".'
    )
    return rules, {"count": count, "min_words": least, "max_words": most, "exclude": banned}


def _hard(dice: Dice, word: str, invited: Sequence[str]) -> Made:
    count, length = dice.whole(6, 8), dice.whole(4, 7)
    banned = dice.some(invited, 4)
    quoted = ", ".join(f'"{term}"' for term in banned)
    rules = (
        f'Give exactly {count}. Each must have the word "{word}" and exactly {length} words. No two may be nearly '
        f"the same. None of these words may be used: {quoted}."
    )
    return rules, {"count": count, "min_words": length, "max_words": length, "exclude": banned}


def _forms(word: str) -> list[str]:
    """Return the word, then its plural."""
    if word.endswith("y") and word not in {"key", "birthday"}:
        return [word, f"{word[:-1]}ies"]
    return [word, f"{word}es" if word.endswith("x") else f"{word}s"]


TIERS = (_easy, _medium, _hard)


def _sample(seed: int, index: int) -> Sample:
    tier = index % len(TIERS) + 1
    turn = index // len(TIERS)
    # Every subject comes once before one comes again, in an order that differs between the tiers.
    subjects = Dice("brainstorm", seed, tier, turn // len(SUBJECTS)).shuffled(SUBJECTS)
    subject, word, invited = subjects[turn % len(SUBJECTS)]
    rules, target = TIERS[tier - 1](Dice("brainstorm", seed, index), word, invited)
    return Sample(
        item_id=f"brainstorm-{seed}-{index:04d}",
        prompt=f"List {subject}. {rules} Write a numbered list only.",
        target={**target, "include": _forms(word)},
        tier=tier,
        stratum=subject,
    )


def generate(seed: int, n: int) -> Sequence[Sample]:
    """Return the first n samples of the seed: easy, medium, hard in turn."""
    return [_sample(seed, index) for index in range(n)]


TASK = Task(
    name="brainstorm",
    task_class="brainstorm",
    generate=generate,
    scorer=Ideas(),
    max_output_tokens=160,
    prompt_tokens=160,
    description="three to eight ideas by rules",
)
