"""What is known of a model on a task, or of its times, and what that does to a night."""

from collections.abc import Mapping
from enum import StrEnum


class Level(StrEnum):
    """What a state does to a night, the worst first."""

    FAIL = "fail"
    MISSING = "missing"
    WARN = "warn"
    NEUTRAL = "neutral"
    PASS = "pass"  # noqa: S105  (not a password)


class State(StrEnum):
    """What is known of a model on a task."""

    REGRESSION = "regression"
    NO_MODEL = "model missing"
    NO_TASK = "task missing"
    UNFINISHED = "not finished"
    LOST = "answers lost"
    UNGRADED = "not graded yet"
    NO_ITEMS = "no items in common"
    FEW_ITEMS = "items missing"
    OPEN = "open"
    NOT_COMPARABLE = "not comparable"
    PASSES = "passes"

    @property
    def level(self) -> Level:
        """What it does to the night."""
        return _LEVELS.get(self, Level.MISSING)


_LEVELS: Mapping[State, Level] = {
    State.REGRESSION: Level.FAIL,
    State.OPEN: Level.WARN,
    State.NOT_COMPARABLE: Level.NEUTRAL,
    State.PASSES: Level.PASS,
}
