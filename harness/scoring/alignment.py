"""Pairs the elements of a given list with those of the wanted one, so that most of their fields are right.

Small lists are paired exactly, by comparing every element with every other one. That is quadratic, and worse for lists
within lists (50 x 50 elements of 50 fields took minutes). Beyond a budget, the number of right fields of a pair is
estimated instead, from an index of values by place.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from harness.scoring.field_value import given_keys, is_plain, typed, wanted_keys

Gain: TypeAlias = Callable[[Any, Any, "Budget"], int]
"""How many fields of a given element are right, compared with a wanted one."""

_ROWS, _COLUMNS = 200, 400
_COMPARISONS = 30_000


@dataclass(slots=True)
class Budget:
    """How many more plain values one judgement may compare in order to pair elements exactly: about 0.1 s of work."""

    left: int = _COMPARISONS

    def afford(self, comparisons: int) -> bool:
        """Take these comparisons from the budget, or return False and leave it as it is."""
        if comparisons > self.left:
            return False
        self.left -= comparisons
        return True


def paired(given: list[Any], wanted: list[Any], gain: Gain, budget: Budget) -> list[tuple[int, int]]:
    """Return the pairs (place in wanted, place in given) with the most right fields, as far as the budget goes.

    Only the first 200 wanted and the first 400 given elements are paired.
    """
    if len(given) == len(wanted) == 1:
        return [(0, 0)]
    rows, columns = wanted[:_ROWS], given[:_COLUMNS]
    if budget.afford(_comparisons(columns, rows)):
        paid = Budget(left=_COMPARISONS)  # What lists within these elements cost is part of the price above.
        return _assignment([[gain(element, goal, paid) for element in columns] for goal in rows])
    return _assignment(_estimates(columns, rows))


def _comparisons(given: list[Any], wanted: list[Any]) -> int:
    """Return about how many plain values must be compared to compare all pairs of elements, nested lists included."""
    most_given, most_wanted = (max(map(_size, elements), default=0) for elements in (given, wanted))
    holds_lists = any(map(_holds_list, wanted)) and any(map(_holds_list, given))
    each = most_given * most_wanted if holds_lists else most_given + most_wanted
    return len(given) * len(wanted) * each


def _size(value: Any) -> int:
    return sum(1 for _ in _walk(value, ()))


def _holds_list(value: Any) -> bool:
    if is_plain(value):
        return False
    return isinstance(value, list) or any(_holds_list(inner) for inner in value.values())


def _estimates(given: list[Any], wanted: list[Any]) -> Any:
    """Return, for each wanted and each given element, how many values at the same place they share (as an array)."""
    import numpy as np

    kinds: dict[Hashable, set[str]] = defaultdict(set)
    for goal in wanted:
        for place, value in _walk(goal, ()):
            if (kind := typed(value)) is not None:
                kinds[place].add(kind.kind)
    columns: dict[Hashable, Counter[int]] = defaultdict(Counter)
    for column, element in enumerate(given):
        for place, value in _walk(element, ()):
            for key in given_keys(value, frozenset(kinds[place])):
                columns[place, key][column] += 1
    # Arrays, because a value that all elements share counts for every pair: 6 million additions in the worst case.
    index = {
        at: (np.fromiter(counts, dtype=np.intp), np.fromiter(counts.values(), dtype=np.int64))
        for at, counts in columns.items()
    }
    gains = np.zeros((len(wanted), len(given)), dtype=np.int64)
    for row, goal in enumerate(wanted):
        needed = Counter((place, key) for place, value in _walk(goal, ()) for key in wanted_keys(value))
        for at, count in needed.items():
            if at in index:
                places, available = index[at]
                gains[row, places] += np.minimum(count, available)
    return gains


def _walk(value: Any, place: Hashable) -> Iterator[tuple[Hashable, Any]]:
    """Yield each plain value that is not null with its place: the names that lead to it, without places in lists."""
    todo = [(value, place)]
    while todo:
        inner, at = todo.pop()
        if is_plain(inner):
            if inner is not None:
                yield at, inner
        elif isinstance(inner, dict):
            todo += [(part, (at, name)) for name, part in inner.items()]
        else:
            todo += [(part, (at, 0)) for part in inner]


def _assignment(gains: Any) -> list[tuple[int, int]]:
    """Return the pairs (row, column) with the greatest sum of gains, which are lists or an array."""
    if not len(gains) or not len(gains[0]):
        return []
    from scipy.optimize import linear_sum_assignment  # takes half a second, and most targets have no list

    rows, columns = linear_sum_assignment(gains, maximize=True)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True)]
