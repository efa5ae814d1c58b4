"""How many samples of each task fit into a time, and on which models: pure arithmetic (adr-0005)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LEAST_SAMPLES = 10
"""A model that would get fewer than these a task is dropped, the most expensive one first, before all get less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellCost:
    """What a task costs on a model.

    Attributes:
        sample_s: seconds a sample, all slots at work.
        guess_s: the same, guessed from the model's size.
        is_guess: `sample_s` was never measured.
        known: answers that are there already and cost nothing.
    """

    sample_s: float
    guess_s: float = 0.0
    is_guess: bool = False
    known: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCost:
    """What a model costs: `fixed_s` seconds for its load and for all that asks no samples, and its cells by task."""

    key: str
    fixed_s: float
    cells: Mapping[str, CellCost]

    def seconds(self, limit: int, epochs: int) -> float:
        """Return how long so many samples of each task would take."""
        return self.fixed_s + sum(max(0, limit * epochs - one.known) * one.sample_s for one in self.cells.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Allotment:
    """Who gets how much: `limit` samples of each task on the models `kept`; the others are `dropped`."""

    limit: int
    kept: tuple[str, ...]
    dropped: tuple[str, ...] = ()


def allot(costs: Sequence[ModelCost], *, limit: int, epochs: int, available_s: float, first: str = "") -> Allotment:
    """Return the largest limit that fits all models; where it is below 10, the most expensive model is dropped first.

    The last one left gets what fits, be it less than 10; nothing is kept where not even one sample fits.

    Args:
        costs: of the models, cheapest first.
        limit: samples per task that were asked for: never more.
        epochs: repeats of each sample.
        available_s: seconds.
        first: a model that is loaded already: it is not dropped while there is another one.
    """
    kept, dropped = list(costs), list[str]()
    least = min(LEAST_SAMPLES, limit)
    while kept:
        fitting = _largest(kept, limit=limit, epochs=epochs, available_s=available_s)
        if fitting >= least or (len(kept) == 1 and fitting > 0):
            break
        # max() takes the first of equals, and the later one is the larger model.
        droppable = [one for one in kept if one.key != first] or kept
        out = max(reversed(droppable), key=lambda one: one.seconds(least, epochs))
        kept.remove(out)
        dropped.append(out.key)
    else:
        return Allotment(limit=0, kept=(), dropped=tuple(one.key for one in costs))
    return Allotment(limit=fitting, kept=tuple(one.key for one in kept), dropped=tuple(dropped))


def _largest(costs: Sequence[ModelCost], *, limit: int, epochs: int, available_s: float) -> int:
    """Return the largest limit that fits, by bisection; 0 where not even 1 does."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if sum(one.seconds(middle, epochs) for one in costs) <= available_s:
            low = middle
        else:
            high = middle - 1
    return low
