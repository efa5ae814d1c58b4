"""One model against another, or against itself in another run: per task and over all of them.

`comparison` decides at the end of a run; this decides later, between any two whose answers can be put side by side
(`comparability`), with the same rules.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean

from harness.stats.decision import Decision, Verdict, decide_all
from harness.stats.estimate import Estimate
from harness.stats.latency import is_time, ratio_estimate, unpaired_ratio_estimate
from harness.stats.noise import together
from harness.stats.pairing import Scores
from harness.stats.reducer import named
from harness.verdict.answered import Answered, compared_items
from harness.verdict.comparability import NO_ITEMS, Change, Subject, changes, obstacles, task_obstacle
from harness.verdict.load import LoadKind, like_for_like, loads_of
from harness.verdict.noise import TimeClaim, noise_in, other_machine, time_claim
from harness.verdict.single_time import SingleTime, single_times
from harness.verdict.spending import alpha_of

OVERALL = "overall"
ANSWER, FIRST_TOKEN, LOAD = "e2e_s", "ttft_s", "load_time_s"
"""The figures of the latency suite whose noise tells how far a ratio of times can be believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """An item that one side passes and the other does not; its task and id."""

    task: str
    item_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a candidate does differently on a task, or over all of them.

    Attributes:
        task: its name, or `OVERALL`.
        decision: difference, interval, test and verdict.
        score: mean of the candidate's scored items; None: there are none.
        reference_score: the same of the reference.
        lost: items that the reference passes and the candidate does not.
        gained: items that only the candidate passes.
        time: ratio of the times of an answer, candidate / reference, on the same items.
        first_token: ratio of the times to the first token.
        time_says, first_token_says: what may be said of these ratios; None: not measured.
        forced: why this should not have been compared; empty: nothing is against it.
    """

    task: str
    decision: Decision
    score: float | None
    reference_score: float | None
    lost: tuple[Flip, ...]
    gained: tuple[Flip, ...]
    time: Estimate
    first_token: Estimate
    time_says: TimeClaim | None = None
    first_token_says: TimeClaim | None = None
    forced: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """A candidate (B) against a reference (A).

    Attributes:
        tasks: the effect on each task that could be compared.
        overall: on the items of all these tasks together; None: there are fewer than two.
        refused: the tasks that could not be compared, and why.
        unshared: tasks that only one of them was to be asked.
        changes: what else differs.
        times: of single requests, as the suite latency measures them: those that both sides have; none if only some
            tasks were wanted.
        load: ratio of the times of a load.
        load_says: what may be said of it; None: not measured.
        noise: of both sides together, as a logarithm, of the time of an answer, to the first token, and of a load;
            None: not measured on both.
        machine: why their times tell nothing of each other; "": nothing is against it.
        alpha: the chance of a false verdict at which these are made.
    """

    reference: Subject
    candidate: Subject
    tasks: tuple[Effect, ...]
    overall: Effect | None
    refused: Mapping[str, str]
    unshared: tuple[str, ...]
    changes: tuple[Change, ...]
    load: Estimate
    alpha: float
    load_says: TimeClaim | None = None
    noise: Mapping[str, float | None] = field(default_factory=dict)
    machine: str = ""
    times: tuple[SingleTime, ...] = ()

    @property
    def is_measured(self) -> bool:
        """Whether anything of the two was put side by side: scores, or times of single requests."""
        return bool(self.effects) or any(time.says is not None for time in self.times)

    @property
    def effects(self) -> tuple[Effect, ...]:
        """All effects, the overall one last."""
        return self.tasks if self.overall is None else (*self.tasks, self.overall)

    @property
    def is_worse(self) -> bool:
        """Whether the candidate is worse on a task, or overall."""
        return any(effect.decision.verdict is Verdict.WORSE for effect in self.effects)


def contrasts(
    pairs: Sequence[tuple[Subject, Subject]], *, margin: float, tasks: Collection[str] = (), is_forced: bool = False
) -> tuple[Contrast, ...]:
    """Return the contrast of each pair of a reference and a candidate, in this order.

    The chance of a false verdict is 5 % for each task: the candidates of a task are one family (`decide_all`). Where
    somebody looked at a run after each of its rounds, a share of that, as at its end.

    Args:
        pairs: reference first.
        margin: the largest loss of score that does not matter.
        tasks: only these; none: all.
        is_forced: compare also what is not comparable, as far as items have the same id.

    Raises:
        ValueError: a scorer gave a score outside 0 to 1.
    """
    sides = [_Sides(reference, candidate, tasks, is_forced=is_forced) for reference, candidate in pairs]
    alpha = min((side.alpha for side in sides), default=alpha_of(()))
    decisions: dict[str, dict[str, Decision]] = {}
    for task in dict.fromkeys(task for side in sides for task in side.tasks):
        asked = {str(number): side.tasks[task] for number, side in enumerate(sides) if task in side.tasks}
        decisions[task] = decide_all(
            {name: task_sides.scores for name, task_sides in asked.items()},
            clusters={item: name for task_sides in asked.values() for item, name in task_sides.clusters.items()},
            margin=margin,
            alpha=alpha,
            reduce=named(next(iter(asked.values())).reducer),
        )
    several = {str(number): side for number, side in enumerate(sides) if len(side.tasks) > 1}
    decisions[OVERALL] = decide_all(
        {name: side.pooled_scores() for name, side in several.items()},
        clusters={item: name for side in several.values() for item, name in side.pooled_clusters().items()},
        margin=margin,
        alpha=alpha,
    )
    return tuple(
        side.contrast({task: found[str(number)] for task, found in decisions.items() if str(number) in found}, alpha)
        for number, side in enumerate(sides)
    )


@dataclass(slots=True, kw_only=True)
class _TaskSides:
    """What both sides of a pair answered on one task."""

    task: str
    scores: tuple[Scores, Scores]
    clusters: Mapping[str, str]
    reducer: str
    passes: tuple[Mapping[str, bool], Mapping[str, bool]]
    times: tuple[list[float], list[float]]
    first_tokens: tuple[list[float], list[float]]
    forced: str = ""

    def values(self, side: int) -> list[float]:
        """Return the value of each item of a side (0: candidate) that is scored in all its epochs."""
        reduce = named(self.reducer)
        return [
            reduce([score for score in scores if score is not None])
            for scores in self.scores[side].values()
            if scores and None not in scores
        ]

    def flips(self, *, gained: bool) -> list[Flip]:
        """Return the items that only the candidate passes, or only the reference."""
        return _flips(self.task, *self.passes, gained=gained)


class _Sides:
    """A pair of subjects, and what they answered on each task."""

    def __init__(self, reference: Subject, candidate: Subject, tasks: Collection[str], *, is_forced: bool) -> None:
        self.reference = reference
        self.candidate = candidate
        shared = sorted(reference.tasks & candidate.tasks)
        self.times = () if tasks else single_times(reference, candidate)
        self.unshared = tuple(task for task in sorted(reference.tasks ^ candidate.tasks) if not tasks or task in tasks)
        self.tasks: dict[str, _TaskSides] = {}
        self.refused: dict[str, str] = {}
        general = "; ".join(obstacles(reference, candidate))
        for task in shared:
            finished = [side.summary(task) is not None for side in (reference, candidate)]
            if (tasks and task not in tasks) or not any(finished):
                continue
            why = "; ".join(filter(None, (general, task_obstacle(reference, candidate, task))))
            if (why and not is_forced) or not all(finished):
                self.refused[task] = why
                continue
            found = self._task_sides(task, why)
            if found.scores[0]:
                self.tasks[task] = found
            else:
                self.refused[task] = why or NO_ITEMS

    @property
    def alpha(self) -> float:
        """The accepted chance of a false verdict: rounds decide on their answers who is asked more."""
        return min(alpha_of(side.run.run.plan.get("rounds", ())) for side in (self.reference, self.candidate))

    def _task_sides(self, task: str, forced: str) -> _TaskSides:
        summary = self.reference.summary(task)
        assert summary is not None  # noqa: S101  (the caller has looked)
        ours, theirs = (Answered(side, task, summary.reducer) for side in (self.candidate, self.reference))
        items = compared_items(ours, theirs)
        return _TaskSides(
            task=task,
            scores=(ours.scores(items, summary.epochs), theirs.scores(items, summary.epochs)),
            clusters={**theirs.clusters, **ours.clusters},
            reducer=summary.reducer,
            passes=(ours.passes(), theirs.passes()),
            times=_shared(ours.times, theirs.times),
            first_tokens=_shared(ours.first_tokens, theirs.first_tokens),
            forced=forced,
        )

    def pooled_scores(self) -> tuple[Scores, Scores]:
        """Return both sides' scores over all tasks, each item reduced to one value first."""
        candidate: dict[str, list[float | None]] = {}
        reference: dict[str, list[float | None]] = {}
        for task, sides in self.tasks.items():
            reduce = named(sides.reducer)
            for pooled, scores in zip((candidate, reference), sides.scores, strict=True):
                for item, epochs in scores.items():
                    known = [score for score in epochs if score is not None]
                    pooled[f"{task} {item}"] = [reduce(known) if known and len(known) == len(epochs) else None]
        return candidate, reference

    def pooled_clusters(self) -> dict[str, str]:
        """Return the cluster of each item of `pooled_scores`."""
        return {
            f"{task} {item}": f"{task} {name}"
            for task, sides in self.tasks.items()
            for item, name in sides.clusters.items()
        }

    def contrast(self, decisions: Mapping[str, Decision], alpha: float) -> Contrast:
        """Return the contrast, given its decisions by task, and at which alpha they were made."""
        sides = self.reference, self.candidate
        machine = other_machine(self.reference.run.run, self.candidate.run.run)
        noise = {
            name: together([noise_in(side.run, side.model_key, name) for side in sides])
            for name in (ANSWER, FIRST_TOKEN, LOAD)
        }
        load = _load_ratio(self.candidate, self.reference)

        def effect(task: str, parts: Sequence[_TaskSides]) -> Effect:
            found = _effect(task, decisions[task], parts)
            return replace(
                found,
                time_says=time_claim(found.time, noise[ANSWER], machine=machine),
                first_token_says=time_claim(found.first_token, noise[FIRST_TOKEN], machine=machine),
            )

        return Contrast(
            reference=self.reference,
            candidate=self.candidate,
            tasks=tuple(effect(task, [sides]) for task, sides in self.tasks.items()),
            overall=effect(OVERALL, list(self.tasks.values())) if OVERALL in decisions else None,
            refused=self.refused,
            unshared=self.unshared,
            changes=changes(*sides),
            load=load,
            load_says=time_claim(load, noise[LOAD], machine=machine),
            noise=noise,
            machine=machine,
            alpha=alpha,
            times=self.times,
        )


