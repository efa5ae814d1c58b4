"""From the answers of one model to one task to the cell that the table shows."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean, median
from typing import Any

from harness.domain.answer import KeptAnswer
from harness.domain.record import SummaryRecord
from harness.domain.score import metrics_of
from harness.scoring.judge import is_fault
from harness.stats.interval import score_estimate
from harness.stats.reducer import named
from harness.stats.repeat import flip_rate, item_rates, repeat_variance
from harness.task.task import Task
from harness.verdict.value import value_of

_NAMED_FAULTS = 5


def summarise(
    task: Task,
    answers: Sequence[KeptAnswer],
    *,
    planned: int,
    epochs: int,
    model_key: str,
    head: dict[str, Any],
    reducer: str = "mean",
) -> SummaryRecord:
    """Return the summary of a cell: items are the unit, the epochs of an item are reduced to one value first.

    Args:
        task: what was asked.
        answers: all that came back; those that did not count as unscored.
        planned: how many answers there should be.
        epochs: repeats of each item.
        model_key: the model that was asked.
        head: run id and time of the record.
        reducer: its name; an item with fewer scored epochs than its k does not count.
    """
    values = _values(answers, reducer)
    places = {answer.item_id: answer for answer in answers}
    reduce, least = named(reducer), int(reducer[5:]) if reducer.startswith("pass") else 1
    items = {item: reduce(scores) for item, scores in values.items() if len(scores) >= least}
    estimate = score_estimate(list(items.values()), clusters=[places[item].cluster_id or item for item in items])
    times = [answer.e2e_s for answer in answers if answer.e2e_s is not None and answer.outcome.is_scored]
    scored = sum(map(len, values.values()))
    return SummaryRecord(
        **head,
        model_key=model_key,
        task=task.name,
        task_class=task.task_class,
        scorer=task.scorer.name,
        n=len(items),
        unscored=planned - scored,
        planned=planned,
        epochs=epochs,
        score=estimate.value,
        chance=task.chance,
        low=estimate.interval.low if estimate.interval else None,
        high=estimate.interval.high if estimate.interval else None,
        interval=estimate.interval.method if estimate.interval else "",
        passed=sum(1 for answer in answers if answer.score is not None and answer.score.passed),
        by_tier=_tiers(items, places),
        outcomes=dict(Counter(answer.outcome.value for answer in answers)),
        e2e_p50_s=median(times) if times else None,
        reducer=reducer,
        **_repeats(answers),
        scorer_faults=_scorer_faults(answers),
        metrics=metrics_of(
            task.scorer, ((answer.target, answer.score) for answer in answers if answer.score is not None)
        ),
    )


def _scorer_faults(answers: Sequence[KeptAnswer]) -> list[str]:
    """Return why answers could not be judged, of the first five."""
    return [answer.score.reason for answer in answers if answer.score and is_fault(answer.score)][:_NAMED_FAULTS]


def _values(answers: Sequence[KeptAnswer], reducer: str) -> dict[str, list[float]]:
    """Return what of the scores of each item the reducer works on, one value for each scored epoch."""
    values: dict[str, list[float]] = defaultdict(list)
    for answer in answers:
        if (value := value_of(answer.score, reducer)) is not None:
            values[answer.item_id].append(value)
    return values


def _tiers(items: Mapping[str, float], places: Mapping[str, KeptAnswer]) -> dict[str, float]:
    tiers: dict[str, list[float]] = defaultdict(list)
    for item, value in items.items():
        tiers[str(places[item].tier)].append(value)
    return {tier: fmean(scores) for tier, scores in sorted(tiers.items())}


def _repeats(answers: Sequence[KeptAnswer]) -> dict[str, Any]:
    """Return what the epochs tell: the variances are of the scores, flips and rates of the passes."""
    scores: dict[str, list[float]] = defaultdict(list)
    passes: dict[str, list[bool]] = defaultdict(list)
    for answer in answers:
        if (value := value_of(answer.score, "mean")) is not None:
            scores[answer.item_id].append(value)
            passes[answer.item_id].append(value_of(answer.score, "majority") == 1)
    variance = repeat_variance(list(scores.values()))
    return {
        "repeats": {
            "between": variance.between,
            "within": variance.within,
            "flip_rate": flip_rate(list(passes.values())),
            "reason": variance.reason,
        },
        "item_rates": item_rates(passes) if len(scores) < sum(map(len, scores.values())) else {},
    }
