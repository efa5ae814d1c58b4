"""What the ladder of concurrency asks, and what it records of one window."""

from collections.abc import Mapping
from typing import Any

from harness import LeasedModel, Run, Window

WINDOWS = 6
"""Of each step, after one that is discarded: the fewest whose smallest and largest hold the median with 95 %."""

REQUESTS = 2
"""In a window, for each one in flight."""


def steps(slots: int) -> list[int]:
    """Return how many requests are kept in flight, step by step: 1, 2, 4 … up to the slots, and twice as many."""
    below = [2**power for power in range(slots.bit_length()) if 2**power < slots]
    return [*below, slots, 2 * slots]


def record(
    run: Run,
    leased: LeasedModel,
    window: Window,
    *,
    number: int,
    slots: int,
    unqueued_s: float | None,
    others: Mapping[str, Any],
) -> None:
    """Record the figures of a window; docs/run-files.md, Times, defines them.

    Args:
        run: that records them.
        leased: the instance.
        window: what happened.
        number: of the round, from 1.
        slots: of the instance.
        unqueued_s: the TTFT of the same round with as many requests as slots; None where it is not known.
        others: who else was there.
    """
    is_past = window.concurrency > slots
    occupancy = window.occupancy(slots=slots, unqueued_s=unqueued_s if is_past else None)
    figures = {
        "ladder_tps": (window.tokens_per_second(), "token/s"),
        "ladder_occupancy": (None if is_past and unqueued_s is None else occupancy, "share"),
        "ladder_ttft_s": (window.ttft_s(), "s"),
        "ladder_queue_s": (window.queue_s(unqueued_s) if is_past and unqueued_s is not None else None, "s"),
        "ladder_tpot_s": (window.tpot_s(), "s/token"),
        "ladder_client_s": (window.client_s(), "s"),
        "ladder_dispatch_s": (window.dispatch_s(), "s"),
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
                concurrency=window.concurrency,
                slots=slots,
                requests=len(window.flights),
                window_s=window.length_s,
                **others,
            )
