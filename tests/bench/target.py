"""The targets of this project, as ratios within one run. A missed one is printed, and fails nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.bench.figure import Results, significant
from tests.bench.growth import Grown
from tests.bench.peers import EMPTY, RAW, THIS

FILE_KB_A_SAMPLE = 1.5
_FLAT = 1.1
"""What grows by less than a tenth over the sizes that were run counts as flat, and time as linear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A figure of this project as a multiple of another's, or by itself where `base` is None.

    Attributes:
        bound: what it should be at most, or at least where `is_floor`.
    """

    label: str
    figure: str
    bound: float
    base: str | None = RAW
    is_floor: bool = False


TARGETS: tuple[Target, ...] = (
    Target(label="all samples, one at a time", figure="wall_1", bound=1.8),
    Target(label="all samples, 16 at a time", figure="wall_16", bound=1.2),
    Target(label="one more sample, one at a time", figure="marginal_1", bound=1.4),
    Target(label="one more sample, 16 at a time", figure="marginal_16", bound=0.9),
    Target(label="slots busy", figure="slots", bound=1.05, is_floor=True),
    Target(label="start-up", figure="start", bound=1.6, base=EMPTY),
    Target(label="memory while it asks, MB", figure="asking", bound=70, base=None),
    Target(label="memory at its peak, MB", figure="peak", bound=110, base=None),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A target and what was measured.

    Attributes:
        found: with its spread; "" if it was not measured.
        state: "ok", "missed" or "not measured".
    """

    label: str
    wanted: str
    found: str
    state: str


def judged(results: Results, growths: Sequence[Grown]) -> list[Judged]:
    """Return each target with the figure, by its median."""
    return [_judged(target, results) for target in TARGETS] + _growth(growths)


def _judged(target: Target, results: Results) -> Judged:
    sign = ">=" if target.is_floor else "<="
    if target.base is None:
        spread = results.figure(THIS, target.figure)
        wanted = f"{sign} {target.bound:g}"
    else:
        spread = results.ratio(THIS, target.base, target.figure)
        wanted = f"{sign} {target.bound:g} x {target.base}"
    if spread is None:
        return Judged(label=target.label, wanted=wanted, found="", state="not measured")
    is_met = spread.median >= target.bound if target.is_floor else spread.median <= target.bound
    found = f"{significant(spread.median)} ({significant(spread.low)} to {significant(spread.high)})"
    return Judged(label=target.label, wanted=wanted, found=found, state="ok" if is_met else "missed")


def _growth(growths: Sequence[Grown]) -> list[Judged]:
    """Judge the largest run by the smallest."""
    counted = [grown for grown in growths if grown.error is None]
    if not counted:
        return []
    small, large = counted[0], counted[-1]
    size = 1e-3 * large.file_bytes / large.samples
    rows = [_at_most(f"run file, KB a sample at {large.samples:,}", size, FILE_KB_A_SAMPLE)]
    if large is not small:
        what = f"at {large.samples:,} samples, times that at {small.samples:,}"
        if small.asking_bytes and large.asking_bytes:
            rows.append(_at_most(f"memory while it asks {what}", large.asking_bytes / small.asking_bytes, _FLAT))
        if small.peak_bytes and large.peak_bytes:
            rows.append(_at_most(f"memory at its peak {what}", large.peak_bytes / small.peak_bytes, _FLAT))
    steps = [(after.wall_s - before.wall_s) / (after.samples - before.samples) for before, after in pairwise(counted)]
    if len(steps) > 1 and steps[0] > 0:  # On a busy machine start-up may hide the first step.
        rows.append(_at_most("time of one more sample, the last step over the first", steps[-1] / steps[0], _FLAT))
    return rows


def _at_most(label: str, found: float, bound: float) -> Judged:
    state = "ok" if found <= bound else "missed"
    return Judged(label=label, wanted=f"<= {bound:g}", found=f"{found:.2f}", state=state)
