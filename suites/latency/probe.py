"""The requests whose latency is measured, and how many of them fit into the budget."""

import itertools
import random
import secrets
from collections.abc import Iterator

from harness import ChatRequest, LeasedModel, Run, Settings

MIN_ROUNDS = 5
LEAST_ROUNDS, LEAST_WINDOWS, MAX_ROUNDS = 4, 3, 30
"""Of single requests, the fewest that have a noise; with all slots at work; the most of either."""

OUTPUT_TOKENS = 40
_SALT = secrets.token_hex(8)
"""Another one in each run: the server may still have the prompts of the last one in its cache."""

NUMBERS: Iterator[int] = itertools.count()
"""Of all requests of a process: a prompt that is asked twice, though not on purpose, may be answered from the cache."""

_WORDS = ("river", "stone", "cloud", "field", "tower", "train", "music", "bread", "glass", "winter", "garden", "paper")


def probe(leased: LeasedModel, number: int) -> ChatRequest:
    """Return the n-th request: same length, other beginning, so that no cached prefix shortens its prefill."""
    return ChatRequest(
        model=leased.address,
        system_prompt=f"Nonce: {_words(number, 12)}.",
        input="Describe, in plain words and in some detail, what a person can see on a walk through a small town "
        "by the sea early on a summer morning, street by street, from the harbour to the hill.",
        temperature=0.0,
        max_output_tokens=OUTPUT_TOKENS,
        reasoning=leased.reasoning,
    )


def long_probe(leased: LeasedModel, number: int, *, words: int, question: str, output_tokens: int) -> ChatRequest:
    """Return a request with so many words before its question; two of one number differ in the question alone.

    All words are drawn anew for each number, from short ones that are a token each: no part of another prompt is in it.
    """
    return ChatRequest(
        model=leased.address,
        system_prompt=f"Nonce: {_words(number, words)}.",
        input=question,
        temperature=0.0,
        max_output_tokens=output_tokens,
        reasoning=leased.reasoning,
    )


def _words(number: int, count: int) -> str:
    rng = random.Random(f"{_SALT} {number}")
    return " ".join(rng.choices(_WORDS, k=count))


def rounds_within(settings: Settings, round_s: float, *, least: int) -> int:
    """Return how many rounds fit into a third of the budget, at least these and at most 30; thorough: always 30."""
    if settings.thorough:
        return MAX_ROUNDS
    return max(least, min(MAX_ROUNDS, int(settings.latency_budget_s / 3 / max(round_s, 1e-3))))


def rounds(run: Run, leased: LeasedModel, first_s: float, *, what: str, least: int) -> int:
    """Return how many rounds of about `first_s` are measured; a line says so where the budget is too short for them."""
    settings = run.settings
    count = rounds_within(settings, first_s, least=least)
    share_s = settings.latency_budget_s / 3
    if not settings.thorough and count * first_s > share_s:
        run.progress.note(
            f"{leased.model.key}: {count} rounds of {what}, the fewest that say anything: they take about "
            f"{count * first_s:.0f} s, and the latency budget has {share_s:.0f} s for them."
        )
    return count