def flips_between(reference: Subject, candidate: Subject, task: str) -> tuple[list[Flip], list[Flip]]:
    """Return the items of a task that only the reference passes, and those that only the candidate passes."""
    ours, theirs = (Answered(side, task, "majority").passes() for side in (candidate, reference))
    return _flips(task, ours, theirs, gained=False), _flips(task, ours, theirs, gained=True)


def _flips(task: str, ours: Mapping[str, bool], theirs: Mapping[str, bool], *, gained: bool) -> list[Flip]:
    return [
        Flip(task=task, item_id=item)
        for item in sorted({*ours} & {*theirs})
        if ours[item] != theirs[item] and ours[item] is gained
    ]


def _effect(task: str, decision: Decision, sides: Sequence[_TaskSides]) -> Effect:
    ours, theirs = ([value for part in sides for value in part.values(side)] for side in (0, 1))
    return Effect(
        task=task,
        decision=decision,
        score=fmean(ours) if ours else None,
        reference_score=fmean(theirs) if theirs else None,
        lost=tuple(flip for part in sides for flip in part.flips(gained=False)),
        gained=tuple(flip for part in sides for flip in part.flips(gained=True)),
        time=_ratio(part.times for part in sides),
        first_token=_ratio(part.first_tokens for part in sides),
        forced="; ".join(dict.fromkeys(part.forced for part in sides if part.forced)),
    )


def _ratio(parts: Iterable[tuple[list[float], list[float]]]) -> Estimate:
    found = list(parts)
    return ratio_estimate(
        [time for ours, _ in found for time in ours], [time for _, theirs in found for time in theirs]
    )


def _shared(
    ours: Mapping[str, Sequence[float]], theirs: Mapping[str, Sequence[float]]
) -> tuple[list[float], list[float]]:
    items = sorted({*ours} & {*theirs})
    return [fmean(ours[item]) for item in items], [fmean(theirs[item]) for item in items]


def _load_ratio(candidate: Subject, reference: Subject) -> Estimate:
    """Return the ratio of load times of one kind, warm ones first; of all of them where there is no common kind.

    There are more rounds of warm loads, and their noise is known.
    """
    sides = [loads_of([subject.run], subject.model_key) for subject in (candidate, reference)]
    kind = like_for_like(sides, first=LoadKind.WARM)
    ours, theirs = (
        [time_s for own, times in loads.items() if kind in (None, own) for time_s in times if is_time(time_s)]
        for loads in sides
    )
    return unpaired_ratio_estimate(ours, theirs)
