"""How much a loaded, warmed-up instance answers at a time. Definitions: docs/run-files.md, Times."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from harness import ApiError, Client, Generation, LeasedModel, Run, Window, keep_in_flight, run_concurrently

from .company import Company
from .figure import describe, of_answers, of_instance
from .ladder import REQUESTS, WINDOWS, record, steps
from .probe import LEAST_WINDOWS, NUMBERS, OUTPUT_TOKENS, probe, rounds

FLIP_QUESTIONS = 30


def test_all_slots_busy(
    benchmark: BenchmarkFixture, lms_run: Run, lms_client: Client, lms_instance: LeasedModel
) -> None:
    """Throughput: all output tokens over the window, with as many requests in flight as there are slots."""
    slots = lms_run.slots(lms_instance)
    windows: list[tuple[float, list[Generation]]] = []

    def fill() -> None:
        requests = [probe(lms_instance, next(NUMBERS)) for _ in range(slots)]
        started = lms_run.clock.monotonic()
        answers = run_concurrently(lms_client, requests)
        windows.append((lms_run.clock.monotonic() - started, answers))

    company = Company(lms_run, lms_instance)
    fill()
    count = rounds(lms_run, lms_instance, windows[0][0], what=f"{slots} requests at once", least=LEAST_WINDOWS)
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


@pytest.mark.lms_thorough
def test_more_and_more_at_a_time(lms_run: Run, lms_client: Client, lms_instance: LeasedModel) -> None:
    """A ladder: 1, 2, 4 … requests in flight up to the slots, and twice as many; the steps take turns."""
    slots = lms_instance.lease.instance.slots
    company = Company(lms_run, lms_instance)

    def window(concurrency: int) -> Window:
        requests = [probe(lms_instance, next(NUMBERS)) for _ in range(REQUESTS * concurrency)]
        return keep_in_flight(lms_client, requests, concurrency=concurrency, clock=lms_run.clock)[0]

    *up_to_slots, past = steps(slots)
    key, is_refused = lms_instance.model.name, False
    lms_run.progress.note(f"{key}: up to {past} requests at a time, {1 + WINDOWS} rounds ...")
    for number in range(1 + WINDOWS):
        lms_run.progress.doing(key, f"up to {past} requests at a time, round {number + 1} of {1 + WINDOWS}")
        windows = [window(concurrency) for concurrency in up_to_slots]
        try:
            windows += [] if is_refused else [window(past)]
        except ApiError as exc:  # A server need not let requests wait; the steps below say what it does.
            is_refused = True
            task = f"throughput with {past} requests at a time"
            lms_run.recorder.skip(exc.message, model_key=key, task=task)
        others = company.seen() if number else {}
        (unqueued_s,) = (found.ttft_s() for found in windows if found.concurrency == slots)
        for found in windows if number else ():
            record(lms_run, lms_instance, found, number=number, slots=slots, unqueued_s=unqueued_s, others=others)


@pytest.mark.lms_thorough
def test_the_same_answers_with_all_slots_busy(lms_run: Run, lms_client: Client, lms_instance: LeasedModel) -> None:
    """Flip rate: which share of greedy answers differs from those of single requests; single ones twice, to compare."""
    slots = lms_instance.lease.instance.slots
    questions = [probe(lms_instance, next(NUMBERS)) for _ in range(FLIP_QUESTIONS)]

    def answers(concurrency: int) -> list[tuple[str, str]]:
        _, found = keep_in_flight(lms_client, questions, concurrency=concurrency, clock=lms_run.clock)
        return [(answer.reasoning, answer.text) for answer in found]

    key = lms_instance.model.name
    lms_run.progress.doing(key, "answers that flip")
    lms_run.progress.note(f"{key}: {FLIP_QUESTIONS} questions singly, {slots} at a time, and singly again ...")
    # A prompt that is cached is computed in other steps, which alone changed 8 of 10 answers of SmolLM2-135M (2026-11):
    # so each question is asked once before it counts, and all answers that are compared are to prompts seen before.
    answers(1)
    first = answers(1)
    for concurrency in [slots, 1] if slots > 1 else [1]:
        flipped = sum(before != now for before, now in zip(first, answers(concurrency), strict=True))
        lms_run.recorder.measure(
            "flip_rate",
            flipped / FLIP_QUESTIONS,
            "share",
            model=lms_instance.model,
            instance_id=lms_instance.instance_id,
            cold=False,
            concurrency=concurrency,
            questions=FLIP_QUESTIONS,
            flipped=flipped,
            output_tokens=OUTPUT_TOKENS,
        )
