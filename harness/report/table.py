"""The table at the end of a run: one row for each model and task, with what is needed to choose a model."""

from collections.abc import Iterable, Iterator, Sequence

from harness.domain.count import counted
from harness.domain.record import SkipRecord, SummaryRecord
from harness.report import speed
from harness.report.claim import races, repeats, thoughts, verdicts
from harness.report.context import context_note
from harness.report.figure import rate, seconds, size
from harness.report.latency import vector
from harness.report.latency.load import leaks
from harness.report.latency.tables import tables as latency_tables
from harness.report.layout import cards, fits, fitted, paragraph, prose, table, text_width
from harness.report.text import one_line, printable
from harness.report.way import way_notes
from harness.stats.pairing import MOST_UNSCORED
from harness.store.cell import CellKey
from harness.store.run_file import RunFile

HEADERS = ("model", "task", "score [95 %]", "chance", "n", "lost", "E2E p50", "TTFT", "token/s", "load", "size")
LEGEND = (
    "score: mean over n items, with its 95 % interval; - : not claimed, as more than 5 % of the answers were lost. "
    "chance: the mean of answers that did not read the prompt. E2E p50: median from the request written to the last "
    f"delta, with all slots in use. {speed.TTFT} {speed.DECODE_RATE} {speed.LOAD} All three: medians of the latency "
    "suite, one request at a time; ~ : not measured there, so taken from this task's answers and the one load of the "
    "run."
)

_LATENCY = frozenset({"load_time_s", "ttft_s", "decode_tps", "throughput_tps"})
_MOST_NAMED = 3


def render(seen: RunFile, *, width: int | None = None) -> str:
    """Return the end of a run as text: table, legend, verdicts, what was skipped, notes on the figures.

    Args:
        seen: the run.
        width: of the terminal, in columns; None: unlimited.
    """
    prose_width = text_width(width)
    parts: list[str] = []
    if seen.summaries:
        rows = [_row(seen, cell) for cell in seen.summaries]
        parts.append(_cells(rows, width))
        parts.append(paragraph(LEGEND, prose_width))
        fast = HEADERS.index("TTFT"), HEADERS.index("token/s")
        parts.extend(paragraph(note, prose_width) for note in way_notes(seen))
        parts.extend(_marks((row[column] for row in rows for column in fast), prose_width))
    parts.extend(_latency(seen, width))
    parts.extend(latency_tables(seen, width=prose_width, is_detailed=True))
    parts.extend(races(seen.summaries, seen.header, text_width=prose_width))
    parts.extend(verdicts(seen.comparisons, width=width, text_width=prose_width))
    parts.extend(_tiers(seen.summaries, width))
    parts.extend(repeats(seen.summaries, width=width, text_width=prose_width))
    parts.extend(thoughts(seen.summaries, width=width, text_width=prose_width))
    parts.extend(skips(seen.skips, prose_width))
    parts.extend(paragraph(f"Note: {printable(note)}", prose_width) for note in notes(seen))
    return "\n\n".join(parts)


def score(cell: SummaryRecord) -> str:
    """Return "0.75 [0.53, 0.89]", or "-" where too many answers are unscored to claim anything.

    A cell that a race stopped has no mean, as it would be biased: "early [0.02, 0.45]".
    """
    if cell.unscored > MOST_UNSCORED * cell.answers:
        return "-"
    if cell.stopped_early and cell.low is not None and cell.high is not None:
        return f"early [{cell.low:.2f}, {cell.high:.2f}]"
    if cell.score is None:
        return "-"
    if cell.low is None or cell.high is None:
        return f"{cell.score:.2f} [n/a]"
    return f"{cell.score:.2f} [{cell.low:.2f}, {cell.high:.2f}]"


def _cells(rows: Sequence[Sequence[str]], width: int | None) -> str:
    """Return the main table; if it is too wide, with each model on a line of its own; if still too wide, as cards."""
    align = ("left", "left", "left", *["right"] * 8)
    wide = table(rows, headers=HEADERS, align=align)
    if fits(wide, width):
        return wide
    head, rule, *lines = table([row[1:-2] for row in rows], headers=HEADERS[1:-2], align=align[1:-2]).splitlines()
    grouped = [head, rule]
    above = ""
    for row, line in zip(rows, lines, strict=True):
        if row[0] != above:
            grouped.append(f"{row[0]} ({row[-1]}, load {row[-2]})")
            above = row[0]
        grouped.append(line)
    narrow = "\n".join(grouped)
    if fits(narrow, width):
        return narrow
    return cards([(f"{row[0]} {row[1]}", *row[2:]) for row in rows], headers=HEADERS[1:], width=width)


