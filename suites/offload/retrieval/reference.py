"""The right similarities for an item of retrieval, and others that must not score."""

from collections.abc import Callable, Mapping

from harness import Dice, Sample

from ..candidate import answer  # noqa: TID252  (as in multiturn)


def reference(sample: Sample) -> str:
    """Return 1 for each relevant text, and 0 for the others."""
    return answer([float(place in sample.target["relevant"]) for place in range(sample.target["count"])])


def _reversed(sample: Sample) -> str:
    return answer([float(place not in sample.target["relevant"]) for place in range(sample.target["count"])])


def _by(key: Callable[[Sample, int], float]) -> Callable[[Sample], str]:
    return lambda sample: answer([key(sample, place) for place in range(sample.target["count"])])


def _random(sample: Sample, place: int) -> float:
    return Dice("random", sample.item_id, place).whole(0, 999_999) / 1_000_000


adversaries: Mapping[str, Callable[[Sample], str]] = {
    "all alike": _by(lambda _sample, _place: 0.5),
    "reversed": _reversed,
    "not JSON": lambda sample: f"Text {sample.target['relevant'][0]} is the most similar.",
    "not a number": lambda sample: reference(sample).replace("1.0", "NaN"),
    "too large": lambda sample: reference(sample).replace("1.0", "1e400"),
    "too few": lambda sample: answer([1.0] * (sample.target["count"] - 1)),
}
guesses: Mapping[str, Callable[[Sample], str]] = {
    "random": _by(_random),
    "the first one": _by(lambda _sample, place: -place / 100),
    "the last one": _by(lambda _sample, place: place / 100),
    "the longest": _by(lambda sample, place: len(sample.texts[1 + place]) / 1000 + place / 1_000_000),
    "the shortest": _by(lambda sample, place: -len(sample.texts[1 + place]) / 1000 - place / 1_000_000),
}
