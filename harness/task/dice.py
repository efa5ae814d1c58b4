"""Seeded choices that are the same under every Python version and PYTHONHASHSEED."""

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Makes choices that depend on its parts alone: equal parts give equal choices.

    It uses only `random.Random.random()`, the one method whose sequence Python promises to keep; and the seed is a
    text, which does not depend on PYTHONHASHSEED.
    """

    def __init__(self, *parts: str | int) -> None:
        self._random = random.Random("/".join(str(part) for part in parts))  # noqa: S311  (not cryptography)

    def whole(self, low: int, high: int) -> int:
        """Return an integer from low to high, both included."""
        return low + int(self._random.random() * (high - low + 1))

    def pick(self, choices: Sequence[T]) -> T:
        """Return a random one of the choices."""
        return choices[self.whole(0, len(choices) - 1)]

    def some(self, choices: Sequence[T], count: int) -> list[T]:
        """Return `count` different choices in random order."""
        left = list(choices)
        return [left.pop(self.whole(0, len(left) - 1)) for _ in range(count)]

    def shuffled(self, choices: Sequence[T]) -> list[T]:
        """Return all choices in random order."""
        return self.some(choices, len(choices))
