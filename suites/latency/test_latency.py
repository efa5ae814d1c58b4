"""How fast a loaded, warmed-up instance answers one request at a time. Definitions: docs/run-files.md, Times."""

import itertools
from collections.abc import Iterator
from typing import Any

from pytest_benchmark.fixture import BenchmarkFixture

from harness import Client, Generation, LeasedModel, Run, tpot_s

from .company import Company
from .figure import describe, of_answers, of_instance
from .probe import probe, rounds

_NUMBERS: Iterator[int] = itertools.count()


def test_one_at_a_time(
    benchmark: BenchmarkFixture, lms_run: Run, lms_client: Client, lms_instance: LeasedModel
) -> None:
    """TTFT, TPOT and decode rate of single requests; the first is discarded as a warm-up."""
    answers: list[Generation] = []

    def ask() -> None:
        answers.append(lms_client.chat(probe(lms_instance, next(_NUMBERS)), stream=True))

    company = Company(lms_run, lms_instance)
    ask()
    count = rounds(lms_run.settings, answers[0].times.total_s)
    instance = of_instance(lms_instance.lease.instance)
    describe(benchmark, "one request", lms_run, lms_instance.model, **instance, concurrency=1)
    benchmark.pedantic(ask, rounds=count, iterations=1)
    benchmark.extra_info.update(of_answers(answers[1:]))
    others = company.seen()
    for number, answer in enumerate(answers[1:], 1):
        _record(lms_run, lms_instance, answer, number, others)


def _record(run: Run, leased: LeasedModel, answer: Generation, number: int, others: dict[str, Any]) -> None:
    times, stats = answer.times, answer.stats
    per_token_s = tpot_s(ttft_s=times.ttft_s, e2e_s=times.e2e_s, output_tokens=stats.total_output_tokens)
    figures = {
        "ttft_s": (times.ttft_s, "s"),
        "server_ttft_s": (stats.ttft_s, "s"),
        "e2e_s": (times.e2e_s, "s"),
        "tpot_s": (per_token_s, "s/token"),
        "decode_tps": (1 / per_token_s if per_token_s else None, "token/s"),
        "server_tps": (stats.tokens_per_second, "token/s"),
    }
    for name, (value, unit) in figures.items():
        if value is not None:
            run.recorder.measure(
                name,
                value,
                unit,
                model=leased.model,
                instance_id=leased.instance_id,
                round=number,
                cold=False,
                concurrency=1,
                prompt_tokens=stats.input_tokens,
                output_tokens=stats.total_output_tokens,
                **others,
            )
