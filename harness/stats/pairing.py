"""From the answers of two models to paired scores, with what went unscored on the losing side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from harness.stats.reducer import Reducer, mean

MOST_UNSCORED = 0.05
"""The largest share of unscored answers of either model with which anything is claimed."""

Scores: TypeAlias = Mapping[str, Sequence[float | None]]
"""Item id -> one score an epoch, within 0 to 1; None: unscored (the answer was lost, not wrong)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Paired scores under one assumption about the unscored ones; both in the order of the items."""

    candidate: tuple[float, ...]
    reference: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """The items of two models side by side.

    Attributes:
        items: ids, sorted.
        clusters: one name an item.
        against: unscored counted against the candidate: 0 for it, 1 for the reference. What is claimed *for* the
            candidate has to hold here.
        favour: unscored counted in its favour: 1 for it, 0 for the reference. What is claimed *against* the candidate
            has to hold here.
        unscored: unscored answers of both.
        refusal: why nothing may be claimed, else empty.
    """

    items: tuple[str, ...]
    clusters: tuple[str, ...]
    against: Sides
    favour: Sides
    unscored: int
    refusal: str


def pair(
    candidate: Scores, reference: Scores, *, clusters: Mapping[str, str] | None = None, reduce: Reducer = mean
) -> Pairs:
    """Return both models' items by id, with the repeats of each item reduced to one value.

    An item that only one model was asked counts as unscored for the other, so that no model wins by leaving items out.

    Args:
        candidate: its scores by item.
        reference: the reference's scores by item.
        clusters: item id -> something sampled that it shares with other items; an item without is its own cluster.
        reduce: repeats of an item -> its value.

    Raises:
        ValueError: the reducer refuses the scores.
    """
    items = tuple(sorted(item for item in {*candidate, *reference} if candidate.get(item) or reference.get(item)))
    ours = {item: candidate.get(item) or (None,) * len(reference[item]) for item in items}
    theirs = {item: reference.get(item) or (None,) * len(candidate[item]) for item in items}
    lost = [sum(1 for scores in side.values() for score in scores if score is None) for side in (ours, theirs)]
    asked = [sum(len(scores) for scores in side.values()) for side in (ours, theirs)]
    refusal = "" if items else "no items"
    for name, missing, total in zip(("candidate", "reference"), lost, asked, strict=True):
        if missing > MOST_UNSCORED * total:
            refusal = f"{missing} of {total} answers of the {name} are unscored (above {100 * MOST_UNSCORED:g} %)"
            break
    return Pairs(
        items=items,
        clusters=tuple((clusters or {}).get(item, f"item {item}") for item in items),
        against=Sides(candidate=_fill(ours, 0.0, reduce), reference=_fill(theirs, 1.0, reduce)),
        favour=Sides(candidate=_fill(ours, 1.0, reduce), reference=_fill(theirs, 0.0, reduce)),
        unscored=sum(lost),
        refusal=refusal,
    )


def _fill(side: Scores, value: float, reduce: Reducer) -> tuple[float, ...]:
    return tuple(reduce([value if score is None else score for score in scores]) for scores in side.values())
