"""Tonight's run against a baseline of earlier ones: what got worse, what is open, and what is missing.

One night is one claim: "nothing got worse". So the 5 % that a false alarm may have are those of the whole night: they
are divided among the models and tasks that could have shown a loss at all (`multiple.tarone`); see docs/statistics.md.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from harness.domain.candidate import by_effort
from harness.domain.count import counted
from harness.settings import EMBEDDED
from harness.stats.estimate import Estimate, Interval
from harness.stats.exchange import Exchange
from harness.stats.multiple import tarone
from harness.store.run_file import RunFile
from harness.verdict.comparability import Change, Subject, changes
from harness.verdict.compare import OVERALL
from harness.verdict.gate_case import FlakyItem, Paired, Unpaired, paired, pooled
from harness.verdict.gate_state import Level, State
from harness.verdict.gate_time import ALPHA_SHARE, TIME_MARGIN, TimeCase, judge_times
from harness.verdict.single_time import has_times
from harness.verdict.spending import ALPHA, alpha_of

_ORDER = {level: place for place, level in enumerate(Level)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A model on a task that the baseline has, or a model over all its tasks (`OVERALL`).

    Attributes:
        reason: of the state, in words.
        n: items compared.
        unscored: answers that were lost; they count against whatever is said.
        score, baseline_score: tonight's mean, and that of the baseline; None: not measured.
        difference: tonight - baseline, each item once; None: not measured.
        interval: of the difference, 95 %.
        p: of "nothing changed", times the number of claims of the night; None: not measured.
        largest_loss: a larger one is ruled out, at 95 %, for this case alone; None: not known.
        can_fail: whether it would be a regression if tonight had scored 0 on every item: not with a handful of items,
            or where the baseline hardly scores.
        lost: items that most runs of the baseline pass and this one does not, those that never flipped first.
        gained: the other way round.
        losses, gains: how many items flipped either way, as a mean over the runs of the baseline.
        flaky: items that flip among the runs of the baseline.
        runs: how many runs of the baseline it is compared with.
        left_out: items that the newest of these runs was asked and this one was not.
    """

    model_key: str
    task: str
    state: State
    reason: str
    n: int = 0
    unscored: int = 0
    score: float | None = None
    baseline_score: float | None = None
    difference: float | None = None
    interval: Interval | None = None
    p: float | None = None
    largest_loss: float | None = None
    can_fail: bool = True
    lost: tuple[str, ...] = ()
    gained: tuple[str, ...] = ()
    losses: float = 0.0
    gains: float = 0.0
    flaky: tuple[FlakyItem, ...] = ()
    runs: int = 0
    left_out: int = 0

    @property
    def level(self) -> Level:
        """What it does to the night."""
        return self.state.level

    @property
    def is_measured(self) -> bool:
        """Whether tonight's answers were put beside the baseline's."""
        return self.difference is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """A run against its baseline.

    Attributes:
        cases: everything that the baseline has, the worst first.
        unknown: models and tasks that only this run has: nothing is said of them.
        changes: what else differs from the newest run of the baseline, by model.
        alpha: the chance of a false regression that is accepted, for all cases together.
        claims: among how many the share of the scores is divided.
        times: how long each model took, where the baseline knows; the worst first.
        slower: how much slower does not matter, as a share.
        time_claims: among how many the share of the times is divided.
        times_note: why no time was compared; "": some were, or the baseline has none.
    """

    run: RunFile
    baseline: tuple[RunFile, ...]
    cases: tuple[Case, ...]
    unknown: tuple[tuple[str, str], ...]
    changes: Mapping[str, tuple[Change, ...]]
    margin: float
    alpha: float
    claims: int
    times: tuple[TimeCase, ...] = ()
    slower: float = 0.0
    time_claims: int = 0
    times_note: str = ""

    @property
    def score_alpha(self) -> float:
        """The share of alpha that scores have."""
        return self.alpha * (1 - ALPHA_SHARE) if self.time_claims else self.alpha

    @property
    def time_alpha(self) -> float:
        """The share of alpha that times have."""
        return self.alpha - self.score_alpha if any(case.is_measured for case in self.cases) else self.alpha

    def all_of(self, *levels: Level) -> list[Case | TimeCase]:
        """Return the cases of scores and of times of these levels, the scores first."""
        found: list[Case | TimeCase] = [*self.cases, *self.times]
        return [case for case in found if case.level in levels]

    def of(self, *levels: Level) -> list[Case]:
        """Return the cases of scores of these levels, the worst first."""
        return [case for case in self.cases if case.level in levels]

    @property
    def is_measured(self) -> bool:
        """Whether anything was compared at all."""
        return any(case.is_measured for case in self.cases) or bool(self.time_claims)

    @property
    def toothless(self) -> list[Case]:
        """The cases that could not have failed, whatever had been answered."""
        return [case for case in self.cases if case.is_measured and not case.can_fail]

    @property
    def can_fail(self) -> bool:
        """Whether any case could have failed."""
        return bool(self.time_claims) or any(case.is_measured and case.can_fail for case in self.cases)

    def is_worse(self, *, is_strict: bool = False) -> bool:
        """Tell whether something got worse; strictly, whether that is not even open."""
        return bool(self.all_of(Level.FAIL, *((Level.WARN,) if is_strict else ())))

    def is_incomplete(self, *, is_strict: bool = False) -> bool:
        """Tell whether a case is missing, or nothing was compared; strictly, also if one was not or none could fail."""
        if not self.is_measured or (is_strict and not self.can_fail):
            return True
        return bool(self.all_of(Level.MISSING, *((Level.NEUTRAL,) if is_strict else ())))


