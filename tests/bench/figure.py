"""From readings to figures: the median of the rounds with its spread, and ratios within a round."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.race import Reading

Round = Mapping[str, Reading]
"""What one peer did in one round, by the name of the job; only what counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure of a peer in one round.

    Attributes:
        unit: s, ms, %, or MB (1,000,000 bytes).
        definition: printed with the figure.
        of: takes it from the readings of a round; None where they do not have it.
    """

    name: str
    label: str
    unit: str
    definition: str
    of: Callable[[Round], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The median of several rounds, with the smallest and the largest."""

    median: float
    low: float
    high: float
    rounds: int

    @classmethod
    def of(cls, values: Iterable[float | None]) -> "Spread | None":
        """Return the spread of those that are there; None if there is none."""
        there = [value for value in values if value is not None]
        if not there:
            return None
        return cls(median=median(there), low=min(there), high=max(there), rounds=len(there))


def _wall(job: str) -> Callable[[Round], float | None]:
    return lambda done: done[job].wall_s if job in done else None


def _marginal(job: str) -> Callable[[Round], float | None]:
    """Milliseconds that one more sample takes: the slope between the job of one sample and the whole one.

    Where start-up varies more than all samples take, there is no slope to speak of.
    """

    def of(done: Round) -> float | None:
        if "start" not in done or job not in done or done[job].samples <= done["start"].samples:
            return None
        more_s = done[job].wall_s - done["start"].wall_s
        return 1000 * more_s / (done[job].samples - done["start"].samples) if more_s > 0 else None

    return of


def _most(which: Callable[[Reading], int | None]) -> Callable[[Round], float | None]:
    """Megabytes in the job with as many samples at a time as any."""

    def of(done: Round) -> float | None:
        size = which(done["many"]) if "many" in done else None
        return None if size is None else size / 1e6

    return of


def _occupancy(done: Round) -> float | None:
    occupancy = done["slots"].occupancy if "slots" in done else None
    return None if occupancy is None else 100 * occupancy


FIGURES: tuple[Figure, ...] = (
    Figure(
        name="start",
        label="start-up",
        unit="s",
        definition="from the start of the process to its end, for one sample",
        of=_wall("start"),
    ),
    Figure(
        name="wall_1",
        label="one at a time",
        unit="s",
        definition="from the start of the process to its end, for all samples",
        of=_wall("one"),
    ),
    Figure(
        name="wall_16",
        label="16 at a time",
        unit="s",
        definition="the same, 16 requests at a time",
        of=_wall("many"),
    ),
    Figure(
        name="marginal_1",
        label="a sample",
        unit="ms",
        definition="what one more costs: (all samples - start-up) / (samples - 1), one at a time",
        of=_marginal("one"),
    ),
    Figure(
        name="marginal_16",
        label="a sample, 16 at a time",
        unit="ms",
        definition="the same, 16 requests at a time",
        of=_marginal("many"),
    ),
    Figure(
        name="slots",
        label="slots busy",
        unit="%",
        definition="time in 4 slots of 50 ms / (4 x time from the first chat to the last), counted by the server",
        of=_occupancy,
    ),
    Figure(
        name="asking",
        label="memory while it asks",
        unit="MB",
        definition="the peaks of all processes together, to the end of the last chat, 16 at a time",
        of=_most(lambda reading: reading.asking_bytes),
    ),
    Figure(
        name="peak",
        label="memory at its peak",
        unit="MB",
        definition="the same, to the end of the process",
        of=_most(lambda reading: reading.peak_bytes),
    ),
)

BY_NAME = {figure.name: figure for figure in FIGURES}


class Results:
    """The readings of a race, asked for figures and ratios."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self._rounds: dict[tuple[str, int], dict[str, Reading]] = {}
        self.errors: dict[str, list[str]] = {}
        for reading in readings:
            done = self._rounds.setdefault((reading.peer, reading.round), {})
            if reading.error is None:
                done[reading.measure] = reading
            else:
                said = f"{reading.samples:,} samples, {reading.concurrency} at a time: {reading.error}"
                self.errors.setdefault(reading.peer, []).append(said)

    @property
    def peers(self) -> tuple[str, ...]:
        """Who took part, in the order of the first readings."""
        return tuple(dict.fromkeys(peer for peer, _ in self._rounds))

    def figure(self, peer: str, name: str) -> Spread | None:
        """Return a figure of a peer over all rounds."""
        of = BY_NAME[name].of
        return Spread.of(of(done) for (who, _), done in sorted(self._rounds.items()) if who == peer)

    def ratio(self, peer: str, base: str, name: str) -> Spread | None:
        """Return how many times a figure is that of another peer, taken in each round by itself."""
        of = BY_NAME[name].of
        return Spread.of(
            _divided(of(done), of(self._rounds.get((base, number), {})))
            for (who, number), done in sorted(self._rounds.items())
            if who == peer
        )


def _divided(value: float | None, base: float | None) -> float | None:
    return None if value is None or not base else value / base


def significant(value: float) -> str:
    """Return a number with three digits, or all before the point."""
    return f"{value:.{2 if abs(value) < 10 else 1 if abs(value) < 100 else 0}f}"
