"""How scores went from run to run, and what changed between the runs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPoint:
    """One model on one task in one run.

    Attributes:
        run: its id.
        began: when, as ISO 8601 in UTC.
        model: its key.
        task: its name.
        score: 0 to 1; None: none.
        low, high: the interval of the score.
        changed: what differs from the same model's run before, such as "server 0.3.1 -> 0.3.2".
    """

    run: str
    began: str
    model: str
    task: str
    score: float | None
    low: float | None = None
    high: float | None = None
    changed: tuple[str, ...] = ()