def night(
    run: RunFile,
    baseline: Sequence[RunFile],
    *,
    margin: float,
    tasks: Collection[str] = (),
    slower: float | None = TIME_MARGIN,
) -> Night:
    """Return how a run stands against earlier ones.

    Args:
        run: tonight's.
        baseline: the earlier ones, the newest first; at least one.
        margin: the largest loss of score that does not matter.
        tasks: only these; none: all.
        slower: how much slower does not matter, as a share; None: times are not compared.

    Raises:
        ValueError: a scorer gave a score outside 0 to 1.
    """
    found: dict[tuple[str, str], Paired] = {}
    cases: list[Case] = []
    expected = _finished(baseline, tasks)
    for model_key, task in expected:
        missing = _missing(Subject(run=run, model_key=model_key), task)
        pairs = _pairs(run, baseline, model_key, task) if missing is None else missing
        if isinstance(pairs, Case):
            cases.append(pairs)
        else:
            found[model_key, task] = pairs
    for model_key in dict.fromkeys(key for key, _ in found):
        cells = {task: pairs for (key, task), pairs in found.items() if key == model_key}
        if len(cells) > 1:
            found[model_key, OVERALL] = pooled(cells)
    alpha = min(alpha_of(seen.run.plan.get("rounds", ())) for seen in (run, *baseline))
    times, time_claims = ([], 0) if slower is None else _times(run, baseline, slower, alpha, is_shared=bool(found))
    score_alpha = alpha * (1 - ALPHA_SHARE) if time_claims else alpha
    judged, claims = judge(found, margin=margin, alpha=score_alpha)
    is_untimed = slower is not None and not has_times(run) and any(map(has_times, baseline))
    return Night(
        run=run,
        baseline=tuple(baseline),
        cases=tuple(sorted([*cases, *judged], key=_place)),
        unknown=tuple(cell for cell in _finished([run], tasks) if cell not in expected),
        changes={
            key: _changes(run, baseline, key)
            for key in dict.fromkeys([*(key for key, _ in found), *(case.model_key for case in times)])
        },
        margin=margin,
        alpha=alpha,
        claims=claims,
        times=tuple(sorted(times, key=_time_place)),
        slower=slower or 0.0,
        time_claims=time_claims,
        times_note="this run measured none: it did not run the suite latency" if is_untimed else "",
    )


def _times(
    run: RunFile, baseline: Sequence[RunFile], slower: float, alpha: float, *, is_shared: bool
) -> tuple[list[TimeCase], int]:
    """Return the cases of times, with their share of alpha where scores have one."""
    return judge_times(run, baseline, margin=slower, alpha=alpha * (ALPHA_SHARE if is_shared else 1))


def judge(found: Mapping[tuple[str, str], Paired], *, margin: float, alpha: float = ALPHA) -> tuple[list[Case], int]:
    """Return the case of each model and task, and among how many claims alpha was divided.

    A regression is a loss with p < alpha / claims (exact, two-sided), whose 95 % interval lies below 0, and which is
    larger than the margin, all with the unscored counted in its favour. Whether it is open is judged with the unscored
    counted against it.

    Args:
        found: model and task -> tonight's answers beside the earlier ones.
        margin: the largest loss of score that does not matter.
        alpha: the accepted chance of any false regression.
    """
    tests = {key: pairs.exchange() for key, pairs in found.items()}
    bar = _Bar(margin=margin, alpha=alpha, claims=tarone([test.least for test in tests.values()], alpha))
    return [_judged(*key, pairs, tests[key], bar) for key, pairs in found.items()], bar.claims


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bar:
    """What a regression has to clear."""

    margin: float
    alpha: float
    claims: int


def _finished(runs: Sequence[RunFile], tasks: Collection[str]) -> list[tuple[str, str]]:
    """Return the model and task of each cell that came to its end in a run, in order."""
    cells = [(summary.model_key, summary.task) for run in runs for summary in run.summaries]
    return [cell for cell in dict.fromkeys(cells) if not tasks or cell[1] in tasks]


def _missing(tonight: Subject, task: str) -> Case | None:
    """Return the case where tonight has no result of it; None where it has."""
    run, key = tonight.run, tonight.model_key
    if tonight.summary(task) is not None:
        return None
    planned = run.run.plan
    models = {*map(str, planned.get("models", [])), *(cell.model_key for cell in run.cells)}
    skips = [skip for skip in run.skips if skip.model_key in {None, key} and skip.task in {None, task}]
    why = skips[-1].reason if skips else ""
    if key not in models or any(skip.model_key == key and skip.task is None for skip in skips):
        state, reason = State.NO_MODEL, why or "this run did not ask it"
    elif task not in tonight.tasks:
        state, reason = State.NO_TASK, why or "this run did not ask it"
    else:
        state, reason = State.UNFINISHED, why or "this run ended before it"
    return Case(model_key=key, task=task, state=state, reason=reason)


