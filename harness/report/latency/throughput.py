"""Throughput step by step: 1, 2, 4 … requests at a time, up to the slots and past them; and answers that flip."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeAlias

from harness.domain.count import counted
from harness.domain.record import MeasureRecord
from harness.report.figure import milliseconds, rate
from harness.report.layout import fitted, paragraph
from harness.report.text import one_line
from harness.stats.interval import wilson
from harness.stats.latency import percentile_estimate
from harness.stats.throughput import SATURATED, saturation
from harness.store.run_file import RunFile

HEADERS = ("at a time", "token/s [95 %]", "in use", "TTFT", "queue", "TPOT", "client")
LEGEND = (
    "token/s: output tokens that arrived while so many requests were in flight, per second; the ragged end, when "
    "nothing is left to ask, is not counted. in use: the share of the slots' time, which is the sum of the time in "
    "flight, the queue left out, / (slots x time); past the slots an estimate, as the queue is one. TTFT: "
    "from the request written to the first delta of any kind. queue: by how much it exceeds the "
    "TTFT with as many requests as slots: the wait for a slot at the server. "
    "TPOT: (last delta - first delta) / (n - 1). client: from the end of an answer to the next request written, which "
    "is the harness's own part. All are medians."
)
"""Definitions, printed where the figures are: other tools mean other things by these names (docs/latency.md)."""

FLIPS = (
    "[ ]: 95 % interval. Slots > 1 can change greedy answers, as they are computed in another order; what differs when "
    "asked singly again is not due to the slots."
)

_LEAST_WINDOWS = 5
_MOST = 10**9  # A run file may hold anything.
_PREFIX = "ladder_"
Figures: TypeAlias = Mapping[str, Sequence[float]]
"""By name, without its beginning: one value a window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """What was measured of one model: the figures at each concurrency, the lowest first."""

    slots: int
    steps: Mapping[int, Figures]

    @property
    def windows(self) -> int:
        """How many windows there were of each step, at least."""
        return min(len(figures.get("tps", ())) for figures in self.steps.values())


def render(seen: RunFile, *, width: int | None) -> list[str]:
    """Return a table for each model whose throughput was measured step by step, and what follows from it."""
    ladders = ladders_of(seen)
    parts = [part for key, ladder in ladders.items() for part in _table(key, ladder, width)]
    flips = [f"{one_line(key, limit=40)}: {flips}" for key, flips in flips_of(seen).items()]
    legends = [*([LEGEND] if ladders else []), *([*flips, FLIPS] if flips else [])]
    return [*parts, *(paragraph(line, width) for line in legends)]


def _table(key: str, ladder: Ladder, width: int | None) -> Iterator[str]:
    title = f"{one_line(key, limit=40)}, {counted(ladder.slots, 'slot')}, {counted(ladder.windows, 'window')} a step:"
    align = ("right", "left", *["right"] * (len(HEADERS) - 2))
    yield f"{paragraph(title, width)}\n\n{fitted(rows_of(ladder), headers=HEADERS, align=align, width=width)}"
    if notes := notes_of(ladder):
        yield paragraph(" ".join(notes), width)


def ladders_of(seen: RunFile) -> dict[str, Ladder]:
    """Return what was measured step by step, by model key."""
    steps: dict[str, dict[int, dict[str, list[float]]]] = {}
    slots: dict[str, int] = {}
    for measure in seen.measures:
        concurrency = _count(measure, "concurrency")
        if measure.name.startswith(_PREFIX) and concurrency and 0 <= measure.value <= _MOST:
            figures = steps.setdefault(measure.model_key, {}).setdefault(concurrency, {})
            figures.setdefault(measure.name.removeprefix(_PREFIX), []).append(measure.value)
            slots[measure.model_key] = slots.get(measure.model_key) or _count(measure, "slots")
    return {key: Ladder(slots=slots[key], steps=dict(sorted(found.items()))) for key, found in steps.items()}


