"""Verdicts at the end of a run, from its own records: every model against the reference, and against its floor."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from harness.domain.candidate import fields_of
from harness.domain.record import ComparisonRecord, SummaryRecord
from harness.domain.way import way_text
from harness.settings import Settings
from harness.stats.decision import Decision, Verdict, decide_all
from harness.stats.estimate import Interval
from harness.stats.floor import decide_floor
from harness.stats.pairing import Scores
from harness.stats.reducer import named
from harness.store.cell import CellKey
from harness.store.run_file import RunFile
from harness.verdict.spending import alpha_of
from harness.verdict.supply import Supply
from harness.verdict.value import value_of


@dataclass(slots=True, kw_only=True)
class _Scored:
    """What one model scored on one task: item -> epoch -> value, and the item's cluster."""

    summary: SummaryRecord | None = None
    values: dict[str, dict[int, float | None]] = field(default_factory=lambda: defaultdict(dict))
    clusters: dict[str, str] = field(default_factory=dict)
    ways: frozenset[str] = frozenset()


def comparisons(
    run: RunFile,
    settings: Settings,
    *,
    reference: str | None,
    head: Callable[[], dict[str, Any]],
    by_task: Mapping[str, str | None] = MappingProxyType({}),
    supply: Supply | None = None,
) -> Iterator[ComparisonRecord]:
    """Yield the verdicts on every task: on each model against the reference, and on each model against the floor.

    Only models whose task came to its end (they have a summary) are candidates; what they were not asked counts as
    lost. The floor is the user's. After several looks each claim is made at a share of its 5 %.

    Args:
        run: its file so far.
        settings: of the run.
        reference: its model key; None: no model is compared with another.
        head: run id and time of a record.
        by_task: the reference of tasks that this one is not asked.
        supply: how many items the tasks can give; None: as many as it takes.

    Raises:
        ValueError: a scorer gave a score outside 0 to 1.
    """
    alpha = alpha_of(settings.rounds)
    ended = [CellKey(summary.model_key, summary.task) for summary in run.summaries]
    for task in dict.fromkeys(key.task for key in (*run.cells, *ended)):
        candidates = {key.model_key for key in ended if key.task == task}
        against = by_task.get(task, reference)
        if task not in settings.floors and (against is None or candidates <= {against}):
            continue  # There is nothing to claim. Scores by item are large, so they are not put together for that.
        models = _models(run, task, settings.reducer)
        found = list(_against_reference(models, against, settings.margin, alpha, head))
        if task in settings.floors:
            found += [
                _against_floor(cell, cell.summary, settings.floors[task], alpha, head)
                for cell in models.values()
                if cell.summary is not None
            ]
        for record in found:
            yield record if supply is None else _capped(record, supply)


def _capped(record: ComparisonRecord, supply: Supply) -> ComparisonRecord:
    """Return the verdict without a number of items that the task cannot give."""
    if record.needed is None or supply.has(record.task, record.needed):
        return record
    reason = f"{record.reason}; it would take {record.needed:,} items, more than the task has"
    return record.model_copy(update={"needed": None, "needed_for": "", "reason": reason})


def _models(run: RunFile, task: str, reducer: str) -> dict[str, _Scored]:
    """Return what each model scored on a task, by the task's own scorer."""
    scored: dict[str, _Scored] = defaultdict(_Scored)
    for key, samples in run.cells.items():
        if key.task != task:
            continue
        cell = scored[key.model_key]
        cell.ways = frozenset(samples.ways)
        for sample in samples:
            cell.clusters[sample.item_id] = sample.cluster_id or f"item {sample.item_id}"
            if (score := run.score(sample)) is not None:
                cell.values[sample.item_id][sample.epoch] = value_of(score, reducer)
    for summary in run.summaries:
        if summary.task == task:
            scored[summary.model_key].summary = summary
    return scored


def _pair(candidate: _Scored, reference: _Scored) -> tuple[Scores, Scores]:
    """Return both models' scores of the items that were planned for both; what a third was asked does not matter."""
    both = (candidate, reference)
    return _scores(candidate, both), _scores(reference, both)