def notes(seen: RunFile) -> list[str]:
    """Return what a reader of the figures must know: the run's own notes, and models that got another context."""
    contexts = [
        context_note(
            key,
            requested=instance.requested_config.get("context_length"),
            effective=instance.effective_config.get("context_length"),
            is_owned=instance.owned,
        )
        for key, instance in seen.instances.items()
    ]
    return [
        *(seen.header.notes if seen.header else ()),
        *(f"{note}." for note in contexts if note),
        *_found_in_warm_up(seen),
        *leaks(seen),
        *filter(None, [speed.busy_note(seen)]),
    ]


def _found_in_warm_up(seen: RunFile) -> Iterator[str]:
    for key, instance in seen.instances.items():
        if instance.thinks_in_text:
            yield (
                f"{key} thinks within its text, which no setting of it says: its answers got more output tokens, as "
                "far as its context allowed."
            )
        if instance.short_by_tokens:
            yield (
                f"The server stopped {key} {counted(instance.short_by_tokens, 'token')} before the limit: answers of "
                "that length count as truncated."
            )


def _row(seen: RunFile, cell: SummaryRecord) -> Sequence[str]:
    instance = seen.instances.get(cell.model_key)
    samples = list(seen.cells.get(CellKey(cell.model_key, cell.task), ()))
    return (
        one_line(cell.model_key, limit=40),
        cell.task_class,
        score(cell),
        "n/a" if cell.chance is None else f"{cell.chance:.2f}",
        str(cell.n),
        str(cell.unscored),
        seconds(cell.e2e_p50_s),
        speed.ttft(seen, cell.model_key, samples),
        speed.decode_rate(seen, cell.model_key, samples),
        speed.load_time(seen, cell.model_key),
        size(instance.size_bytes if instance else None),
    )


def _latency(seen: RunFile, width: int | None) -> list[str]:
    """Return the latency of the chat models that have no cell, as in a run of the latency suite alone."""
    shown = {cell.model_key for cell in seen.summaries}
    shown |= {measure.model_key for measure in seen.measures if measure.name.startswith(vector.PREFIX)}
    keys = dict.fromkeys(
        measure.model_key for measure in seen.measures if measure.name in _LATENCY and measure.model_key
    )
    rows = [
        (
            one_line(key, limit=40),
            speed.load_time(seen, key),
            speed.ttft(seen, key),
            speed.prefill_rate(seen, key),
            speed.decode_rate(seen, key),
            rate(speed.measured(seen, key, "throughput_tps")),
        )
        for key in keys
        if key not in shown
    ]
    if not rows:
        return []
    headers = ("model", "load", "TTFT", "prefill/s", "token/s", "token/s, all slots")
    return [
        fitted(rows, headers=headers, width=width, align=["left", *["right"] * 5]),
        prose(f"Medians, one request at a time. {speed.TTFT} {speed.PREFILL} {speed.DECODE_RATE} {speed.LOAD}", width),
        prose(speed.ALL_SLOTS, width),
        *_marks((cell for row in rows for cell in row[1:]), width),
    ]


def _marks(cells: Iterable[str], width: int | None) -> list[str]:
    legend = speed.legend_of(cells)
    return [prose(legend, width)] if legend else []


def _tiers(cells: Sequence[SummaryRecord], width: int | None) -> list[str]:
    rows = [
        (one_line(cell.model_key, limit=40), cell.task_class, *(f"{value:.2f}" for value in cell.by_tier.values()))
        for cell in cells
        if len(cell.by_tier) > 1
    ]
    if not rows:
        return []
    names = ("easy", "medium", "hard")[: max(len(row) for row in rows) - 2]
    rows = [(*row, *[""] * (len(names) + 2 - len(row))) for row in rows]
    headers = ("mean score by tier", "task", *names)
    wide = table(rows, headers=headers, align=["left"] * len(headers))
    if fits(wide, width):
        return [wide]
    return [
        f"{headers[0]}:",
        cards([(f"{row[0]} {row[1]}", *row[2:]) for row in rows], headers=headers[1:], width=width),
    ]


def skips(found: Sequence[SkipRecord], width: int | None) -> list[str]:
    """Return what was not run, a line for each reason: a budget leaves out the same of many cells.

    A cell is named once, though each part of a resumed run has a record of its skip.
    """
    names: dict[str, dict[str, None]] = {}
    for skip in found:
        names.setdefault(skip.reason, {})[" ".join(filter(None, (skip.model_key, skip.task)))] = None
    lines = [
        paragraph(f"Skipped: {named(list(skipped))}: {one_line(reason, limit=300)}", width, indent=2)
        for reason, skipped in names.items()
    ]
    return ["\n".join(lines)] if lines else []


def named(names: Sequence[str]) -> str:
    """Return a list of names for a person: the first three, and how many more there are."""
    shown = ", ".join(one_line(name, limit=80) for name in names[:_MOST_NAMED])
    return shown if len(names) <= _MOST_NAMED else f"{shown} and {len(names) - _MOST_NAMED} more"