def _count(measure: MeasureRecord, name: str) -> int:
    value = measure.params.get(name)
    return value if isinstance(value, int) and 0 < value <= _MOST else 0


def rows_of(ladder: Ladder) -> list[tuple[str, ...]]:
    """Return a row for each step, under `HEADERS`."""
    return [_row(concurrency, figures) for concurrency, figures in ladder.steps.items()]


def _row(concurrency: int, figures: Figures) -> tuple[str, ...]:
    rates, used, queue = (figures.get(name, ()) for name in ("tps", "occupancy", "queue_s"))
    interval = percentile_estimate(rates, 50).interval if rates else None
    spread = f" [{rate(interval.low)}, {rate(interval.high)}]" if interval else ""
    return (
        str(concurrency),
        f"{rate(_median(rates))}{spread}",
        f"{100 * median(used):.0f} %" if used else "n/a",
        milliseconds(_median(figures.get("ttft_s", ()))),
        milliseconds(median(queue)) if queue else "-",
        milliseconds(_median(figures.get("tpot_s", ()))),
        milliseconds(_median(figures.get("client_s", ()))),
    )


def notes_of(ladder: Ladder) -> list[str]:
    """Return from where on more requests at a time add little, what all slots give, and whether windows are few."""
    rates = {step: median(figures["tps"]) for step, figures in ladder.steps.items() if figures.get("tps")}
    enough, notes = saturation(rates), []
    if enough is not None and enough == max(rates):
        notes.append(f"Not saturated with {enough} at a time: the highest rate is the last one measured.")
    elif enough is not None:
        notes.append(f"Saturated with {enough} at a time: more of them add less than {100 * (1 - SATURATED):.0f} %.")
    if enough is not None and (lower := _lowest_that_may_be_as_fast(ladder, rates)) is not None and lower < enough:
        notes.append(f"That is not certain: the interval of {lower} at a time reaches that of the highest rate.")
    if ladder.slots in rates and rates.get(1) and ladder.slots > 1:
        times = rates[ladder.slots] / rates[1]
        notes.append(f"All {ladder.slots} slots give {times:.1f} x the token/s of one request at a time.")
    if ladder.windows < _LEAST_WINDOWS:
        notes.append(f"There are fewer than {_LEAST_WINDOWS} windows of a step: take the figures with care.")
    return notes


def _lowest_that_may_be_as_fast(ladder: Ladder, rates: Mapping[int, float]) -> int | None:
    """Return the lowest step whose interval reaches that of the highest rate; None where there are no intervals."""
    intervals = {step: percentile_estimate(ladder.steps[step]["tps"], 50).interval for step in rates}
    highest = intervals[max(rates, key=lambda step: rates[step])]
    reaching = [step for step, found in intervals.items() if found and highest and found.high >= highest.low]
    return min(reaching, default=None)


def flips_of(seen: RunFile) -> dict[str, str]:
    """Return, by model key, how many greedy answers differed with several requests at a time, and by themselves."""
    found: dict[str, dict[int, str]] = {}
    for measure in seen.measures:
        concurrency, questions = _count(measure, "concurrency"), _count(measure, "questions")
        if measure.name == "flip_rate" and concurrency and questions:
            flipped = min(_count(measure, "flipped"), questions)
            interval = wilson(flipped, questions)
            when = "asked singly again" if concurrency == 1 else f"{concurrency} at a time"
            share = f"{flipped} of {questions} [{interval.low:.2f}, {interval.high:.2f}] {when}"
            found.setdefault(measure.model_key, {})[concurrency] = share
    differ = "greedy answers that differ from those of single requests"
    ordered = {key: [shares[step] for step in sorted(shares, reverse=True)] for key, shares in found.items()}
    return {key: f"{differ}: {'; '.join(shares)}." for key, shares in ordered.items()}


def _median(values: Sequence[float]) -> float | None:
    return median(values) if values else None
