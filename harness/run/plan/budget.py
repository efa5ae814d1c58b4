"""How many samples of each task fit into a given time, and on which models: pure arithmetic (adr-0005)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum
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


Basis: TypeAlias = Literal["this model", "other models", "assumed"]
"""What an estimate rests on, such as of a load: earlier ones of this model, of others, or nothing but its size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCost:
    """What a model, or one of its reasoning levels, costs.

    Attributes:
        key: its name.
        fixed_s: seconds for its loads and all tests that are not tasks.
        cells: by task.
        load_basis: what the estimate of a load rests on.
        answer_basis: what the guesses among the cells rest on.
        measuring_s: of `fixed_s`, for the latency of the loaded model.
        load_s: of `fixed_s`, for loads; only the first level that is asked of a model has them (`shared`).
        model_key: of the model, which its levels share.
    """

    key: str
    fixed_s: float
    cells: Mapping[str, CellCost]
    load_basis: Basis = "assumed"
    answer_basis: Basis = "assumed"
    measuring_s: float = 0.0
    load_s: float = 0.0
    model_key: str = ""

    def seconds(self, limit: int, epochs: int) -> float:
        """Return how long `limit` samples of each task take, each asked `epochs` times."""
        return self.fixed_s + sum(max(0, limit * epochs - cell.known) * cell.sample_s for cell in self.cells.values())


def shared(costs: Iterable[ModelCost], *, loaded: str = "") -> list[ModelCost]:
    """Return these costs, of which only the first one of each model has its loads; none of the model `loaded` has."""
    seen, found = {loaded}, []
    for cost in costs:
        is_shared = cost.model_key != "" and cost.model_key in seen
        found.append(replace(cost, fixed_s=cost.fixed_s - cost.load_s, load_s=0.0) if is_shared else cost)
        seen.add(cost.model_key)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Allotment:
    """What fits: `limit` samples of each task on the models `kept`; the models `dropped` are left out."""

    limit: int
    kept: tuple[str, ...]
    dropped: tuple[str, ...] = ()


def allot(
    costs: Sequence[ModelCost], *, limit: int, epochs: int, available_s: float, first: str = "", loaded: str = ""
) -> Allotment:
    """Return the largest limit that fits all models; while it is below 10, the one that saves most is dropped.

    Where that is the first of a model's reasoning levels, the next one has the load.

    The last model left gets whatever fits, even if that is less than 10. Where not even one sample fits, nothing is
    kept.

    Args:
        costs: of the models, cheapest first.
        limit: samples per task that the user wants; the result is never larger.
        epochs: repeats of each sample.
        available_s: the time, in seconds.
        first: the key of a model that is loaded already: any other one is dropped before it.
        loaded: the key of the model whose instance is kept, as `shared` takes it.
    """
    kept, dropped = list(costs), list[str]()
    least = min(LEAST_SAMPLES, limit)
    while kept:
        fitting = _largest(shared(kept, loaded=loaded), limit=limit, epochs=epochs, available_s=available_s)
        if fitting >= least or (len(kept) == 1 and fitting > 0):
            break
        droppable = [cost for cost in kept if cost.key != first] or kept

        def seconds_without(gone: ModelCost, kept: Sequence[ModelCost] = tuple(kept)) -> float:
            rest = shared((cost for cost in kept if cost is not gone), loaded=loaded)
            return fsum(cost.seconds(least, epochs) for cost in rest)

        # Reversed, as min() takes the first of equals, and of two equally expensive models the later one is larger.
        most_expensive = min(reversed(droppable), key=seconds_without)
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
