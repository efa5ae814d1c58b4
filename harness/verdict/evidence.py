"""From run files to the candidates of each task: what each model scored, item by item, and what it costs."""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from operator import itemgetter
from statistics import fmean, median
from typing import Any

from harness.domain.record import InstanceRecord, MeasureRecord, RunRecord
from harness.domain.score import REVIEW
from harness.domain.way import PROMPT
from harness.stats.decision import Verdict, decide
from harness.stats.floor import decide_floor
from harness.stats.latency import is_time
from harness.stats.pairing import Scores
from harness.store.cell import CellKey, CellSamples, ScorerId
from harness.store.run_file import RunFile
from harness.verdict.contender import Contender, Rule, TimeBasis
from harness.verdict.load import Loads, like_for_like, load_of, loads_of
from harness.verdict.noise import is_plain, noise_in
from harness.verdict.spending import ROUND_SAMPLES, alpha_of

_CERTAIN = {Verdict.BETTER, Verdict.NOT_WORSE}
_SAME_FOR_ALL = ("seed", "sampling")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEvidence:
    """What is known of one task.

    Attributes:
        task, task_class: its names.
        candidates: one for each model that was asked.
        runs: the first records of the runs that the answers come from, the newest first.
        instances: the instance that answered, by model key.
        origins: the id of the run whose answers count, by model key.
        scorer: who judged the answers; None: nothing was scored.
        is_demonstration: models of the embedded default are among them, which nobody would choose.
    """

    task: str
    task_class: str
    candidates: tuple[Contender, ...]
    runs: tuple[RunRecord, ...]
    instances: Mapping[str, InstanceRecord] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    scorer: ScorerId | None = None
    is_demonstration: bool = False


def difference(run: RunRecord, other: RunRecord, task: str) -> str:
    """Return why the answers of two runs to a task cannot be put side by side; empty: they can."""
    for name in _SAME_FOR_ALL:
        if getattr(run, name) != getattr(other, name):
            return f"{name} is {getattr(run, name)} in {run.run_id} and {getattr(other, name)} in {other.run_id}"
    asked, others = (record.plan.get("tasks", {}) for record in (run, other))
    if task in asked and task in others and asked[task] != others[task]:
        return f"not the same samples or scorer in {run.run_id} and {other.run_id}"
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    """What is kept of a model on a task."""

    task_class: str
    candidate: Contender
    run: RunRecord
    instance: InstanceRecord | None
    scorer: ScorerId | None
    loads: Loads


class Gathering:
    """What runs say of each task. Of a model that several have asked, the run that was added first counts.

    Tasks are independent: of a run, those are taken that no run before it has asked in another way.

    Only what a choice needs is kept of a run, so that many large files can be gathered one after the other. Only cells
    that came to their end are taken: what a run had asked when it died is not what was planned.
    """

    def __init__(self) -> None:
        self._cells: dict[CellKey, _Cell] = {}

    def wants(self, run: RunRecord, clashes: Container[str] = ()) -> bool:
        """Return whether a run was to ask anything that is not known yet, those tasks aside."""
        models, tasks = run.plan.get("models"), run.plan.get("tasks")
        if not models or not tasks:
            return True  # It does not say what it asked.
        return any(
            CellKey(str(model), task) not in self._cells for model in models for task in tasks if task not in clashes
        )

    def clash(self, run: RunRecord, task: str) -> str:
        """Return why a run's answers to a task cannot stand beside those that were taken; empty: they can."""
        taken = {cell.run.run_id: cell.run for key, cell in self._cells.items() if key.task == task}
        return next(filter(None, (difference(other, run, task) for other in taken.values())), "")

    def clashes(self, run: RunRecord) -> dict[str, str]:
        """Return the planned tasks of a run that cannot be taken, with the reason."""
        found = {task: self.clash(run, task) for task in sorted(run.plan.get("tasks") or ())}
        return {task: why for task, why in found.items() if why}

    def add(self, run: RunFile) -> bool:
        """Take what is not known yet and can stand beside what is; return whether there was anything."""
        before = len(self._cells)
        left_out = {task for task in {summary.task for summary in run.summaries} if self.clash(run.run, task)}
        for summary in run.summaries:
            key = CellKey(summary.model_key, summary.task)
            if key not in self._cells and key.task not in left_out:
                self._cells[key] = _Cell(
                    task_class=summary.task_class,
                    candidate=_candidate(run, key, summary.planned),
                    run=run.run,
                    instance=run.instances.get(key.model_key),
                    scorer=run.scorer(key.task),
                    loads=loads_of([run], key.model_key),
                )
        return len(self._cells) > before

    def tasks(self) -> list[TaskEvidence]:
        """Return what is known of each task, by name."""
        by_task: dict[str, list[_Cell]] = defaultdict(list)
        for key, cell in self._cells.items():
            by_task[key.task].append(cell)
        return [
            TaskEvidence(
                task=task,
                task_class=cells[0].task_class,
                candidates=_with_loads(cells),
                runs=tuple({cell.run.run_id: cell.run for cell in cells}.values()),
                instances={cell.candidate.key: cell.instance for cell in cells if cell.instance is not None},
                origins={cell.candidate.key: cell.run.run_id for cell in cells},
                scorer=next((cell.scorer for cell in cells if cell.scorer is not None), None),
                is_demonstration=any("demonstration" in note for cell in cells for note in cell.run.notes),
            )
            for task, cells in sorted(by_task.items())
        ]


