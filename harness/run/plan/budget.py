"""How many samples of each task fit into a given time, and on which models: pure arithmetic (adr-0005)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

LEAST_SAMPLES = 10
"""Samples per task. Before all models get fewer than these, the most expensive one is dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellCost:
    """What a task costs on a model.

    Attributes:
        sample_s: seconds per sample, with all slots at work.
        guess_s: the same, guessed from the model's size.
        is_guess: whether `sample_s` is only a guess.
        known: how many answers the resumed run has already; they cost nothing.
    """

    sample_s: float
    guess_s: float = 0.0
    is_guess: bool = False
    known: int = 0


LoadBasis: TypeAlias = Literal["this model", "other models", "assumed"]
"""What an estimate of a load rests on: earlier loads of this model, those of others, or nothing but its size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCost:
    """What a model costs: `fixed_s` seconds for its load and all tests that are not tasks, and its cells by task.

    `measuring_s` of them are for the latency of the loaded model.
    """

    key: str
    fixed_s: float
    cells: Mapping[str, CellCost]
    load_basis: LoadBasis = "assumed"
    measuring_s: float = 0.0

    def seconds(self, limit: int, epochs: int) -> float:
        """Return how long `limit` samples of each task take, each asked `epochs` times."""
        return self.fixed_s + sum(max(0, limit * epochs - cell.known) * cell.sample_s for cell in self.cells.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Allotment:
    """What fits: `limit` samples of each task on the models `kept`; the models `dropped` are left out."""

    limit: int
    kept: tuple[str, ...]
    dropped: tuple[str, ...] = ()


def allot(costs: Sequence[ModelCost], *, limit: int, epochs: int, available_s: float, first: str = "") -> Allotment:
    """Return the largest limit that fits all models; while it is below 10, the most expensive model is dropped.

    The last model left gets whatever fits, even if that is less than 10. Where not even one sample fits, nothing is
    kept.

    Args:
        costs: of the models, cheapest first.
        limit: samples per task that the user wants; the result is never larger.
        epochs: repeats of each sample.
        available_s: the time, in seconds.
        first: the key of a model that is loaded already: any other one is dropped before it.
    """
    kept, dropped = list(costs), list[str]()
    least = min(LEAST_SAMPLES, limit)
    while kept:
        fitting = _largest(kept, limit=limit, epochs=epochs, available_s=available_s)
        if fitting >= least or (len(kept) == 1 and fitting > 0):
            break
        droppable = [cost for cost in kept if cost.key != first] or kept
        # Reversed, as max() takes the first of equals, and of two equally expensive models the later one is larger.
        most_expensive = max(reversed(droppable), key=lambda cost: cost.seconds(least, epochs))
        kept.remove(most_expensive)
        dropped.append(most_expensive.key)
    else:
        return Allotment(limit=0, kept=(), dropped=tuple(cost.key for cost in costs))
    return Allotment(limit=fitting, kept=tuple(cost.key for cost in kept), dropped=tuple(dropped))


def _largest(costs: Sequence[ModelCost], *, limit: int, epochs: int, available_s: float) -> int:
    """Return the largest limit that fits, by bisection; 0 where not even 1 does."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if sum(cost.seconds(middle, epochs) for cost in costs) <= available_s:
            low = middle
        else:
            high = middle - 1
    return low
