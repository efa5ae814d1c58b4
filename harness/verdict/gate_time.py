"""Tonight's times against those of earlier runs on the same machine: which model became slower, and at what."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from harness.domain.count import counted
from harness.stats.estimate import Interval
from harness.stats.noise import is_busy, is_within
from harness.stats.slowdown import Slowdown, slowdown
from harness.store.run_file import RunFile
from harness.verdict.comparability import Subject
from harness.verdict.gate_state import Level, State
from harness.verdict.noise import noise_in, rounds_in
from harness.verdict.single_time import TIMES, has_times, time_obstacle

TIME_MARGIN = 0.25
"""How much slower does not matter, as a share."""
ALPHA_SHARE = 0.2
"""How much of the chance of a false alarm of a night times have, where scores are compared too."""

_MOST_CORES = 65_536  # A run file may hold anything.
_SIDES = "the baseline", "this run"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeCase:
    """One time of a model that the baseline has.

    Attributes:
        task: what a person calls the time; it stands where a case of scores has its task.
        name: of the figure, as docs/run-files.md defines it.
        reason: of the state, in words.
        rounds: tonight's.
        runs: of the baseline, those that can be compared.
        now_s, before_s: tonight's median, and the median of the medians of the earlier runs; None: not compared.
        ratio: tonight over the baseline; 2 is twice as slow; None: not compared.
        interval: of the ratio, 95 %.
        p: of "nights differ by as much anyway", times the number of claims.
        noise: of both sides together, as a logarithm.
    """

    model_key: str
    task: str
    name: str
    state: State
    reason: str
    rounds: int = 0
    runs: int = 0
    now_s: float | None = None
    before_s: float | None = None
    ratio: float | None = None
    interval: Interval | None = None
    p: float | None = None
    noise: float | None = None

    @property
    def level(self) -> Level:
        """What it does to the night."""
        return self.state.level

    @property
    def is_measured(self) -> bool:
        """Whether tonight's times were put beside the baseline's."""
        return self.ratio is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Timed:
    """Tonight's rounds beside those of the earlier runs that can be compared."""

    tonight: Subject
    earlier: Sequence[Subject]
    name: str

    @property
    def key(self) -> str:
        return self.tonight.model_key

    def slowdown(self, margin: float) -> Slowdown:
        rounds = [rounds_in(side.run, self.key, self.name) for side in (self.tonight, *self.earlier)]
        return slowdown(rounds[0], rounds[1:], margin=margin)

    def noise(self) -> float:
        """Return tonight's noise and the largest of the earlier runs', added.

        Of too few rounds for two blocks, as of loads, the slowest against the quickest stands for it.
        """
        return self._noise_of(self.tonight) + max(map(self._noise_of, self.earlier))

    def _noise_of(self, side: Subject) -> float:
        found = noise_in(side.run, self.key, self.name).value
        rounds = rounds_in(side.run, self.key, self.name)
        return math.log(max(rounds) / min(rounds)) if found is None else found

    def company(self) -> str:
        """Return who else was there tonight, which may be all there is to a slowdown; "": nobody that matters.

        A busy machine counts even if it always was: when all cores are taken, what is left of them varies by the hour.
        """
        before = max(self._company_of(side)[2] for side in self.earlier)
        busy, cores, others = self._company_of(self.tonight)
        if is_busy(busy, cores):
            return f"other processes used {busy:.1f} of {cores} CPU cores just before or after"
        more = others - before
        return f"{counted(more, 'more other model was', several='more other models were')} loaded" if more > 0 else ""

    def _company_of(self, side: Subject) -> tuple[float, int, int]:
        """Return how many cores others kept busy, of how many, and how many other instances were loaded.

        It is that of all figures of the model, as loads are timed without looking.
        """
        busiest, cores, most = 0.0, 1, 0
        for measure in side.run.measures:
            if measure.model_key != self.key:
                continue
            busy, of, others = (measure.params.get(name) for name in ("busy_cores", "cores", "others"))
            if isinstance(of, int) and 0 < of <= _MOST_CORES and isinstance(busy, int | float) and busiest < busy <= of:
                busiest, cores = float(busy), of
            if isinstance(others, list):
                most = max(most, len(others))
        return busiest, cores, most


