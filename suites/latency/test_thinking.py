"""How long a model thinks before it answers. Definitions: docs/latency.md."""

import itertools
from collections.abc import Iterator

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from harness import ChatRequest, Client, Generation, LeasedModel, Run

from .company import Company
from .figure import describe, of_answer, of_answers, of_instance, tokens_of
from .probe import MIN_ROUNDS

LIMIT_TOKENS = 1024
"""Of thoughts and answer together; less where the context is smaller."""

_PROMPT_TOKENS = 256
_FEWEST_TOKENS = 64
_NAMES = ("ttft_s", "ttft_answer_s", "reasoning_tokens", "reasoning_s", "e2e_s", "tpot_s")
_NUMBERS: Iterator[int] = itertools.count(11)


@pytest.mark.lms_thorough
def test_thinking(benchmark: BenchmarkFixture, lms_run: Run, lms_client: Client, lms_instance: LeasedModel) -> None:
    """Thoughts apart from the answer: how many tokens, how long, and when the answer's first word comes."""
    context = lms_instance.lease.instance.config.context_length
    limit = min(LIMIT_TOKENS, (context or LIMIT_TOKENS + _PROMPT_TOKENS) - _PROMPT_TOKENS)
    answers: list[Generation] = []

    def ask() -> None:
        answers.append(lms_client.chat(_request(lms_instance, next(_NUMBERS), limit), stream=True))

    if lms_instance.thinks_in_text:
        pytest.skip("it thinks within its text, so nothing tells where its answer begins")
    if limit < _FEWEST_TOKENS:
        pytest.skip(f"its context of {context} tokens has no room for thoughts")
    key = lms_instance.model.name
    lms_run.progress.doing(key, "thoughts")
    company = Company(lms_run, lms_instance)
    ask()
    if not _thinks(answers[0]):
        pytest.skip("it does not think before it answers, or is told not to")
    lms_run.progress.note(f"{key}: thoughts before the answer, {MIN_ROUNDS} rounds ...")
    instance = of_instance(lms_instance.lease.instance)
    describe(benchmark, "thoughts and answer", lms_run, lms_instance.model, **instance, concurrency=1)
    benchmark.pedantic(ask, rounds=MIN_ROUNDS, iterations=1)
    benchmark.extra_info.update(of_answers(answers[1:]))
    others = company.seen()
    for number, answer in enumerate(answers[1:], 1):
        figures = of_answer(answer)
        for name in _NAMES:
            if name in figures:
                value, unit = figures[name]
                lms_run.recorder.measure(
                    f"thinking_{name}",
                    value,
                    unit,
                    model=lms_instance.model,
                    instance_id=lms_instance.instance_id,
                    round=number,
                    cold=False,
                    concurrency=1,
                    limit_tokens=limit,
                    setting=lms_instance.reasoning,
                    **tokens_of(answer),
                    **others,
                )


def _request(leased: LeasedModel, number: int, limit: int) -> ChatRequest:
    """Return a question that takes a few steps of thought; another one each time, so that none is cached."""
    return ChatRequest(
        model=leased.address,
        input=f"Anna has {number} coins. Ben has twice as many, less 7. Carla has as many as both together. How many "
        "coins do the three have? Answer with the number alone.",
        temperature=0.0,
        max_output_tokens=limit,
        reasoning=leased.reasoning,
    )


def _thinks(answer: Generation) -> bool:
    return bool(answer.reasoning or answer.stats.reasoning_output_tokens)
