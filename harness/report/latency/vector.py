"""The tables of embedding models: what their vectors are like, and how many texts they take a second."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from harness.domain.count import counted
from harness.domain.record import MeasureRecord
from harness.report.layout import fitted, paragraph
from harness.report.text import one_line
from harness.stats.latency import is_time
from harness.store.run_file import RunFile

PREFIX = "embedding_"
RATE = f"{PREFIX}texts_per_s"
HEADERS = ("model", "numbers", "norm", "moved", "in a batch", "long texts")
LEGEND = (
    "numbers, norm: of the vector of a short sentence. moved, in a batch: how far it is from the vector of the same "
    "sentence asked again, and among seven others, in norms. long texts: longer than the context; cut silently: what "
    "is beyond it does not count, and the server says nothing."
)
_MOST = 10**9  # A run file may hold anything.
_CUTS = {1.0: "cut silently", 0.0: "whole or refused"}

_Found = Mapping[str, Sequence[MeasureRecord]]


def render(seen: RunFile, *, width: int | None) -> list[str]:
    """Return the tables of a run's embedding models, each with what its columns mean; empty where nothing is known."""
    found: dict[str, list[MeasureRecord]] = {}
    for measure in seen.measures:
        if measure.name.startswith(PREFIX) and measure.model_key:
            found.setdefault(measure.model_key, []).append(measure)
    return [*_vectors(found, width), *_texts(found, width)]


def _vectors(found: _Found, width: int | None) -> Iterator[str]:
    rows = [(one_line(key, limit=40), *facts) for key, measures in found.items() if (facts := _facts(measures))]
    if rows:
        yield fitted(rows, headers=HEADERS, width=width, align=["left", *["right"] * 5])
        yield paragraph(LEGEND, width)


def _facts(measures: Sequence[MeasureRecord]) -> Sequence[str]:
    """Return what the suite smoke found, in the order of the columns; empty where it did not look."""
    value = {measure.name.removeprefix(PREFIX): measure.value for measure in measures if measure.name != RATE}

    def shown(name: str, form: str) -> str:
        return format(value[name], form) if 0 <= value.get(name, -1) < _MOST else "-"

    if not value:
        return ()
    numbers, norm = shown("dimension", ",.0f"), shown("norm", ".4g")
    cuts = _CUTS.get(value.get("cuts_silently", -1), "-")
    return numbers, norm, shown("moved", ".1g"), shown("moved_in_batch", ".1g"), cuts


def _texts(found: _Found, width: int | None) -> Iterator[str]:
    rates = {key: each for key, measures in found.items() if (each := _rates(measures))}
    sizes = sorted({size for each in rates.values() for size in each})
    if not sizes:
        return
    rows = [
        (one_line(key, limit=40), *(f"{median(each[size]):,.1f}/s" if size in each else "-" for size in sizes))
        for key, each in rates.items()
    ]
    headers = ("model", *(counted(size, "text") for size in sizes))
    yield fitted(rows, headers=headers, width=width, align=["left", *["right"] * len(sizes)])
    counts = sorted({len(rounds) for each in rates.values() for rounds in each.values()})
    of = f"{counts[0]} to " * (counts[0] < counts[-1]) + counted(counts[-1], "round")
    yield paragraph(f"Short texts a second, in requests of so many, one at a time; medians of {of}.", width)


def _rates(measures: Sequence[MeasureRecord]) -> Mapping[int, Sequence[float]]:
    """Return the texts a second of each round, by how many texts its request had."""
    found: dict[int, list[float]] = {}
    for measure in measures:
        size = measure.params.get("batch")
        if measure.name == RATE and is_time(measure.value) and isinstance(size, int) and 0 < size < _MOST:
            found.setdefault(size, []).append(measure.value)
    return found
