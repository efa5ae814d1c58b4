"""What of a score enters the figures: its value, or whether it passed."""

from typing import Protocol


class Judged(Protocol):
    """A score, or the record of one."""

    @property
    def value(self) -> float | None:
        """0 to 1; None: unscored."""
        ...

    @property
    def passed(self) -> bool | None:
        """Whether the answer is right as a whole; None where there is no such notion."""
        ...


def value_of(score: Judged | None, reducer: str) -> float | None:
    """Return the number that a reducer of this name works on, None for what is unscored.

    The mean takes the value; majority, pass@k and pass^k count passes, so a graded score that is not a pass is 0 there.
    Where a scorer knows no passes, only a full score is one.
    """
    if score is None or score.value is None:
        return None
    if reducer == "mean":
        return score.value
    return float(score.value == 1 if score.passed is None else score.passed)
