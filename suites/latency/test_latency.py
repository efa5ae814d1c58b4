"""How fast a loaded, warmed-up instance answers one request at a time. Definitions: docs/run-files.md, Times."""

from collections.abc import Sequence
from typing import Any

from pytest_benchmark.fixture import BenchmarkFixture

from harness import Client, Generation, LeasedModel, Run, cache_hits

from .company import Company
from .figure import describe, of_answer, of_answers, of_instance, tokens_of
from .probe import LEAST_ROUNDS, NUMBERS, probe, rounds


def test_one_at_a_time(
    benchmark: BenchmarkFixture, lms_run: Run, lms_client: Client, lms_instance: LeasedModel
) -> None:
    """TTFT, TPOT and decode rate of single requests; the first is discarded as a warm-up."""
    answers: list[Generation] = []

    def ask() -> None:
        answers.append(lms_client.chat(probe(lms_instance, next(NUMBERS)), stream=True))

    company = Company(lms_run, lms_instance)
    ask()
    count = rounds(lms_run, lms_instance, answers[0].times.total_s, what="single requests", least=LEAST_ROUNDS)
    instance = of_instance(lms_instance.lease.instance)
    describe(benchmark, "one request", lms_run, lms_instance.model, **instance, concurrency=1)
    benchmark.pedantic(ask, rounds=count, iterations=1)
    benchmark.extra_info.update(of_answers(answers[1:]))
    _record(lms_run, lms_instance, answers[1:], company.seen())


def _record(run: Run, leased: LeasedModel, answers: Sequence[Generation], others: dict[str, Any]) -> None:
    """Record each answer; those of prompts that the server had in its cache are only counted."""
    stats = [answer.stats for answer in answers]
    hits = cache_hits([each.cached_tokens for each in stats], [each.input_tokens for each in stats])
    if any(hits):
        run.recorder.measure("cache_hits", sum(hits), "requests", model=leased.model, concurrency=1, of=len(hits))
    for number, (answer, is_hit) in enumerate(zip(answers, hits, strict=True), 1):
        for name, (value, unit) in of_answer(answer).items() if not is_hit else ():
            run.recorder.measure(
                name,
                value,
                unit,
                model=leased.model,
                instance_id=leased.instance_id,
                round=number,
                cold=False,
                concurrency=1,
                **tokens_of(answer),
                **others,
            )
