"""What it takes to load a model, before any lease on it is held. A second copy is never made for a measurement."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from harness import LeaseError, LoadConfig, LoadFailed, Model, Run, load_config

from .figure import describe

ROUNDS = 3
"""After the first load, which may be a cold one; fewer where the budget does not allow them."""


@pytest.fixture
def unloaded(lms_run: Run, lms_model: Model) -> Model:
    """The model, if no instance of it is resident."""
    now = next(model for model in lms_run.client.models() if model.key == lms_model.key)
    if now.is_loaded:
        pytest.skip(f"{now.key} is loaded already; another copy is not made for a measurement")
    return now


@contextmanager
def _skipping(model: Model) -> Iterator[None]:
    try:
        yield
    except (LoadFailed, LeaseError) as exc:
        pytest.skip(f"{model.key}: {exc}")


@pytest.mark.lms_before_load
def test_explicit_load(benchmark: BenchmarkFixture, lms_run: Run, unloaded: Model) -> None:
    config = LoadConfig(context_length=load_config(unloaded, (), lms_run.settings).context_length)

    def load_once(number: int) -> float:
        lease = lms_run.acquire(unloaded, config, reuse=False, purpose="load timing")
        unload_wall_s = lms_run.release(lease)
        cold = None if number == 1 else False  # Whether the file was in the page cache before round 1, nobody knows.
        figures = {"load_time_s": lease.load_time_s, "load_wall_s": lease.load_wall_s, "unload_wall_s": unload_wall_s}
        for name, value in figures.items():
            if value is not None:
                lms_run.recorder.measure(
                    name, value, "s", model=unloaded, instance_id=lease.instance.id, round=number, cold=cold
                )
        return lease.load_wall_s or 0.0

    with _skipping(unloaded):
        first_s = load_once(1)
    affordable = int(lms_run.settings.latency_budget_s / 4 / max(first_s, 0.001))
    numbers = iter(range(2, 2 + ROUNDS))
    describe(benchmark, "load and unload", lms_run, unloaded, context_length=config.context_length)
    benchmark.pedantic(lambda: load_once(next(numbers)), rounds=max(1, min(ROUNDS, affordable)), iterations=1)
