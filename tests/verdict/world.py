"""Worlds in which the truth is known: four models of rising cost, items of varying difficulty, passes by the logistic.

Family *size helps*: each larger model is abler than the last, by about .35 on the logit scale. Family *size hardly
matters*: abilities are independent, with a slight trend.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.verdict.contender import Contender

Family = Literal["size helps", "size hardly matters"]
Array = NDArray[np.float64]
DIFFICULTY_SD = 1.2
PRICE = 0.02
MODELS = 4
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(60)


@dataclass(frozen=True)
class World:
    """Four models: what they truly score, and what that is worth less the price of their time."""

    ability: Array
    truth: Array

    @property
    def utility(self) -> Array:
        return self.truth - PRICE * np.arange(MODELS)

    def regret(self, key: str) -> float:
        return float(self.utility.max() - self.utility[int(key[1:])])


def draw(rng: np.random.Generator, family: Family) -> World:
    if family == "size helps":
        ability = np.cumsum([rng.normal(1, 0.8), *rng.normal(0.35, 0.35, MODELS - 1)])
    else:
        ability = rng.normal(1.4, 0.6, MODELS) + 0.2 * np.arange(MODELS)
    passes = _logistic(ability[:, None] - DIFFICULTY_SD * _NODES)
    return World(ability, (passes * _WEIGHTS).sum(axis=1) / _WEIGHTS.sum())


def answers(rng: np.random.Generator, world: World, n: int) -> Array:
    """Return items x models of passes and fails."""
    difficulty = rng.normal(0, DIFFICULTY_SD, n)
    return (rng.random((n, MODELS)) < _logistic(world.ability - difficulty[:, None])).astype(float)


def candidates(scores: Array, *, certified: Mapping[str, bool] | None = None) -> list[Contender]:
    """Return the models with these scores; each takes twice the time of the one before."""
    return [
        Contender(
            key=f"m{place}",
            scores={f"item-{number:05}": float(score) for number, score in enumerate(scores[:, place])},
            p50_s=float(2**place),
            size_bytes=2**place,
            is_certified=bool(certified and certified[f"m{place}"]),
        )
        for place in range(scores.shape[1])
    ]


def _logistic(values: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-values)), dtype=float)
