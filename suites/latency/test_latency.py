"""How fast a loaded, warmed-up instance answers. Definitions: docs/run-files.md, Times."""

import itertools
from collections.abc import Iterator
from typing import Any

from pytest_benchmark.fixture import BenchmarkFixture

from harness import Client, Generation, LeasedModel, Run, run_concurrently, tpot_s

from .figure import describe, of_answers, of_instance
from .probe import probe, rounds

_NUMBERS: Iterator[int] = itertools.count()


class Company:
    """Who else was resident or busy while something was measured: figures taken in company may be too slow."""

    def __init__(self, run: Run, leased: LeasedModel) -> None:
        self._run = run
        self._leased = leased
        self._before = run.others(leased)
        self._busy_before = run.busy_cores()

    def seen(self) -> dict[str, Any]:
        """Return who else was resident, and how many cores others kept busy, at the beginning or now."""
        busy = [found for found in (self._busy_before, self._run.busy_cores()) if found is not None]
        others = sorted({*self._before, *self._run.others(self._leased)})
        if not busy:
            return {"others": others}
        return {"others": others, "busy_cores": round(max(busy)[0], 2), "cores": busy[0][1]}


def test_one_at_a_time(
    benchmark: BenchmarkFixture, lms_run: Run, lms_client: Client, lms_instance: LeasedModel
) -> None:
    """TTFT, TPOT and decode rate of single requests; the first is discarded as a warm-up."""
    answers: list[Generation] = []

    def ask() -> None:
        answers.append(lms_client.chat(probe(lms_instance, next(_NUMBERS)), stream=True))

    company = Company(lms_run, lms_instance)
    ask()
    count = rounds(lms_run.settings.latency_budget_s / 3, answers[0].times.total_s)
    instance = of_instance(lms_instance.lease.instance)
    describe(benchmark, "one request", lms_run, lms_instance.model, **instance, concurrency=1)
    benchmark.pedantic(ask, rounds=count, iterations=1)
    benchmark.extra_info.update(of_answers(answers[1:]))
    others = company.seen()
    for number, answer in enumerate(answers[1:], 1):
        _record(lms_run, lms_instance, answer, number, others)


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
    count = rounds(lms_run.settings.latency_budget_s / 3, windows[0][0])
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