def judge_times(
    run: RunFile, baseline: Sequence[RunFile], *, margin: float, alpha: float
) -> tuple[list[TimeCase], int]:
    """Return the case of each time of each model of the baseline, and among how many claims alpha was divided.

    A regression is a slowdown with p < alpha / claims, larger than the margin and than noise, while nothing else kept
    the machine busy. Runs from another machine, and those with another config, quantisation or length of prompt or
    answer, are left out.

    Args:
        run: tonight's.
        baseline: the earlier ones, the newest first.
        margin: the slowdown that does not matter, as a share.
        alpha: the accepted chance of any false regression.
    """
    if not has_times(run):
        return [], 0
    cases: list[TimeCase] = []
    found: list[_Timed] = []
    keys = dict.fromkeys(measure.model_key for seen in baseline for measure in seen.measures)
    for key in keys:
        for name in TIMES:
            timed = _timed(run, baseline, key, name)
            if isinstance(timed, _Timed):
                found.append(timed)
            elif timed is not None:
                cases.append(timed)
    return [*cases, *(_judged(timed, margin, alpha, len(found)) for timed in found)], len(found)


def _timed(run: RunFile, baseline: Sequence[RunFile], key: str, name: str) -> _Timed | TimeCase | None:
    """Return what can be compared, or the case that says why nothing can; None where the baseline has nothing."""
    tonight = Subject(run=run, model_key=key)
    known = [Subject(run=seen, model_key=key) for seen in baseline if rounds_in(seen, key, name)]
    if not known:
        return None
    why = "" if rounds_in(run, key, name) else "not measured in this run"
    reasons = [why or time_obstacle(side, tonight, name, names=_SIDES) for side in known]
    earlier = [side for side, reason in zip(known, reasons, strict=True) if not reason]
    if earlier:
        return _Timed(tonight=tonight, earlier=earlier, name=name)
    return TimeCase(model_key=key, task=TIMES[name], name=name, state=State.NOT_COMPARABLE, reason=reasons[0])


def _judged(timed: _Timed, margin: float, alpha: float, claims: int) -> TimeCase:
    found, noise = timed.slowdown(margin), timed.noise()
    p = min(1.0, found.p * claims)
    company = timed.company()
    is_larger = found.ratio > 1 + margin
    doubts = [
        f"other nights differ by as much (p = {p:.2g})" if p >= alpha else "",
        f"within noise ({_percent(math.exp(noise))})" if is_within(found.ratio, noise) else "",
        company,
    ]
    doubt = next(filter(None, doubts), "")
    if not is_larger:
        state, reason = State.PASSES, _passes(found, margin)
    elif doubt:
        state, reason = State.OPEN, f"slower by {_percent(found.ratio)}, but {doubt}"
    else:
        state = State.REGRESSION
        reason = f"slower by {_percent(found.ratio)} (p = {p:.2g}), more than the margin of {_percent(1 + margin)}"
    return TimeCase(
        model_key=timed.key,
        task=TIMES[timed.name],
        name=timed.name,
        state=state,
        reason=reason,
        rounds=len(rounds_in(timed.tonight.run, timed.key, timed.name)),
        runs=len(timed.earlier),
        now_s=median(rounds_in(timed.tonight.run, timed.key, timed.name)),
        before_s=median(median(rounds_in(side.run, timed.key, timed.name)) for side in timed.earlier),
        ratio=found.ratio,
        interval=found.interval,
        p=p,
        noise=noise,
    )


def _passes(found: Slowdown, margin: float) -> str:
    most = max(1.0, found.interval.high)
    if most < 1 + margin:
        return f"a slowdown of more than {_percent(most)} is ruled out"
    return f"no slowdown above the margin seen; one of up to {_percent(most)} is not ruled out"


def _percent(ratio: float) -> str:
    return f"{100 * (ratio - 1):.0f} %"