def _with_loads(cells: Sequence[_Cell]) -> tuple[Contender, ...]:
    """Return the candidates of a task with their load times, which are of one kind as far as possible."""
    kind = like_for_like(cell.loads for cell in cells)
    candidates = []
    for cell in cells:
        candidate, found = cell.candidate, load_of(cell.loads, kind)
        if found is not None:
            load_s, loads, own_kind = found
            basis = replace(candidate.basis, loads=loads, load_kind=own_kind)
            candidate = replace(candidate, load_s=load_s, basis=basis)
        candidates.append(candidate)
    return tuple(candidates)


def gather(runs: Iterable[RunFile]) -> list[TaskEvidence]:
    """Return what runs, the newest first, say of each task."""
    gathering = Gathering()
    for run in runs:
        gathering.add(run)
    return gathering.tasks()


def _floor_is_reached(scores: Scores, floor: float, candidate: Contender, alpha: float) -> bool:
    clusters = candidate.clusters
    found = decide_floor(scores, floor, clusters=clusters, alpha=alpha, reduce=itemgetter(0), is_planned=False)
    return found.verdict is Verdict.NOT_WORSE


def certified(candidate: Contender, rule: Rule, primary: Contender | None) -> Contender:
    """Return the candidate with whether the claims hold, each at its alpha: see docs/statistics.md."""
    scores = {item: [score] for item, score in candidate.scores.items()}
    alpha = candidate.alpha if primary is None else min(candidate.alpha, primary.alpha)
    if alpha == 0:
        holds = False
    elif primary is None:
        holds = _floor_is_reached(scores, rule.floor, candidate, alpha)
    else:
        reference = {item: [score] for item, score in primary.scores.items()}
        margin = rule.margin if 0 < rule.margin < 1 else None  # Without one, only what is better is certain.
        clusters = {**primary.clusters, **candidate.clusters}
        decision = decide(
            scores,
            reference,
            margin=margin,
            alpha=alpha,
            clusters=clusters,
            reduce=itemgetter(0),
            is_planned=False,
        )
        holds = decision.verdict in _CERTAIN
    return replace(candidate, is_certified=holds)


def _candidate(run: RunFile, key: CellKey, planned: int | None) -> Contender:
    cell = run.cells.get(key, CellSamples(key))
    times, first_words = (list(filter(is_time, figures)) for figures in (cell.e2e_s, cell.ttft_s))
    instance = run.instances.get(key.model_key)
    alone = [
        measure.value
        for measure in run.measures
        if (measure.model_key, measure.name) == (key.model_key, "ttft_s")
        and is_plain(measure)
        and is_time(measure.value)
    ]
    return Contender(
        key=key.model_key,
        # A run that died in a later round has answers beyond those of its last whole one, and lost those in flight.
        scores=_reduced(islice(cell.values(run.scorer(key.task)), planned)),
        clusters=_shared(cell.clusters()),
        p50_s=median(times) if times else None,
        ttft_s=median(alone or first_words) if alone or first_words else None,
        basis=TimeBasis(answers=len(times), first_words=len(alone or first_words), is_alone=bool(alone)),
        time_noise=noise_in(run, key.model_key, "e2e_s").value,
        size_bytes=instance.size_bytes if instance else None,
        context=instance.max_context_length if instance else None,
        alpha=_alpha(run, key),
        is_reviewed=(scorer := run.scorer(key.task)) is not None and scorer.name == REVIEW,
        is_given_up=_is_given_up(run, key),
        ways=run.ways(*key) or frozenset({PROMPT}),
    )


def _shared(clusters: Mapping[str, str]) -> Mapping[str, str]:
    """Return the clusters of items; none where no two items share one."""
    return clusters if len({*clusters.values()}) < len(clusters) else {}


def _reduced(answers: Iterable[tuple[str, float | None]]) -> dict[str, float | None]:
    """Return the mean over each item's epochs, by item id; None where one of them was lost."""
    epochs: dict[str, float | list[float | None] | None] = {}
    for item, score in answers:
        if item not in epochs:
            epochs[item] = score
        elif isinstance(known := epochs[item], list):
            known.append(score)
        else:
            epochs[item] = [known, score]
    return {item: _mean(scores) if isinstance(scores := epochs[item], list) else scores for item in sorted(epochs)}


def _mean(scores: Sequence[float | None]) -> float | None:
    known = [score for score in scores if score is not None]
    return fmean(known) if len(known) == len(scores) else None


def _is_given_up(run: RunFile, key: CellKey) -> bool:
    """Tell whether the last round that asked a task, in a run until decided, left this model out.

    It then stays out of the choice: its few items may have been easier than those that the others were asked since.
    """
    rounds = [
        (measure.round, measure.model_key)
        for measure in run.measures
        if measure.name == ROUND_SAMPLES and key.task in _tasks(measure)
    ]
    last = max((number for number, _ in rounds), default=0)
    return bool(rounds) and (last, key.model_key) not in rounds


def yardstick_of(evidence: TaskEvidence, key: str) -> Contender | None:
    """Return the primary of this key as the yardstick; None: it was not asked, or lost too many answers to be one."""
    found = contender_of(evidence, key)
    return None if found is None or not found.n or found.has_lost_too_many else found


def _tasks(measure: MeasureRecord) -> Sequence[Any]:
    tasks = measure.params.get("tasks")
    return tasks if isinstance(tasks, list) else ()


def _alpha(run: RunFile, key: CellKey) -> float:
    """Return at which chance of a false claim claims are made; 0 where a race of version 0.1.0 stopped the model."""
    if any(cell.stopped_early for cell in run.summaries if (cell.model_key, cell.task) == key):
        return 0.0
    return alpha_of(run.run.plan.get("rounds", ()))


def contender_of(evidence: TaskEvidence, key: str) -> Contender | None:
    """Return the candidate with this key, in any case, as a run takes its primary; None: it was not asked."""
    return next((candidate for candidate in evidence.candidates if candidate.key.lower() == key.lower()), None)
