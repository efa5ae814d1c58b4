"""Prefill and decode at several lengths of the prompt, and what a cached prefix saves. Definitions: docs/latency.md."""

from typing import NoReturn

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from harness import Client, Generation, LeasedModel, Run

from .company import Company
from .depth import DEPTHS, OTHER_QUESTION, OUTPUT_TOKENS, QUESTION, WARM_TOKENS, Measured, Ruler, why_not
from .figure import describe, of_answers, of_instance
from .probe import MIN_ROUNDS, NUMBERS, long_probe


@pytest.mark.lms_thorough
@pytest.mark.parametrize("depth", DEPTHS)
def test_at_depth(
    benchmark: BenchmarkFixture, lms_run: Run, lms_client: Client, lms_instance: LeasedModel, depth: int
) -> None:
    """Each round asks a prompt that the server cannot know, then the same one with another question at its end."""
    if reason := why_not(lms_instance, depth):
        _leave_out(lms_run, lms_instance, depth, reason)
    key = lms_instance.model.name
    lms_run.progress.doing(key, f"prompts of {depth:,} tokens")
    lms_run.progress.note(f"{key}: prompts of {depth:,} tokens, {MIN_ROUNDS} rounds ...")
    company = Company(lms_run, lms_instance)
    if (words := Ruler(lms_client, lms_instance).words(depth)) is None:
        _leave_out(lms_run, lms_instance, depth, "the server does not count the tokens of prompts")
    cold: list[Generation] = []
    warm: list[Generation] = []
    number = next(NUMBERS)

    def ask() -> None:
        nonlocal number
        number = next(NUMBERS)
        request = long_probe(lms_instance, number, words=words, question=QUESTION, output_tokens=OUTPUT_TOKENS)
        cold.append(lms_client.chat(request, stream=True))

    def ask_again() -> None:
        request = long_probe(lms_instance, number, words=words, question=OTHER_QUESTION, output_tokens=WARM_TOKENS)
        warm.append(lms_client.chat(request, stream=True))

    instance = of_instance(lms_instance.lease.instance)
    describe(benchmark, f"prompt of {depth} tokens", lms_run, lms_instance.model, **instance, concurrency=1)
    benchmark.pedantic(ask, teardown=ask_again, rounds=MIN_ROUNDS, iterations=1)
    benchmark.extra_info.update(of_answers(cold))
    Measured(depth=depth, cold=cold, warm=warm).record(lms_run, lms_instance, company.seen())


def _leave_out(run: Run, leased: LeasedModel, depth: int, reason: str) -> NoReturn:
    run.recorder.skip(reason, model_key=leased.model.name, task=f"latency at {depth} tokens")
    pytest.skip(reason)
