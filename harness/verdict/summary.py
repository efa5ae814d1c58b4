"""From the answers of one model to one task to the cell that the table shows."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Any, NamedTuple

from harness.domain.answer import KeptAnswer, Thought
from harness.domain.candidate import fields_of
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
        model_key: the candidate that was asked.
        head: run id and time of the record.
        reducer: its name; an item with fewer scored epochs than its k does not count.
    """
    has_repeats = _has_repeats(answers)
    items = _items(answers, reducer, has_repeats=has_repeats)
    estimate = score_estimate(items.values, clusters=items.clusters)
    seen = _seen(answers, reducer)
    return SummaryRecord(
        **head,
        **fields_of(model_key),
        task=task.name,
        task_class=task.task_class,
        scorer=task.scorer.name,
        n=len(items.values),
        unscored=planned - seen.scored,
        planned=planned,
        epochs=epochs,
        score=estimate.value,
        chance=task.chance,
        low=estimate.interval.low if estimate.interval else None,
        high=estimate.interval.high if estimate.interval else None,
        interval=estimate.interval.method if estimate.interval else "",
        passed=seen.passed,
        by_tier=_tiers(items),
        outcomes=dict(seen.outcomes),
        e2e_p50_s=median(seen.times) if seen.times else None,
        reducer=reducer,
        **_repeats(answers if has_repeats else ()),
        scorer_faults=seen.faults,
        thoughts=_thoughts(seen.thoughts),
        metrics=metrics_of(
            task.scorer, ((answer.target, answer.score) for answer in answers if answer.score is not None)
        ),
    )


@dataclass(slots=True)
class _Seen:
    """What one look at all answers tells; an answer is made anew whenever it is looked at.

    Attributes:
        times: how long the answers took that count.
        scored: how many have a value.
        passed: how many passed.
        outcomes: how many ended in each way.
        faults: why answers could not be judged, of the first five.
        thoughts: what went into thinking, of the answers that count and were thought about.
    """

    times: "array[float]" = field(default_factory=lambda: array("d"))
    scored: int = 0
    passed: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    thoughts: list[Thought] = field(default_factory=list)


def _seen(answers: Sequence[KeptAnswer], reducer: str) -> _Seen:
    seen = _Seen()
    for answer in answers:
        score = answer.score
        seen.outcomes[answer.outcome.value] += 1
        seen.scored += value_of(score, reducer) is not None
        if score is not None:
            seen.passed += bool(score.passed)
            if is_fault(score) and len(seen.faults) < _NAMED_FAULTS:
                seen.faults.append(score.reason)
        if answer.outcome.is_scored:
            if answer.e2e_s is not None:
                seen.times.append(answer.e2e_s)
            if answer.thought is not None:
                seen.thoughts.append(answer.thought)
    return seen


def _thoughts(found: Sequence[Thought]) -> dict[str, float]:
    """Return how many of the answers that count were thought about, and the medians of what that took."""
    columns: dict[str, list[float | None]] = {
        "reasoning_tokens_p50": [thought.tokens for thought in found],
        "answer_tokens_p50": [thought.answer_tokens for thought in found],
        "reasoning_p50_s": [thought.s for thought in found],
        "answer_p50_s": [thought.answer_s for thought in found],
    }
    known = {name: [value for value in values if value is not None] for name, values in columns.items()}
    medians = {name: float(median(values)) for name, values in known.items() if values}
    return {"answers": len(found), **medians} if found else {}


class _Items(NamedTuple):
    """The items that count: the value of each, its cluster (itself, if it has none) and its tier."""

    values: "array[float]"
    clusters: list[str]
    tiers: "array[int]"


def _items(answers: Sequence[KeptAnswer], reducer: str, *, has_repeats: bool) -> _Items:
    """Return what the reducer makes of each item; an item with fewer scored epochs than its k does not count."""
    reduce, least = named(reducer), int(reducer[5:]) if reducer.startswith("pass") else 1
    found = _Items(array("d"), [], array("q"))
    for answer, scores in _scored(answers, reducer, has_repeats=has_repeats):
        if len(scores) >= least:
            found.values.append(reduce(scores))
            found.clusters.append(answer.cluster_id or answer.item_id)
            found.tiers.append(answer.tier)
    return found


def _scored(
    answers: Sequence[KeptAnswer], reducer: str, *, has_repeats: bool
) -> Iterator[tuple[KeptAnswer, list[float]]]:
    """Yield the last answer to each item with what of its scores the reducer works on, one value for each scored epoch.

    Nothing is collected where no item has several answers: there may be tens of thousands.
    """
    if not has_repeats:
        for answer in answers:
            if (value := value_of(answer.score, reducer)) is not None:
                yield answer, [value]
        return
    values: dict[str, list[float]] = defaultdict(list)
    last: dict[str, KeptAnswer] = {}
    for answer in answers:
        last[answer.item_id] = answer
        if (value := value_of(answer.score, reducer)) is not None:
            values[answer.item_id].append(value)
    for item, scores in values.items():
        yield last[item], scores


def _has_repeats(answers: Sequence[KeptAnswer]) -> bool:
    return len({answer.item_id for answer in answers}) < len(answers)


def _tiers(items: _Items) -> dict[str, float]:
    tiers: dict[int, array[float]] = defaultdict(lambda: array("d"))
    for tier, value in zip(items.tiers, items.values, strict=True):
        tiers[tier].append(value)
    return {tier: fmean(scores) for tier, scores in sorted((str(tier), scores) for tier, scores in tiers.items())}


def _repeats(answers: Sequence[KeptAnswer]) -> dict[str, Any]:
    """Return what the epochs tell: the variances are of the scores, flips and rates of the passes.

    It is given no answers where no item has several.
    """
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
