"""From the answers of `choose` to the routing file that scripts ask: who takes which task, until when, and why."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from statistics import fmean

from harness.clock import Clock, timestamp
from harness.command.choose import Chosen
from harness.domain.candidate import fields_of
from harness.domain.record import InstanceRecord, RunRecord
from harness.domain.routing import (
    RouteAnswer,
    RouteBaseline,
    RouteBaselines,
    RoutedModel,
    RouteEvidence,
    RouteServer,
    RoutingFile,
    TaskRoute,
)
from harness.errors import StoreError
from harness.run.provenance import harness_version
from harness.stats.interval import wilson
from harness.verdict.board import Standing
from harness.verdict.choose import AnswerKind
from harness.verdict.contender import Contender, Rule
from harness.verdict.single import best_single, is_sure, largest, size_bytes, total_s
from harness.verdict.task_choice import TaskChoice


def routing_file(chosen: Chosen, rule: Rule, *, valid_for_s: float, clock: Clock) -> RoutingFile:
    """Return the routing file of these answers.

    Args:
        chosen: the answers.
        rule: how they were chosen.
        valid_for_s: how long an answer holds, from the beginning of the oldest run that it rests on.
        clock: for the date of the file.

    Raises:
        StoreError: a run file has no date.
    """
    return RoutingFile(
        made_at=timestamp(clock.now()),
        harness_version=harness_version(),
        rule={name: getattr(rule, name) for name in rule.__slots__},
        primary=chosen.primary,
        baselines=_baselines(chosen, rule),
        tasks={found.evidence.task: _route(found, rule, valid_for_s=valid_for_s) for found in chosen.tasks},
    )


def stale_tasks(routing: RoutingFile, *, now: datetime) -> list[str]:
    """Return the tasks whose answer holds no longer."""
    return [task for task, route in routing.tasks.items() if datetime.fromisoformat(route.evidence.valid_until) <= now]


def takers(found: TaskChoice, rule: Rule) -> Sequence[Standing]:
    """Return all models that may take a task, the named one first; none where the answer is open or primary."""
    choice = found.choice
    if choice.answer is not AnswerKind.MODEL or choice.chosen is None:
        return ()
    sure = [standing for standing in choice.standings if is_sure(standing, rule)]
    if rule.is_safe:
        return [standing for standing in sure if standing.candidate.is_certified] or [choice.chosen]
    return sure


def _route(found: TaskChoice, rule: Rule, *, valid_for_s: float) -> TaskRoute:
    choice, evidence = found.choice, found.evidence
    named = takers(found, rule)
    others = [standing for standing in choice.standings if standing not in named]
    answer: RouteAnswer = choice.answer.value
    if choice.answer is AnswerKind.MODEL and choice.is_certified:
        answer = "certified"
    return TaskRoute(
        task_class=evidence.task_class,
        answer=answer,
        **fields_of(choice.key if named else None),
        best_so_far=None if named else choice.key,
        items_to_settle=choice.needed,
        suffices=[_model(standing, evidence.instances) for standing in named],
        rejected=[_model(standing, evidence.instances, _reason(standing, rule)) for standing in others],
        evidence=_evidence(found, valid_for_s=valid_for_s),
        is_demonstration=evidence.is_demonstration,
    )


def _reason(standing: Standing, rule: Rule) -> str:
    if standing.refusal:
        return standing.refusal
    if standing.suffices < rule.confidence:
        return f"suffices with a probability of {standing.suffices:.2f}: {rule.confidence:g} is needed"
    return "is not certified"


def _model(standing: Standing, instances: Mapping[str, InstanceRecord], reason: str = "") -> RoutedModel:
    candidate = standing.candidate
    instance = instances.get(candidate.key)
    low, high = _bounds(candidate)
    return RoutedModel(
        **fields_of(candidate.key),
        variant=instance.variant if instance else None,
        quantisation=instance.quantisation if instance else None,
        size_bytes=candidate.size_bytes,
        n=candidate.n,
        lost=candidate.lost,
        score=candidate.score,
        low=low,
        high=high,
        suffices=float(standing.suffices),
        is_certified=candidate.is_certified,
        p50_s=candidate.p50_s,
        load_s=candidate.load_s,
        reason=reason,
    )


def _bounds(candidate: Contender | None) -> tuple[float | None, float | None]:
    if candidate is None or not candidate.n:
        return None, None
    interval = wilson(sum(candidate.values), candidate.n)
    return interval.low, interval.high


def _evidence(found: TaskChoice, *, valid_for_s: float) -> RouteEvidence:
    choice, evidence = found.choice, found.evidence
    named = choice.chosen.candidate if choice.chosen else None
    low, high = _bounds(named)
    oldest = min(map(_began, evidence.runs))
    servers = {(run.server_kind, run.server_url, run.server_version) for run in evidence.runs}
    return RouteEvidence(
        run_ids=[run.run_id for run in evidence.runs],
        measured_at=timestamp(oldest),
        valid_until=timestamp(_later(oldest, valid_for_s)),
        n=named.n if named else 0,
        score=named.score if named else None,
        low=low,
        high=high,
        yardstick=choice.yardstick,
        expected_regret=choice.regret,
        nothing_much_better=choice.nothing_much_better,
        loss_to_largest=choice.loss_to_largest,
        suite_hash=str(evidence.runs[0].plan.get("tasks", {}).get(evidence.task, "")),
        scorer=evidence.scorer.name if evidence.scorer else None,
        scorer_version=evidence.scorer.version if evidence.scorer else None,
        servers=[RouteServer(kind=kind, url=url, version=version) for kind, url, version in sorted(servers, key=str)],
        harness_versions=sorted({run.harness_version for run in evidence.runs}),
    )


def _began(run: RunRecord) -> datetime:
    try:
        began = datetime.fromisoformat(run.at)
        return began if began.tzinfo else began.astimezone()
    except ValueError as exc:
        raise StoreError(f"run {run.run_id} has no date: expected ISO 8601, got {run.at!r}") from exc


def _later(moment: datetime, seconds: float) -> datetime:
    try:
        return moment + timedelta(seconds=seconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=moment.tzinfo)


def _baselines(chosen: Chosen, rule: Rule) -> RouteBaselines:
    standings: dict[str, dict[str, Standing]] = defaultdict(dict)
    for found in chosen.tasks:
        for standing in found.choice.standings:
            standings[standing.candidate.key][found.evidence.task] = standing
    if not standings:
        return RouteBaselines()
    all_models = {key: _baseline(key, by_task, rule) for key, by_task in standings.items()}
    smallest = min(standings, key=lambda key: (size_bytes(standings[key].values()), key))
    return RouteBaselines(
        smallest=all_models[smallest],
        largest=all_models[largest(standings)],
        best_single=all_models[best_single(standings, rule)],
        primary=_primary(chosen),
    )


def _baseline(key: str, by_task: Mapping[str, Standing], rule: Rule) -> RouteBaseline:
    candidates = [standing.candidate for standing in by_task.values()]
    return RouteBaseline(
        **fields_of(key),
        suffices_for=sorted(task for task, standing in by_task.items() if is_sure(standing, rule)),
        mean_score=_mean(candidates),
        total_p50_s=total_s(candidates),
    )


def _primary(chosen: Chosen) -> RouteBaseline | None:
    """Return what the primary scores; as it is the yardstick, it suffices wherever its answers are known."""
    known = {found.evidence.task: found.primary for found in chosen.tasks if found.primary is not None}
    if chosen.primary is None or not known:
        return None
    return RouteBaseline(
        **fields_of(chosen.primary),
        suffices_for=sorted(known),
        mean_score=_mean(list(known.values())),
        total_p50_s=total_s(list(known.values())),
    )


def _mean(candidates: Sequence[Contender]) -> float | None:
    scores = [candidate.score for candidate in candidates if candidate.score is not None]
    return fmean(scores) if scores else None
