"""How long a model takes to load, cold and warm apart, and from how many answers on loading it pays."""

import math
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from statistics import median
from typing import TypeAlias, TypeGuard

from harness.domain.record import InstanceRecord
from harness.stats.latency import is_time
from harness.store.run_file import RunFile

SMALL_SHARE = 0.1
"""A load that takes no more of the time than this is small beside the answers."""


class LoadKind(StrEnum):
    """Where the model's file was when a load began."""

    COLD = "cold"
    """On the disk: that it was not in memory was verified."""
    WARM = "warm"
    """In memory, as the model had been loaded just before; verified where the file is known."""
    UNCONTROLLED = "uncontrolled"
    """Nobody knows."""


MEANING: Mapping[LoadKind, str] = {
    LoadKind.COLD: "cold: the file was read from the disk",
    LoadKind.WARM: "warm: the model had been loaded just before",
    LoadKind.UNCONTROLLED: "uncontrolled: the file may have been in memory or not",
}

Loads: TypeAlias = Mapping[LoadKind, Sequence[float]]
"""The server's load times, in seconds; kinds without a time are left out."""


def kind_of(cold: bool | None) -> LoadKind:  # noqa: FBT001  (the record's field)
    """Return the kind of a load by what its record says."""
    if cold is None:
        return LoadKind.UNCONTROLLED
    return LoadKind.COLD if cold else LoadKind.WARM


def is_load(load_s: float | None) -> TypeGuard[float]:
    """Return whether this can be the time of a load: servers round it, so that it may be 0."""
    return load_s == 0 or is_time(load_s)


def loads_of(runs: Iterable[RunFile], model_key: str) -> Loads:
    """Return the loads of a model that the latency suite timed, else those of the instances that answered."""
    runs = list(runs)
    found: dict[LoadKind, list[float]] = {}
    for measure in (measure for run in runs for measure in run.measures):
        if (measure.model_key, measure.name) == (model_key, "load_time_s") and is_load(measure.value):
            found.setdefault(kind_of(measure.cold), []).append(measure.value)
    if found:
        return found
    # The second record of a lease says what its warm-up showed, and repeats its load.
    uses = {
        (use.run_id, use.instance_id, _load_s(use)) for run in runs for use in run.uses if use.model_key == model_key
    }
    times = [load_s for _, _, load_s in uses if is_load(load_s)]
    return {LoadKind.UNCONTROLLED: sorted(times)} if times else {}


def like_for_like(models: Iterable[Loads], *, first: LoadKind = LoadKind.COLD) -> LoadKind | None:
    """Return the kind of load by which models are compared; None: they have none in common.

    It is the first one that all have of `first`, cold, warm, uncontrolled. Cold comes before warm because who loads a
    model the first time that day waits for its file to be read. A model without any load, as it was loaded already,
    does not count.
    """
    known = [loads for loads in models if loads]
    return next((kind for kind in (first, *LoadKind) if known and all(kind in loads for loads in known)), None)


def load_of(loads: Loads, kind: LoadKind | None) -> tuple[float, int, LoadKind] | None:
    """Return the median of the loads of this kind, how many there are, and the kind; of another one if need be."""
    if not loads:
        return None
    # Without a common kind the warm one is nearest to what another model's uncontrolled loads are likely to be.
    order = [kind, LoadKind.WARM, LoadKind.UNCONTROLLED, LoadKind.COLD]
    found = next(kind for kind in order if kind in loads)
    assert found is not None  # noqa: S101  (None is not a key)
    return median(loads[found]), len(loads[found]), found


def answers_until_small(load_s: float, answer_s: float) -> int | None:
    """Return from how many answers on a load takes at most a tenth of the time: load / (load + n x answer) <= 0.1."""
    if not is_time(answer_s):
        return None
    return max(1, math.ceil(load_s * (1 - SMALL_SHARE) / (SMALL_SHARE * answer_s) - 1e-9))


def answers_until_quicker(load_s: float, answer_s: float, resident_answer_s: float) -> int | None:
    """Return from how many answers on a load saves time where another model is loaded already; None: it never does.

    It is the first n for which load + n x answer is less than n x the resident model's answer.
    """
    saved_s = resident_answer_s - answer_s
    return math.floor(load_s / saved_s + 1e-9) + 1 if is_time(saved_s) else None


def _load_s(use: InstanceRecord) -> float | None:
    return use.load_time_s if use.load_time_s is not None else use.load_wall_s
