"""How far the times of a model in a run can be believed: each figure's noise, and on which machine it was measured."""

from enum import StrEnum
from statistics import median

from harness.domain.record import MeasureRecord, RunRecord
from harness.stats.estimate import Estimate
from harness.stats.latency import is_time
from harness.stats.noise import Noise, is_within, noise_of, together
from harness.store.run_file import RunFile

LATE = "late_"
"""Begins the names of figures that a thorough run measures once more at the end of a model's tests."""

_MEMORY_SLACK = 0.05  # What the system keeps for itself differs from one kernel to the next.
_MOST_MEMORY_BYTES = 10**18  # A run file may hold anything, also what no float can.


def rounds_in(seen: RunFile, model_key: str, name: str) -> list[float]:
    """Return the values of a figure of the latency suite, one a round, in the order in which they were measured."""
    return [measure.value for measure in measures_in(seen, model_key, name)]


def measures_in(seen: RunFile, model_key: str, name: str) -> list[MeasureRecord]:
    """Return the records of single requests or warm loads that have this figure, in order."""
    return sorted(
        (
            measure
            for measure in seen.measures
            if (measure.model_key, measure.name) == (model_key, name) and is_plain(measure) and is_time(measure.value)
        ),
        key=lambda measure: measure.round,
    )


def noise_in(seen: RunFile, model_key: str, name: str) -> Noise:
    """Return the noise of a figure of the latency suite: one request at a time, or loads."""
    rounds = rounds_in(seen, model_key, name)
    if not rounds:
        return Noise(reason="not measured: the suite latency did not run")
    return noise_of(rounds, rounds_in(seen, model_key, LATE + name))


def median_in(seen: RunFile, model_key: str, name: str) -> float | None:
    """Return the median of the rounds whose noise `noise_in` tells; None: not measured."""
    rounds = rounds_in(seen, model_key, name)
    return median(rounds) if rounds else None


def is_blurred(seen: RunFile, model_key: str, name: str) -> bool:
    """Return whether a figure is no further from another model's in this run than noise may take the two."""
    rounds: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for measure in seen.measures:  # Once over all records: a run may have thousands, and each cell of a table asks.
        if measure.name in {name, LATE + name} and is_plain(measure) and is_time(measure.value):
            of_name = rounds.setdefault(measure.model_key, {}).setdefault(measure.name, [])
            of_name.append((measure.round, measure.value))
    blocks = {
        key: tuple([value for _, value in sorted(found.get(part, ()))] for part in (name, LATE + name))
        for key, found in rounds.items()
        if name in found
    }
    if model_key not in blocks:
        return False
    ours, late = blocks.pop(model_key)
    noise = noise_of(ours, late)
    return any(
        is_within(median(ours) / median(theirs), together([noise, noise_of(theirs, their_late)]))
        for theirs, their_late in blocks.values()
    )


class TimeClaim(StrEnum):
    """What may be said of a ratio of times."""

    SLOWER = "slower"
    QUICKER = "quicker"
    WITHIN_NOISE = "within noise"
    NOT_DECIDED = "not decided"
    NOISE_UNKNOWN = "noise unknown"
    OTHER_MACHINE = "other machine"


def time_claim(ratio: Estimate, noise: float | None, *, machine: str = "") -> TimeClaim | None:
    """Return what may be said of candidate / reference; None: it was not measured.

    Slower or quicker takes both: an interval without 1, which keeps false claims at 5 % where only chance is at work,
    and more than both sides' times differ from themselves, as no interval sees that a machine changes over time.

    Args:
        ratio: with its interval.
        noise: of both sides together, as a logarithm; None: not measured, so that nothing is claimed.
        machine: why their times tell nothing of each other; "": nothing is against it.
    """
    if ratio.value is None:
        return None
    if machine:
        return TimeClaim.OTHER_MACHINE
    if is_within(ratio.value, noise):
        return TimeClaim.WITHIN_NOISE
    if ratio.interval is None or ratio.interval.low <= 1 <= ratio.interval.high:
        return TimeClaim.NOT_DECIDED
    if noise is None:
        return TimeClaim.NOISE_UNKNOWN
    return TimeClaim.SLOWER if ratio.value > 1 else TimeClaim.QUICKER


def other_machine(before: RunRecord, now: RunRecord) -> str:
    """Return why the times of two runs tell nothing of each other; "": they are from the same kind of machine.

    The version of the system and of LM Studio may differ: what an update does is what a comparison is for.
    """
    for name, ours, theirs in (
        ("system", _system(now), _system(before)),
        ("CPU", now.cpu, before.cpu),
        ("number of CPU cores", now.cpu_count, before.cpu_count),
        ("server", now.server_kind, before.server_kind),
    ):
        if ours != theirs:
            return f"other machine: {name} {_shown(theirs)} before, {_shown(ours)} now"
    ours, theirs = (min(run.memory_bytes or 0, _MOST_MEMORY_BYTES) for run in (now, before))
    if abs(ours - theirs) > _MEMORY_SLACK * max(ours, theirs):
        return f"other machine: memory {theirs / 1e9:.0f} GB before, {ours / 1e9:.0f} GB now"
    return ""


def is_plain(measure: MeasureRecord) -> bool:
    """Return whether a figure is of single requests or warm loads, and not of a depth or of requests at once."""
    return measure.cold is False and measure.params.get("concurrency", 1) == 1 and "depth" not in measure.params


def _system(run: RunRecord) -> str:
    return run.platform.partition("-")[0]


def _shown(value: object) -> str:
    return "not reported" if value in {None, ""} else str(value)
