"""What is asked at each length of the prompt, and how it is recorded. Definitions: docs/latency.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness import Client, Generation, LeasedModel, Run, cache_hits

from .figure import of_answer, tokens_of
from .probe import MIN_ROUNDS, NUMBERS, long_probe

DEPTHS = (128, 512, 2048, 8000)
"""Tokens of the prompt; the longest one leaves room for its answer in a context of 8,192."""

OUTPUT_TOKENS = 64
"""From so many on, the server's own decode rate is compared with ours."""

LONGEST_S = 600.0
"""What is likely to take longer at one depth is left out: on a slow machine, 8,000 tokens would take an hour."""

_MARGIN_TOKENS = 64
WARM_TOKENS = 8
QUESTION = "Count from 1 to 100 in words, and write nothing else."
"""Most models write on until the limit; a description ended after 16 tokens now and then."""

OTHER_QUESTION = "Write the alphabet backwards, and write nothing else."

_prefill_tps: dict[str, float] = {}
"""By instance, how fast the prompts before were: it says how long the next ones take."""


class Ruler:
    """How many words make a prompt of a given length: the server counts tokens only while it answers."""

    def __init__(self, client: Client, leased: LeasedModel) -> None:
        self._client = client
        self._leased = leased
        short, long = self._tokens(32), self._tokens(96)
        self._per_word = (long - short) / 64
        self._fixed = short - 32 * self._per_word

    def words(self, tokens: int) -> int | None:
        """Return how many words a prompt of so many tokens has, its question included; None: the server counts none."""
        if self._per_word <= 0:
            return None
        return max(1, round((tokens - self._fixed) / self._per_word))

    def _tokens(self, words: int) -> int:
        request = long_probe(self._leased, next(NUMBERS), words=words, question=QUESTION, output_tokens=1)
        return self._client.chat(request, stream=True).stats.input_tokens or 0


def why_not(leased: LeasedModel, depth: int) -> str:
    """Return why a depth is not measured, or ""."""
    context, needed = leased.lease.instance.config.context_length, depth + OUTPUT_TOKENS + _MARGIN_TOKENS
    if context is not None and needed > context:
        loaded = "was loaded" if leased.lease.is_owned else "is loaded already"
        most = leased.model.max_context_length
        remedy = f"it was trained for {most:,}" if 0 < most < needed else f"it takes {1 << (needed - 1).bit_length():,}"
        return f"a prompt of {depth:,} tokens does not fit: the model {loaded} with a context of {context:,}; {remedy}"
    rate = _prefill_tps.get(leased.instance_id)
    if rate is not None and (needed_s := MIN_ROUNDS * depth / rate) > LONGEST_S:
        return (
            f"{MIN_ROUNDS} prompts of {depth:,} tokens would take about {needed_s / 60:.0f} minutes at the "
            f"{rate:.0f} token/s of shorter ones, and no length gets more than {LONGEST_S / 60:.0f}"
        )
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The answers to prompts of one length: to those that are new to the server, and to each once more."""

    depth: int
    cold: Sequence[Generation]
    warm: Sequence[Generation]

    def record(self, run: Run, leased: LeasedModel, others: dict[str, Any]) -> None:
        """Record the figures as `depth_…`; answers to prompts that the server had in its cache are only counted."""

        def measure(name: str, value: float, unit: str, *, answer: Generation, number: int) -> None:
            run.recorder.measure(
                f"depth_{name}",
                value,
                unit,
                model=leased.model,
                instance_id=leased.instance_id,
                round=number,
                cold=False,
                depth=self.depth,
                concurrency=1,
                **tokens_of(answer),
                **others,
            )

        stats = [answer.stats for answer in self.cold]
        hits = cache_hits([each.cached_tokens for each in stats], [each.input_tokens for each in stats])
        if any(hits):
            measure("cache_hits", sum(hits), "requests", answer=self.cold[0], number=1)
        for number, (answer, is_hit) in enumerate(zip(self.cold, hits, strict=True), 1):
            for name, (value, unit) in of_answer(answer).items() if not is_hit else ():
                measure(name, value, unit, answer=answer, number=number)
                if name == "prefill_tps":
                    _prefill_tps[leased.instance_id] = value
        for number, answer in enumerate(self.warm, 1):
            if answer.times.ttft_s is not None:
                measure("warm_ttft_s", answer.times.ttft_s, "s", answer=answer, number=number)
