"""How long a model takes to load, to its first word and to its whole answer, and when a slow load pays."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A duration with its interval; without one, `low` and `high` are None."""

    seconds: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedBar:
    """One model.

    Attributes:
        model: its key.
        load, first_word, answer: None: not measured.
        break_even: when its load pays, in a few words; None: there is no such number.
    """

    model: str
    load: Span | None
    first_word: Span | None
    answer: Span | None
    break_even: str | None = None
