"""The right similarities for an item of nearest-label, and others that must not score."""

from collections.abc import Callable, Mapping

from harness import Dice, Sample

from ..candidate import answer  # noqa: TID252  (installed, the suites lie within another package)


def reference(sample: Sample) -> str:
    """Return 1 for the right label, and 0 for the others."""
    return _by(lambda sample, place: float(place == sample.target["nearest"]))(sample)


def _by(key: Callable[[Sample, int], float]) -> Callable[[Sample], str]:
    return lambda sample: answer([key(sample, place) for place in range(sample.target["count"])])


def _random(sample: Sample, place: int) -> float:
    return Dice("random", sample.item_id, place).whole(0, 999_999) / 1_000_000


def _first_by_name(sample: Sample, place: int) -> float:
    return float(sample.target["labels"][place] == min(sample.target["labels"]))


adversaries: Mapping[str, Callable[[Sample], str]] = {
    "all alike": _by(lambda _sample, _place: 0.5),
    "the right label and another": lambda sample: reference(sample).replace("0.0", "1.0", 1),
    "reversed": _by(lambda sample, place: float(place != sample.target["nearest"])),
    "not JSON": lambda sample: str(sample.target["labels"][sample.target["nearest"]]),
    "not a number": lambda sample: reference(sample).replace("1.0", "NaN"),
}
guesses: Mapping[str, Callable[[Sample], str]] = {
    "random": _by(_random),
    "the first one": _by(lambda _sample, place: -place / 100),
    "always the same label of each set": _by(_first_by_name),
    "the longest": _by(lambda sample, place: len(sample.texts[1 + place]) / 1000 + place / 1_000_000),
}