def _pairs(run: RunFile, baseline: Sequence[RunFile], key: str, task: str) -> Paired | Case:
    earlier = [Subject(run=seen, model_key=key) for seen in baseline]
    with_result = [subject for subject in earlier if subject.summary(task) is not None]
    found = paired(Subject(run=run, model_key=key), with_result, task)
    if isinstance(found, Paired):
        return found
    return Case(model_key=key, task=task, state=_unpaired(found), reason=found.reason)


def _unpaired(found: Unpaired) -> State:
    if found.is_lost:
        return State.UNGRADED if found.is_ungraded else State.LOST
    return State.NO_ITEMS if found.is_empty else State.NOT_COMPARABLE


def _judged(model_key: str, task: str, pairs: Paired, test: Exchange, bar: _Bar) -> Case:
    p = min(1.0, test.p * bar.claims)
    shown = pairs.difference()
    favour = shown if pairs.favour == pairs.against else pairs.difference(in_favour=True)
    if _is_regression(favour, p, bar):
        state, shown = State.REGRESSION, favour
    elif 2 * pairs.left_out > pairs.asked:  # What is gone may be just what failed.
        state = State.FEW_ITEMS
    elif _is_loss(shown, more_than=bar.margin):
        state = State.OPEN
    else:
        state = State.PASSES
    bound = pairs.difference(level=1 - 2 * bar.alpha).interval
    largest_loss = None if bound is None else max(0.0, -bound.low)
    worst = pairs.at_worst()
    flips = {item.item_id for item in pairs.flaky}
    return Case(
        model_key=model_key,
        task=task,
        state=state,
        reason=_few(pairs) if state is State.FEW_ITEMS else _reason(state, shown, p, largest_loss, bar),
        n=shown.n,
        unscored=pairs.unscored,
        score=pairs.score,
        baseline_score=pairs.baseline_score,
        difference=shown.value,
        interval=shown.interval,
        p=p,
        largest_loss=largest_loss,
        can_fail=state is State.REGRESSION or _is_regression(worst.difference(), worst.exchange().p, bar),
        lost=tuple(sorted(pairs.lost, key=lambda item: (item in flips, item))),
        gained=pairs.gained,
        losses=pairs.losses,
        gains=pairs.gains,
        flaky=pairs.flaky,
        runs=pairs.runs,
        left_out=pairs.left_out,
    )


def _few(pairs: Paired) -> str:
    return f"{pairs.left_out} of the {counted(pairs.asked, 'item')} of the baseline's newest run were not asked"


def _reason(state: State, shown: Estimate, p: float, largest_loss: float | None, bar: _Bar) -> str:
    loss = -(shown.value or 0.0)
    if state is State.REGRESSION:
        return f"lower by {loss:.2g} (p = {p:.2g}), more than the margin of {bar.margin:g}"
    if state is State.OPEN:
        return f"lower by {loss:.2g}, which may be chance (p = {p:.2g})"
    if largest_loss is None:
        return "how large a loss it may be is unknown"
    if largest_loss < bar.margin:
        return f"a loss of more than {largest_loss:.2g} is ruled out"
    return f"no loss above the margin seen; one of up to {largest_loss:.2g} is not ruled out"


def _is_regression(difference: Estimate, p: float, bar: _Bar) -> bool:
    is_significant = p < bar.alpha and difference.interval is not None and difference.interval.high < 0
    return is_significant and _is_loss(difference, more_than=bar.margin)


def _is_loss(difference: Estimate, *, more_than: float) -> bool:
    # 1e-9: three items of sixty are a loss of 0.05, and a margin of 0.05 forgives it.
    return difference.value is not None and -difference.value > more_than + 1e-9


def _place(case: Case) -> tuple[int, float, tuple[str, int, str], bool, str]:
    return _ORDER[case.level], case.difference or 0.0, by_effort(case.model_key), case.task == OVERALL, case.task


def _time_place(case: TimeCase) -> tuple[int, float, tuple[str, int, str], str]:
    return _ORDER[case.level], -(case.ratio or 0.0), by_effort(case.model_key), case.task


def _changes(run: RunFile, baseline: Sequence[RunFile], key: str) -> tuple[Change, ...]:
    """Return what differs between this run and the newest one of the baseline that has the model."""
    earlier = next(
        (seen for seen in baseline if any(summary.model_key == key for summary in seen.summaries)), baseline[0]
    )
    found = changes(Subject(run=earlier, model_key=key), Subject(run=run, model_key=key))
    # The embedded server takes another port each night.
    return tuple(change for change in found if change.name != "server_url" or run.run.settings.get("url") != EMBEDDED)
