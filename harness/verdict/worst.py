"""Which samples of a run to look at, the worst first."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from harness.store.cell import SampleEntry
from harness.store.run_file import RunFile
from harness.verdict.comparability import Subject
from harness.verdict.compare import flips_between
from harness.verdict.value import value_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleFilter:
    """Which samples: those that meet all of it. What is empty leaves none out.

    Attributes:
        tasks: of these tasks.
        model_key: of this model.
        items: these items.
        outcomes: that ended so.
        is_failed: that count, were judged and do not pass.
        flipped: two models: items that one of them passes and the other does not, and their answers.
    """

    tasks: Collection[str] = ()
    model_key: str = ""
    items: Collection[str] = ()
    outcomes: Collection[str] = ()
    is_failed: bool = False
    flipped: tuple[str, str] | tuple[()] = ()


def worst_first(run: RunFile, wanted: SampleFilter) -> list[SampleEntry]:
    """Return the samples that are wanted, the worst first.

    First come answers that no scorer could judge, then those with the lowest score, last what the server or an
    interruption took. Of equal scores, the items that the run's models do best on come first: there a miss says most.

    Where flipped items are wanted, those that only the first model passes come first, then those that only the second
    passes; the answers to one item stand together.
    """
    found = [sample for _, sample in run.samples() if _is_wanted(run, sample, wanted)]
    if wanted.flipped:
        places = {item: place for place, item in enumerate(_flipped(run, wanted.flipped))}
        found = [sample for sample in found if (sample.key.task, sample.item_id) in places]
        return sorted(found, key=_by_place(places, wanted.flipped))
    means = _means(run)
    return sorted(
        found,
        key=lambda sample: badness(
            is_counted=sample.is_counted,
            value=value_of(run.score(sample), "mean"),
            item_mean=means.get((sample.key.task, sample.item_id), 0.0),
        ),
    )


def badness(*, is_counted: bool, value: float | None, item_mean: float) -> tuple[int, float, float]:
    """Return what samples are ordered by, the worst first; see `worst_first`.

    Args:
        is_counted: whether the outcome counts.
        value: of the score; None: no scorer could judge the answer.
        item_mean: the mean score of the item over all models and epochs.
    """
    if not is_counted:
        return 2, 0.0, 0.0
    return (0, 0.0, 0.0) if value is None else (1, value, -item_mean)


def _is_wanted(run: RunFile, sample: SampleEntry, wanted: SampleFilter) -> bool:
    return (
        (not wanted.tasks or sample.key.task in wanted.tasks)
        and (not wanted.model_key or sample.key.model_key == wanted.model_key)
        and (not wanted.items or sample.item_id in wanted.items)
        and (not wanted.outcomes or sample.outcome in wanted.outcomes)
        and (not wanted.flipped or sample.key.model_key in wanted.flipped)
        and (not wanted.is_failed or (sample.is_counted and value_of(run.score(sample), "majority") == 0))
    )


def _flipped(run: RunFile, models: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """Yield task and id of the items that flip between two models, those that only the first passes first."""
    first, second = (Subject(run=run, model_key=key) for key in models)
    both = [flips_between(first, second, task) for task in sorted(first.tasks & second.tasks)]
    for flips in (*(lost for lost, _ in both), *(gained for _, gained in both)):
        yield from ((flip.task, flip.item_id) for flip in flips)


def _by_place(
    places: dict[tuple[str, str], int], models: tuple[str, str]
) -> Callable[[SampleEntry], tuple[int, int, int]]:
    return lambda sample: (
        places[sample.key.task, sample.item_id],
        models.index(sample.key.model_key),
        sample.epoch,
    )


def _means(run: RunFile) -> dict[tuple[str, str], float]:
    """Return the mean score of each item over all models and epochs."""
    sums: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for _, sample in run.samples():
        value = value_of(run.score(sample), "mean") if sample.is_counted else None
        if value is not None:
            total = sums[sample.key.task, sample.item_id]
            total[0] += value
            total[1] += 1
    return {item: total / count for item, (total, count) in sums.items()}
