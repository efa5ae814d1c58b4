"""What pytest-benchmark keeps beside a figure: enough to see whether two figures are about the same thing."""

from collections.abc import Sequence
from statistics import median
from typing import Any

from pytest_benchmark.fixture import BenchmarkFixture

from harness import Generation, Instance, Model, Run, prefill_tps, tpot_s


def describe(benchmark: BenchmarkFixture, group: str, run: Run, model: Model, **more: Any) -> None:
    """Name the group, and note the model as it is listed and the run whose file has everything else.

    Call it before anything is measured: pytest-benchmark takes group and parameters when the rounds begin.
    """
    benchmark.group = group
    benchmark.params = {"lms_model": str(model.name)}  # Not the whole listing, which JSON cannot hold.
    benchmark.extra_info.update(
        model_key=str(model.name),
        variant=model.selected_variant,
        quantisation=model.quantization.name if model.quantization else None,
        params=model.params_string,
        size_bytes=model.size_bytes,
        format=model.format,
        run_id=run.recorder.run_id,
        **more,
    )


def of_instance(instance: Instance) -> dict[str, Any]:
    """Return what an instance was loaded with; None where the server does not say."""
    return {"context_length": instance.config.context_length, "slots": instance.slots}


def of_answer(answer: Generation) -> dict[str, tuple[float, str]]:
    """Return what was measured of one answer, with units, by the names of docs/run-files.md; only what is known."""
    times, stats = answer.times, answer.stats
    per_token_s = tpot_s(ttft_s=times.ttft_s, e2e_s=times.e2e_s, output_tokens=stats.total_output_tokens)
    prefill = prefill_tps(prompt_tokens=stats.input_tokens, cached_tokens=stats.cached_tokens, ttft_s=times.ttft_s)
    has_thought = bool(answer.reasoning or stats.reasoning_output_tokens)
    answer_s = times.ttft_answer_s if has_thought else None
    thought_s = None if answer_s is None or times.ttft_s is None else answer_s - times.ttft_s
    figures = {
        "ttft_s": (times.ttft_s, "s"),
        "ttft_answer_s": (answer_s, "s"),
        "reasoning_tokens": (stats.reasoning_output_tokens if has_thought else None, "tokens"),
        "reasoning_s": (thought_s, "s"),
        "server_ttft_s": (stats.ttft_s, "s"),
        "e2e_s": (times.e2e_s, "s"),
        "prefill_tps": (prefill, "token/s"),
        "tpot_s": (per_token_s, "s/token"),
        "decode_tps": (1 / per_token_s if per_token_s else None, "token/s"),
        "server_tps": (stats.tokens_per_second, "token/s"),
        "itl_s": (times.median_gap_s, "s"),
        "max_gap_s": (times.max_gap_s, "s"),
    }
    return {name: (value, unit) for name, (value, unit) in figures.items() if value is not None}


def tokens_of(answer: Generation) -> dict[str, int | None]:
    """Return how long prompt and answer were, as the server counts them, and in how many chunks the answer came."""
    stats = answer.stats
    return {
        "prompt_tokens": stats.input_tokens,
        "cached_tokens": stats.cached_tokens,
        "output_tokens": stats.total_output_tokens,
        "chunks": answer.times.chunks,
    }


def of_answers(answers: Sequence[Generation]) -> dict[str, Any]:
    """Return the medians over answers: tokens, and seconds as docs/run-files.md defines them; None: not known."""
    each = [(answer.times, answer.stats) for answer in answers]
    return {
        "prompt_tokens": _median([stats.input_tokens for _, stats in each]),
        "output_tokens": _median([stats.total_output_tokens for _, stats in each]),
        "ttft_s": _median([times.ttft_s for times, _ in each]),
        "tpot_s": _median(
            [
                tpot_s(ttft_s=times.ttft_s, e2e_s=times.e2e_s, output_tokens=stats.total_output_tokens)
                for times, stats in each
            ]
        ),
        "e2e_s": _median([times.e2e_s for times, _ in each]),
    }


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(median(known)) if known else None
