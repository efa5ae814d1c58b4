"""From the answers of one model to one task to the cell that the table shows."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from statistics import fmean, median
from typing import Any

from harness.domain.record import SummaryRecord
from harness.runner.ask import Answer
from harness.stats.interval import score_interval
from harness.task.task import Task


def summarise(
    task: Task, answers: Sequence[Answer], *, planned: int, epochs: int, model_key: str, head: dict[str, Any]
) -> SummaryRecord:
    """Return the summary of a cell: items are the unit, the epochs of an item are averaged first.

    Args:
        task: what was asked.
        answers: as many as came back; those that never did count as unscored.
        planned: how many answers there should be.
        epochs: repeats of each item.
        model_key: who was asked.
        head: run id and time of the record.
    """
    values: dict[str, list[float]] = defaultdict(list)
    for answer in answers:
        if answer.score is not None and answer.score.value is not None:
            values[answer.job.sample.item_id].append(answer.score.value)
    samples = {answer.job.sample.item_id: answer.job.sample for answer in answers}
    items = {item: fmean(scores) for item, scores in values.items()}
    clusters = [samples[item].cluster_id or item for item in items]
    interval = score_interval(list(items.values()), clusters=clusters) if items else None
    tiers: dict[str, list[float]] = defaultdict(list)
    for item, value in items.items():
        tiers[str(samples[item].tier)].append(value)
    times = [answer.generation.times.e2e_s for answer in answers if answer.generation and answer.outcome.is_scored]
    return SummaryRecord(
        **head,
        model_key=model_key,
        task=task.name,
        task_class=task.task_class,
        scorer=task.scorer.name,
        n=len(items),
        unscored=planned - sum(len(scores) for scores in values.values()),
        epochs=epochs,
        score=fmean(items.values()) if items else None,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        interval=interval.method if interval else "",
        passed=sum(1 for answer in answers if answer.score is not None and answer.score.passed),
        by_tier={tier: fmean(scores) for tier, scores in sorted(tiers.items())},
        outcomes=dict(Counter(answer.outcome.value for answer in answers)),
        e2e_p50_s=median(times) if times else None,
    )
