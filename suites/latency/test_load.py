"""What it takes to load a model, before any lease on it is held. A second copy is never made for a measurement."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from harness import ChatRequest, Lease, LeaseError, LoadConfig, LoadFailed, Model, Run, load_config

from .figure import describe

WARM_ROUNDS = 3
"""Fewer where the budget does not allow them."""

THOROUGH_COLD_ROUNDS, THOROUGH_WARM_ROUNDS, JIT_ROUNDS = 3, 5, 5

QUICK_BYTES = 200_000_000
"""Up to this size a cold load takes under two seconds from any disk, and is measured in everyday runs too."""

_IN_MEMORY = 0.99


@pytest.fixture
def unloaded(lms_run: Run, lms_model: Model) -> Model:
    """The model, if no instance of it is resident, and a load that is only timed may be unloaded again."""
    if lms_run.settings.unload == "keep":
        pytest.skip("with --unload keep every load that is timed would stay; the one that is used is in the run file")
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


class Rounds:
    """Loads and unloads one model again and again, and records each round."""

    def __init__(self, run: Run, model: Model) -> None:
        self._run = run
        self._model = model
        self._number = 0
        self.config = LoadConfig(context_length=load_config(model, (), run.settings).context_length)

    def uncontrolled(self, why: str) -> None:
        """Load once, with the file wherever it is."""
        self._once(None, why)

    def cold(self) -> str:
        """Load once with the file on the disk; return why that cannot be, or ""."""
        if not (why := self._run.host.evict(self._model.key)):
            self._once(True, "")
        return why

    def warm(self) -> None:
        """Load once with the file in memory, from the load just before; verified where the file is known."""
        share = self._run.host.cached_share(self._model.key)
        if share is None or share >= _IN_MEMORY:
            self._once(False, "")
        else:
            self._once(None, f"only {share:.0%} of its file was in memory, although it had been loaded just before")

    def _once(self, cold: bool | None, why: str) -> None:  # noqa: FBT001  (the record's field)
        self._number += 1
        host = self._run.host
        before = host.memory_bytes()
        lease = self._run.acquire(self._model, self.config, reuse=False, purpose="load timing")
        loaded, share = host.memory_bytes(), host.cached_share(self._model.key)
        unload_wall_s = self._run.release(lease)
        seconds = {"load_time_s": lease.load_time_s, "load_wall_s": lease.load_wall_s, "unload_wall_s": unload_wall_s}
        memory = {
            "memory_before_bytes": before,
            "memory_loaded_bytes": loaded,
            "memory_after_bytes": host.memory_bytes(),
        }
        more = {"why": why} if why else {}
        for name, value in seconds.items():
            self._measure(name, value, "s", lease, cold=cold, size_bytes=self._model.size_bytes, **more)
        for name, count in memory.items():
            self._measure(name, count, "bytes", lease, cold=cold)
        self._measure("cached_share", share, "share", lease, cold=cold)

    def _measure(
        self, name: str, value: float | None, unit: str, lease: Lease, *, cold: bool | None, **more: object
    ) -> None:
        if value is not None:
            self._run.recorder.measure(
                name,
                value,
                unit,
                model=self._model,
                instance_id=lease.instance.id,
                round=self._number,
                cold=cold,
                **more,
            )


def _before_warm_rounds(run: Run, model: Model, rounds: Rounds) -> int:
    """Load cold as often as is measured, at least once in any way; return how many warm rounds follow."""
    unknown = run.host.why_unknown(model.key)
    if run.settings.thorough:
        rounds.uncontrolled(unknown or "the first load of a thorough run does not count, as it starts everything else")
        for _ in range(THOROUGH_COLD_ROUNDS):
            if why := rounds.cold():
                run.recorder.skip(why, model_key=model.key, task="cold load")
                break
        return THOROUGH_WARM_ROUNDS
    started = run.clock.monotonic()
    large = f"cold loads above {QUICK_BYTES / 1e6:g} MB are measured with --thorough"
    if why := unknown or (large if model.size_bytes > QUICK_BYTES else rounds.cold()):
        rounds.uncontrolled(why)
    first_s = run.clock.monotonic() - started
    return max(1, min(WARM_ROUNDS, int(run.settings.latency_budget_s / 4 / max(first_s, 0.001))))


@pytest.mark.lms_any_model
@pytest.mark.lms_before_load
def test_explicit_load(benchmark: BenchmarkFixture, lms_run: Run, unloaded: Model) -> None:
    """Cold loads where the file is known and can be dropped from memory, then warm ones; each is unloaded again."""
    rounds = Rounds(lms_run, unloaded)
    with _skipping(unloaded):
        count = _before_warm_rounds(lms_run, unloaded, rounds)
    describe(benchmark, "load and unload", lms_run, unloaded, context_length=rounds.config.context_length)
    benchmark.pedantic(rounds.warm, rounds=count, iterations=1)


@pytest.mark.lms_thorough
@pytest.mark.lms_before_load
def test_first_request_against_load_and_request(lms_run: Run, unloaded: Model) -> None:
    """What a person waits for if the first request loads the model (JIT), and if it is loaded for it; in turn, warm.

    Never the load figure. A load by a request may evict what others loaded so: nothing of them may be resident.
    """
    config = Rounds(lms_run, unloaded).config
    first = ChatRequest(
        model=unloaded.key,
        input="Say hello.",
        temperature=0.0,
        max_output_tokens=8,
        context_length=config.context_length,
    )
    for number in range(JIT_ROUNDS + 1):
        try:
            lease, answer = lms_run.acquire_jit(unloaded, first, purpose="jit")
            lms_run.release(lease)
            loaded = lms_run.acquire(unloaded, config, reuse=False, purpose="load timing")
        except (LoadFailed, LeaseError) as exc:
            lms_run.recorder.skip(str(exc), model_key=unloaded.key, task="first request against load")
            pytest.skip(str(exc))
        try:
            same = replace(first, model=loaded.instance.id, context_length=None)
            then_s = lms_run.client.chat(same, stream=True).times.e2e_s
        finally:
            lms_run.release(loaded)
        figures = {
            "jit_e2e_s": answer.times.e2e_s,
            "jit_load_time_s": answer.stats.load_time_s,
            "load_then_e2e_s": None if loaded.load_wall_s is None else loaded.load_wall_s + then_s,
        }
        for name, value in figures.items() if number else ():  # The first round is not counted.
            if value is not None:
                lms_run.recorder.measure(name, value, "s", model=unloaded, round=number, cold=False)
