"""How many texts an embedding model takes a second, one request at a time. Definitions: docs/run-files.md, Times."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from harness import Client, LeasedModel, Run

from .company import Company
from .figure import describe, of_instance
from .probe import LEAST_WINDOWS, NUMBERS, rounds

TEXT = "The ship left the harbour at dawn."
BATCHES = (1, 8, 32)


@pytest.mark.lms_embedding
@pytest.mark.parametrize("batch", BATCHES)
def test_texts(
    benchmark: BenchmarkFixture, lms_run: Run, lms_client: Client, lms_instance: LeasedModel, batch: int
) -> None:
    """Requests of so many short texts, none of which was sent before, after a short one as a warm-up."""
    waits: list[float] = []

    def embed() -> None:
        texts = [f"No. {next(NUMBERS)}: {TEXT}" for _ in range(batch)]
        started = lms_run.clock.monotonic()
        lms_client.embed(lms_instance.address, texts)
        waits.append(lms_run.clock.monotonic() - started)

    company = Company(lms_run, lms_instance)
    lms_client.embed(lms_instance.address, [TEXT])
    embed()
    what = f"{batch} texts at once"
    count = rounds(lms_run, lms_instance, waits[0], what=what, least=LEAST_WINDOWS)
    instance = of_instance(lms_instance.lease.instance)
    describe(benchmark, what, lms_run, lms_instance.model, **instance, batch=batch)
    benchmark.pedantic(embed, rounds=count - 1, iterations=1)  # The first one counts: it takes seconds on a slow model.
    others = company.seen()
    for number, wait_s in enumerate(filter(None, waits), 1):  # A coarse clock may have seen no time pass.
        lms_run.recorder.measure(
            "embedding_texts_per_s",
            batch / wait_s,
            "text/s",
            model=lms_instance.model,
            instance_id=lms_instance.instance_id,
            round=number,
            cold=False,
            batch=batch,
            **others,
        )
