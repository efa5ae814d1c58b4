"""How far a figure is from itself (A/A): a difference between two figures below that is not worth a word."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from harness.domain.count import counted

LEAST_ROUNDS = 4
"""Two in each block: with fewer, a block is a single round."""

_LEAST_BUSY_CORES, _LEAST_BUSY_SHARE = 1.0, 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What the rounds of one figure differ by among themselves, though nothing was changed between them.

    Attributes:
        in_turn: |ln| of the ratio of two blocks that alternate, A B A B: what chance does to the figure.
        over_time: what the machine does to it, as when it gets warm. It is |ln| of the ratio of a first block and one
            measured much later; without one, twice that of the first and the last half of the rounds, as two models
            are measured a whole block apart and the middles of two halves only half of one.
        n: rounds.
        reason: why it could not be measured; "": it was.
    """

    in_turn: float | None = None
    over_time: float | None = None
    n: int = 0
    reason: str = ""

    @property
    def value(self) -> float | None:
        """The larger of both, as a logarithm; None: not measured."""
        return max(known) if (known := [part for part in (self.in_turn, self.over_time) if part is not None]) else None

    @property
    def share(self) -> float | None:
        """The same as a part of the figure: 0.1 is 10 %."""
        return None if self.value is None else math.expm1(self.value)


def noise_of(rounds: Sequence[float], late: Sequence[float] = ()) -> Noise:
    """Return how far a figure is from itself.

    Each block counts with its median, as one slow round must not make everything noise. Source: the A/A test of
    Kohavi, Tang and Xu, Trustworthy Online Controlled Experiments (2020), chapter 19.

    Args:
        rounds: its values in the order in which they were measured, above 0.
        late: values measured much later under the same conditions; without them the first half of the rounds is
            compared with the last.

    Raises:
        ValueError: a value is not above 0.
    """
    if any(value <= 0 for value in (*rounds, *late)):
        raise ValueError("expected values above 0")
    n = len(rounds)
    if n < LEAST_ROUNDS:
        return Noise(n=n, reason=f"{counted(n, 'round')}; two blocks take {LEAST_ROUNDS}")
    half = n // 2
    over_time = _apart(rounds, late) if late else 2 * _apart(rounds[:half], rounds[-half:])
    return Noise(in_turn=_apart(rounds[::2], rounds[1::2]), over_time=over_time, n=n)


def together(noises: Sequence[Noise]) -> float | None:
    """Return how far figures may be apart by noise alone, as a logarithm; None where any of it was not measured.

    Each may be off by its own, so the noises are added: with less, a drifting machine made one model of ten look
    slower than itself (tests/stats/test_noise.py).
    """
    known = [noise.value for noise in noises if noise.value is not None]
    return sum(known) if known and len(known) == len(noises) else None


def is_within(ratio: float, noise: float | None) -> bool:
    """Return whether two figures of this ratio are no further apart than noise may take them."""
    return noise is not None and abs(math.log(ratio)) <= noise


def is_busy(busy: float, cores: int) -> bool:
    """Return whether so many cores that others keep busy make times too long: one of many, or a quarter of few."""
    return busy >= min(_LEAST_BUSY_CORES, _LEAST_BUSY_SHARE * cores)


def _apart(block: Sequence[float], other: Sequence[float]) -> float:
    return abs(math.log(median(block) / median(other)))
