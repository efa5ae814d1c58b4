"""How many different items the tasks of a run can give: more than that is never asked for."""

from collections.abc import Callable, Mapping
from functools import cached_property

from harness.errors import TaskError
from harness.task.task import Task


class Supply:
    """The items of some tasks, made once where somebody asks.

    Args:
        tasks: gives them by name; asked once, where somebody asks.
        seed: of the run.
    """

    def __init__(self, tasks: Callable[[], Mapping[str, Task]], *, seed: int) -> None:
        self._load = tasks
        self._seed = seed
        self._enough: dict[str, int] = {}
        self._too_many: dict[str, int] = {}

    @cached_property
    def _tasks(self) -> Mapping[str, Task]:
        return self._load()

    def has(self, task: str, n: int) -> bool:
        """Return whether the task can give n items that differ; True for one that is not known, or can grow."""
        if task not in self._tasks or self._tasks[task].can_grow or n <= self._enough.get(task, 0):
            return True
        if n >= self._too_many.get(task, n + 1):
            return False
        try:
            samples = self._tasks[task].samples(seed=self._seed, limit=n)
            is_enough = len({sample.item_hash for sample in samples}) == n
        except TaskError:  # It has fewer rows, or its templates have no more prompts.
            is_enough = False
        (self._enough if is_enough else self._too_many)[task] = n
        return is_enough
