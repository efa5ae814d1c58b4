"""How much a loaded, warmed-up instance answers at a time. Definitions: docs/run-files.md, Times."""

import itertools
from collections.abc import Iterator

from pytest_benchmark.fixture import BenchmarkFixture

from harness import Client, Generation, LeasedModel, Run, run_concurrently

from .company import Company
from .figure import describe, of_answers, of_instance
from .probe import probe, rounds

_NUMBERS: Iterator[int] = itertools.count(1_000_000)
"""Others than those of the single requests, whose prompts the server may still have in its cache."""


def test_all_slots_busy(
    benchmark: BenchmarkFixture, lms_run: Run, lms_client: Client, lms_instance: LeasedModel
) -> None:
    """Throughput: all output tokens over the window, with as many requests in flight as there are slots."""
    slots = lms_run.slots(lms_instance)
    windows: list[tuple[float, list[Generation]]] = []

    def fill() -> None:
        requests = [probe(lms_instance, next(_NUMBERS)) for _ in range(slots)]
        started = lms_run.clock.monotonic()
        answers = run_concurrently(lms_client, requests)
        windows.append((lms_run.clock.monotonic() - started, answers))

    company = Company(lms_run, lms_instance)
    fill()
    count = rounds(lms_run.settings, windows[0][0])
    instance = of_instance(lms_instance.lease.instance)
    describe(benchmark, f"{slots} requests at once", lms_run, lms_instance.model, **instance, concurrency=slots)
    benchmark.pedantic(fill, rounds=count, iterations=1)
    benchmark.extra_info.update(of_answers([answer for _, answers in windows[1:] for answer in answers]))
    others = company.seen()
    for number, (window_s, answers) in enumerate(windows[1:], 1):
        tokens = sum(answer.stats.total_output_tokens or 0 for answer in answers)
        lms_run.recorder.measure(
            "throughput_tps",
            tokens / window_s,
            "token/s",
            model=lms_instance.model,
            instance_id=lms_instance.instance_id,
            round=number,
            cold=False,
            concurrency=slots,
            **others,
        )
