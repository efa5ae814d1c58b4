"""Throughput step by step: 1, 2, 4 … requests at a time, up to the slots and past them; and answers that flip."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

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
    "flight, the queue left out, / (slots x time). TTFT: from the request written to the first delta of any kind. "
    "queue: by how much it exceeds the TTFT with as many requests as slots: the wait for a slot at the server. "
    "TPOT: (last delta - first delta) / (n - 1). client: from the end of an answer to the next request written, which "
    "is the harness's own part. All are medians."
)
"""Definitions, printed where the figures are: other tools mean other things by these names (docs/latency.md)."""

_LEAST_WINDOWS = 5
_MOST = 1_000_000  # A run file may hold anything.


@dataclass(slots=True)
class _Ladder:
    """What was measured of one model: by concurrency, and then by name, one value a window."""

    slots: int = 0
    steps: dict[int, dict[str, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))


def render(seen: RunFile, *, width: int | None) -> list[str]:
    """Return a table for each model whose throughput was measured step by step, and what follows from it."""
    ladders = _ladders(seen)
    parts = [part for key, ladder in ladders.items() for part in _table(key, ladder, width)]
    if ladders:
        parts.append(paragraph(LEGEND, width))
    return [*parts, *(paragraph(line, width) for line in _flips(seen))]


def _ladders(seen: RunFile) -> Mapping[str, _Ladder]:
    found: dict[str, _Ladder] = defaultdict(_Ladder)
    for measure in seen.measures:
        concurrency = _count(measure, "concurrency")
        if measure.name.startswith("ladder_") and concurrency:
            ladder = found[measure.model_key]
            ladder.slots = ladder.slots or _count(measure, "slots")
            ladder.steps[concurrency][measure.name].append(measure.value)
    return found


def _count(measure: MeasureRecord, name: str) -> int:
    value = measure.params.get(name)
    return value if isinstance(value, int) and 0 < value <= _MOST else 0


def _table(key: str, ladder: _Ladder, width: int | None) -> Iterator[str]:
    steps = dict(sorted(ladder.steps.items()))
    windows = min(len(figures["ladder_tps"]) for figures in steps.values())
    few = f" (fewer than {_LEAST_WINDOWS}: take them with care)" if windows < _LEAST_WINDOWS else ""
    title = f"{one_line(key, limit=40)}, {ladder.slots} slots, {windows} windows a step{few}:"
    rows = [_row(concurrency, figures) for concurrency, figures in steps.items()]
    align = ("right", "left", *["right"] * (len(HEADERS) - 2))
    yield f"{paragraph(title, width)}\n\n{fitted(rows, headers=HEADERS, align=align, width=width)}"
    rates = {
        concurrency: median(figures["ladder_tps"]) for concurrency, figures in steps.items() if figures["ladder_tps"]
    }
    if (enough := saturation(rates)) is not None:
        yield paragraph(_saturated(enough, rates, ladder.slots), width)


def _row(concurrency: int, figures: Mapping[str, Sequence[float]]) -> Sequence[str]:
    rates, used, queue = figures["ladder_tps"], figures["ladder_occupancy"], figures["ladder_queue_s"]
    interval = percentile_estimate(rates, 50).interval if rates else None
    spread = f" [{rate(interval.low)}, {rate(interval.high)}]" if interval else ""
    return (
        str(concurrency),
        f"{rate(_median(rates))}{spread}",
        f"{100 * median(used):.0f} %" if used else "n/a",
        milliseconds(_median(figures["ladder_ttft_s"])),
        milliseconds(median(queue)) if queue else "-",
        milliseconds(_median(figures["ladder_tpot_s"])),
        milliseconds(_median(figures["ladder_client_s"])),
    )


def _saturated(enough: int, rates: Mapping[int, float], slots: int) -> str:
    """Return from where on more requests at a time add little, and what all slots give against one request."""
    if enough == max(rates):
        text = f"Not saturated with {enough} at a time: the highest rate is the last one measured."
    else:
        text = f"Saturated with {enough} at a time: more of them add less than {100 * (1 - SATURATED):.0f} %."
    if slots in rates and rates.get(1) and slots > 1:
        text += f" All {slots} slots give {rates[slots] / rates[1]:.1f} x the token/s of one request at a time."
    return text


def _flips(seen: RunFile) -> Iterator[str]:
    """Yield, for each model, how many greedy answers differed with several requests at a time, and by themselves."""
    found: dict[str, list[MeasureRecord]] = defaultdict(list)
    for measure in seen.measures:
        if measure.name == "flip_rate" and _count(measure, "concurrency") and _count(measure, "questions"):
            found[measure.model_key].append(measure)
    for key, measures in found.items():
        shares = "; ".join(map(_share, sorted(measures, key=lambda measure: -_count(measure, "concurrency"))))
        yield f"{one_line(key, limit=40)}: greedy answers that differ from those of single requests: {shares}."
    if found:
        yield (
            "[ ]: 95 % interval. Slots > 1 can change greedy answers, as they are computed in another "
            "order; what differs when asked singly again is not due to the slots."
        )


def _share(measure: MeasureRecord) -> str:
    questions, concurrency = _count(measure, "questions"), _count(measure, "concurrency")
    flipped = min(_count(measure, "flipped"), questions)
    interval = wilson(flipped, questions)
    when = "asked singly again" if concurrency == 1 else f"{concurrency} at a time"
    return f"{flipped} of {questions} [{interval.low:.2f}, {interval.high:.2f}] {when}"


def _median(values: Sequence[float]) -> float | None:
    return median(values) if values else None
