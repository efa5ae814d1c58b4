"""The requests whose latency is measured, and how many of them fit into the budget."""

import random

from harness import ChatRequest, LeasedModel, Settings

MIN_ROUNDS, MAX_ROUNDS = 5, 30
OUTPUT_TOKENS = 40
_WORDS = ("river", "stone", "cloud", "field", "tower", "train", "music", "bread", "glass", "winter", "garden", "paper")


def probe(leased: LeasedModel, number: int) -> ChatRequest:
    """Return the n-th request: same length, other beginning, so that no cached prefix shortens its prefill."""
    rng = random.Random(number)
    nonce = " ".join(rng.choice(_WORDS) for _ in range(12))
    return ChatRequest(
        model=leased.address,
        system_prompt=f"Nonce: {nonce}.",
        input="Describe, in plain words and in some detail, what a person can see on a walk through a small town "
        "by the sea early on a summer morning, street by street, from the harbour to the hill.",
        temperature=0.0,
        max_output_tokens=OUTPUT_TOKENS,
        reasoning=leased.reasoning,
    )


def rounds(settings: Settings, first_s: float) -> int:
    """Return how many rounds of about `first_s` fit into a third of the budget, within 5 to 30; thorough: always 30."""
    if settings.thorough:
        return MAX_ROUNDS
    budget_s = settings.latency_budget_s / 3
    return max(MIN_ROUNDS, min(MAX_ROUNDS, int(budget_s / max(first_s, 1e-3))))
