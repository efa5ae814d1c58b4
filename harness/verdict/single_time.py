"""How long one request at a time takes in one run against another: the figures of the suite latency.

They need no task: a run of the suite latency alone has them, and nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from harness.domain.record import MeasureRecord
from harness.stats.estimate import Estimate
from harness.stats.latency import is_time, unpaired_ratio_estimate
from harness.stats.noise import together
from harness.store.run_file import RunFile
from harness.verdict.comparability import Subject, config_obstacles
from harness.verdict.noise import (
    TimeClaim,
    is_plain,
    measures_in,
    median_in,
    noise_in,
    other_machine,
    rounds_in,
    time_claim,
)

LOAD = "load_time_s"
TIMES: Mapping[str, str] = {
    "ttft_s": "first token",
    "tpot_s": "time per token",
    "e2e_s": "answer",
    LOAD: "load",
}
"""The figures that are compared, and what a person calls them."""

_TOKENS = ("prompt_tokens", "output_tokens")
_TOKENS_SLACK = 0.1
_MOST_TOKENS = 1_000_000_000  # A run file may hold anything.
_SIDES = "A", "B"


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleTime:
    """A time of single requests that both sides have measured.

    Attributes:
        name: of the figure, as docs/run-files.md defines it.
        rounds: of the reference and of the candidate.
        reference_s, candidate_s: medians.
        ratio: candidate / reference, of the geometric means.
        says: what may be said of the ratio; None: it was not compared.
        noise: of both sides together, as a logarithm; None: not known.
        obstacle: why it was not compared; "": it was.
    """

    name: str
    rounds: tuple[int, int]
    reference_s: float
    candidate_s: float
    ratio: Estimate
    says: TimeClaim | None
    noise: float | None
    obstacle: str = ""

    @property
    def what(self) -> str:
        """What a person calls it."""
        return TIMES[self.name]


def single_times(reference: Subject, candidate: Subject) -> tuple[SingleTime, ...]:
    """Return the times of single requests that both sides have measured: first token, token, answer."""
    found = (_single_time(reference, candidate, name) for name in TIMES if name != LOAD)
    return tuple(time for time in found if time is not None)


def has_times(seen: RunFile, model_key: str | None = None) -> bool:
    """Return whether a run has measured any time that is compared, of one model if it is named."""
    return any(
        measure.name in TIMES
        and model_key in {None, measure.model_key}
        and is_plain(measure)
        and is_time(measure.value)
        for measure in seen.measures
    )


def time_obstacle(before: Subject, now: Subject, name: str, *, names: tuple[str, str] = _SIDES) -> str:
    """Return why two times of one model cannot be compared; "": they can. `names`: what messages call the sides."""
    if why := other_machine(before.run.run, now.run.run):
        return why
    if before.model_key != now.model_key:  # Another model has a config of its own, and other words for a token.
        return ""
    if found := config_obstacles(before, now, names=names):
        return found[0]
    sides = [measures_in(side.run, side.model_key, name) for side in (before, now)]
    for count in _TOKENS:
        counts = [_median_of(measures, count) for measures in sides]
        if None not in counts and abs(counts[1] - counts[0]) > _TOKENS_SLACK * max(counts):  # type: ignore[operator,type-var]
            what = count.replace("_", " ")
            return f"{what} are {counts[0]:.0f} in {names[0]} and {counts[1]:.0f} in {names[1]}"
    return ""


def _single_time(reference: Subject, candidate: Subject, name: str) -> SingleTime | None:
    sides = reference, candidate
    medians = [median_in(side.run, side.model_key, name) for side in sides]
    if medians[0] is None or medians[1] is None:
        return None
    theirs, ours = (rounds_in(side.run, side.model_key, name) for side in sides)
    obstacle = time_obstacle(reference, candidate, name)
    noise = together([noise_in(side.run, side.model_key, name) for side in sides])
    ratio = (
        Estimate(value=None, interval=None, n=0, reason=obstacle) if obstacle else unpaired_ratio_estimate(ours, theirs)
    )
    return SingleTime(
        name=name,
        rounds=(len(theirs), len(ours)),
        reference_s=medians[0],
        candidate_s=medians[1],
        ratio=ratio,
        says=time_claim(ratio, noise),
        noise=noise,
        obstacle=obstacle,
    )


def _median_of(measures: Sequence[MeasureRecord], name: str) -> float | None:
    counts = (measure.params.get(name) for measure in measures)
    known = [value for value in counts if isinstance(value, int) and 0 <= value <= _MOST_TOKENS]
    return median(known) if known else None