def _scores(cell: _Scored, compared: Sequence[_Scored]) -> dict[str, list[float | None]]:
    """Return the scores by item, with None for every answer that was planned for all the compared and is not there.

    A model may have been planned fewer items (there was no time for more): what it has then is all of its plan, and
    what it lacks was left out for all, whatever its scores are. What a plan lacks was lost.
    """
    summaries = [other.summary for other in compared if other.summary is not None]
    epochs = max(summary.epochs for summary in summaries)
    planned = min((summary.planned or 0) // epochs for summary in summaries)
    whole = [
        other for other in compared if other.summary and len(other.values) * epochs >= (other.summary.planned or 0)
    ]
    asked = dict.fromkeys(item for other in compared for item in other.values)
    known = [item for item in asked if all(item in other.values for other in whole)]
    known += [f"not asked {number}" for number in range(planned - len(known))]
    return {item: [cell.values.get(item, {}).get(epoch) for epoch in range(1, epochs + 1)] for item in known}


def _against_reference(
    models: Mapping[str, _Scored],
    reference: str | None,
    margin: float,
    alpha: float,
    head: Callable[[], dict[str, Any]],
) -> Iterator[ComparisonRecord]:
    asked = {model: cell.summary for model, cell in models.items() if cell.summary and model != reference}
    if reference is None or not asked:
        return
    yardstick = models.get(reference, _Scored())
    stopped = {model for model, cell in models.items() if cell.summary and cell.summary.stopped_early}
    compared = [model for model in asked if not stopped & {model, reference}] if yardstick.summary else []
    decisions: dict[str, Decision] = {}
    if compared:
        decisions = decide_all(
            {model: _pair(models[model], yardstick) for model in compared},
            clusters={item: name for cell in models.values() for item, name in cell.clusters.items()},
            margin=margin,
            alpha=alpha,
            reduce=named(asked[compared[0]].reducer),
        )
    for model, summary in asked.items():
        facts: dict[str, Any] = {
            **fields_of(model),
            "task": summary.task,
            "task_class": summary.task_class,
            "reference": reference,
        }
        if model in decisions:
            decided = _decided(decisions[model])
            decided["reason"] += _ways(models[model], yardstick)
            yield ComparisonRecord(**head(), **facts, **decided, alpha=alpha)
            continue
        why = "the reference did not complete this task"
        if yardstick.summary:
            why = f"a race has stopped {model if model in stopped else 'the reference'} before all items were asked"
        yield ComparisonRecord(
            **head(), **facts, verdict=Verdict.NOT_DECIDED.value, reason=why, n=0, unscored=0, margin=margin
        )


def _ways(candidate: _Scored, reference: _Scored) -> str:
    """Return in which ways the two were asked, where these differ: a claim says what it is about."""
    if candidate.ways == reference.ways:
        return ""
    ways = f"{way_text(candidate.ways)}, the reference {way_text(reference.ways)}"
    return f"; each got the functions in its own way: {ways}"


def _decided(decision: Decision) -> dict[str, Any]:
    comparison = decision.comparison
    return {
        "verdict": decision.verdict.value,
        "reason": decision.reason,
        "n": decision.n,
        "unscored": decision.unscored,
        "difference": comparison.difference,
        **_bounds(comparison.interval),
        "p": decision.p,
        "test": comparison.method,
        "candidate_only": comparison.candidate_only,
        "reference_only": comparison.reference_only,
        "margin": decision.margin,
        "needed": decision.needed,
        "needed_for": decision.needed_for or "",
    }


def _against_floor(
    cell: _Scored, summary: SummaryRecord, floor: float, alpha: float, head: Callable[[], dict[str, Any]]
) -> ComparisonRecord:
    facts: dict[str, Any] = {
        **fields_of(summary.model_key),
        "task": summary.task,
        "task_class": summary.task_class,
        "floor": floor,
    }
    if summary.stopped_early:
        why = "a race of an earlier version has stopped this model before all items were asked"
        return ComparisonRecord(
            **head(), **facts, verdict=Verdict.NOT_DECIDED.value, reason=why, n=0, unscored=summary.unscored
        )
    decision = decide_floor(
        _scores(cell, [cell]), floor, clusters=cell.clusters, alpha=alpha, reduce=named(summary.reducer)
    )
    score = decision.estimate.value
    return ComparisonRecord(
        **head(),
        **facts,
        verdict=decision.verdict.value,
        reason=decision.reason,
        n=decision.n,
        unscored=decision.unscored,
        difference=None if score is None else score - floor,
        **_bounds(decision.estimate.interval, less=floor),
        needed=decision.needed,
        alpha=alpha,
    )


def _bounds(interval: Interval | None, *, less: float = 0.0) -> dict[str, Any]:
    if interval is None:
        return {}
    return {"low": interval.low - less, "high": interval.high - less, "interval": interval.method}
