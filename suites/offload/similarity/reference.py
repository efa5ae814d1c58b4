"""The right similarities for an item of similarity, and others that must not score."""

from collections.abc import Callable, Mapping

from harness import Dice, Sample

from ..candidate import answer  # noqa: TID252  (installed, the suites lie within another package)


def reference(sample: Sample) -> str:
    """Return 1 for each other wording, and 0 for what says something else."""
    return _by(lambda sample, place: float(place in sample.target["alike"]))(sample)


def _by(key: Callable[[Sample, int], float]) -> Callable[[Sample], str]:
    return lambda sample: answer([key(sample, place) for place in range(len(sample.texts) - 1)])


def _random(sample: Sample, place: int) -> float:
    return Dice("random", sample.item_id, place).whole(0, 999_999) / 1_000_000


adversaries: Mapping[str, Callable[[Sample], str]] = {
    "all alike": _by(lambda _sample, _place: 0.5),
    "reversed": _by(lambda sample, place: float(place in sample.target["unlike"])),
    "not JSON": lambda _: "The first two are the most similar.",
    "not a number": lambda sample: reference(sample).replace("1.0", "NaN"),
    "too few": lambda _: answer([1.0]),
}
guesses: Mapping[str, Callable[[Sample], str]] = {
    "random": _by(_random),
    "the first one": _by(lambda _sample, place: -place / 100),
    "the longest": _by(lambda sample, place: len(sample.texts[1 + place]) / 1000),
    "the shortest": _by(lambda sample, place: -len(sample.texts[1 + place]) / 1000),
}
