"""The second part of the end of a run: verdicts, what a race saved, what repeats showed."""

from collections.abc import Sequence

from harness.domain.count import counted
from harness.domain.record import ComparisonRecord, RunRecord, SummaryRecord
from harness.report.figure import seconds
from harness.report.layout import cards, fits, paragraph, table
from harness.report.text import one_line, printable

_HEADERS = ("task", "verdict", "n", "difference [95 %]", "it takes")
_ALIGN = ("left", "left", "left", "right", "left", "right")


def verdicts(found: Sequence[ComparisonRecord], *, width: int | None, text_width: int) -> list[str]:
    """Return a table of verdicts for each reference, one for floors, what they mean, and why some are missing."""
    parts = []
    shown = [record for record in found if record.n]
    for reference in dict.fromkeys(record.reference for record in shown if record.reference):
        rows = [_row(record, record.task_class) for record in shown if record.reference == reference]
        parts.append(_table((f"against {one_line(reference, limit=40)}", *_HEADERS), rows, _ALIGN, width))
    floors = [_row(record, f"{record.task_class} {record.floor:g}") for record in shown if record.floor is not None]
    if floors:
        parts.append(_table(("against the floor", *_HEADERS), floors, _ALIGN, width))
    if parts:
        parts.append(paragraph(_legend(shown), text_width))
    without = [record for record in found if record.verdict == "not decided" and record.needed is None]
    if without:
        parts.append("\n".join(paragraph(_why(record), text_width, indent=2) for record in without))
    return parts


def races(cells: Sequence[SummaryRecord], run: RunRecord | None, *, text_width: int) -> list[str]:
    """Return a line for each cell that a race stopped: after how many items, and what that saved."""
    floors = (run.settings.get("floors") if run else None) or {}
    lines = []
    for cell in cells:
        if not cell.stopped_early:
            continue
        race, origin = cell.race, "" if cell.task in floors else ", the default"
        left = (cell.planned or 0) - int(race["asked"])
        lines.append(
            f"Stopped early: {_name(cell.model_key, cell.task_class)}: {race['decision']} the floor "
            f"({race['floor']:g}{origin}) after {counted(cell.n, 'item')}; {left} of "
            f"{counted(cell.planned or 0, 'question')} were not asked, which saved about "
            f"{float(race['saved_s']):.0f} s. A mean at that moment would be biased and is not given."
        )
    return ["\n".join(paragraph(line, text_width, indent=2) for line in lines)] if lines else []


def repeats(cells: Sequence[SummaryRecord], *, width: int | None, text_width: int) -> list[str]:
    """Return what several epochs show: how much of the scores' variance is due to the items, how much to chance."""
    rows = [
        (
            one_line(cell.model_key, limit=40),
            cell.task_class,
            str(cell.epochs),
            _figure(cell.repeats.get("between")),
            _figure(cell.repeats.get("within")),
            _figure(cell.repeats.get("flip_rate")),
            f"{sum(0 < rate < 1 for rate in cell.item_rates.values())} of {len(cell.item_rates)}",
        )
        for cell in cells
        if cell.epochs > 1 and cell.repeats
    ]
    if not rows:
        return []
    headers = ("repeats", "task", "epochs", "between items", "within items", "flip rate", "items that vary")
    means = sorted({cell.reducer for cell in cells if cell.epochs > 1})
    legend = (
        "repeats: variance of the scores between items, and within the repeats of one item; more epochs shrink only "
        "the second part. flip rate: how often two repeats of an item disagree on whether it passed. "
        f"score: the {', '.join(means)} of an item's epochs."
    )
    align = ("left", "left", *["right"] * 5)
    return [_table(headers, rows, align, width), paragraph(legend, text_width)]


def thoughts(cells: Sequence[SummaryRecord], *, width: int | None, text_width: int) -> list[str]:
    """Return what went into thoughts and what into answers, of the cells that thought; nothing where none did."""
    rows = [
        (
            one_line(cell.model_key, limit=40),
            cell.task_class,
            f"{cell.thoughts.get('answers', 0):.0f}",
            *(_tokens(cell.thoughts.get(name)) for name in ("reasoning_tokens_p50", "answer_tokens_p50")),
            *(seconds(cell.thoughts.get(name)) for name in ("reasoning_p50_s", "answer_p50_s")),
        )
        for cell in cells
        if cell.thoughts
    ]
    if not rows:
        return []
    headers = ("thoughts", "task", "n", "reasoning tokens", "answer tokens", "thinking for", "answering for")
    legend = (
        "thoughts: medians of the n answers for which the server reported reasoning. thinking for: from the first "
        "delta of any kind to the first one of the answer; answering for: from there to the last."
    )
    return [_table(headers, rows, ("left", "left", *["right"] * 5), width), paragraph(legend, text_width)]


def _tokens(count: float | None) -> str:
    return "n/a" if count is None else f"{count:,.0f}"


def _row(record: ComparisonRecord, task: str) -> tuple[str, ...]:
    return (
        one_line(record.model_key, limit=40),
        task,
        record.verdict,
        str(record.n),
        _difference(record),
        _needed(record),
    )


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]], align: Sequence[str], width: int | None) -> str:
    """Return a table; if it is too wide, cards below a line that says what they are about."""
    wide = table(rows, headers=headers, align=align)
    if fits(wide, width):
        return wide
    return paragraph(f"{headers[0]}:", width) + "\n" + cards(rows, headers=headers, width=width)


def _difference(record: ComparisonRecord) -> str:
    bounds = "n/a" if record.low is None or record.high is None else f"{record.low:+.2f}, {record.high:+.2f}"
    value = "" if record.difference is None else f"{record.difference:+.2f} "
    return f"{value}[{bounds}]"


def _needed(record: ComparisonRecord) -> str:
    if record.needed is None:
        return ""
    if record.needed_for:
        return f"{record.needed:,} for {record.needed_for}"
    return f"{record.needed:,}" + ("" if record.needed_difference is None else f" for {record.needed_difference:.2g}")


def _legend(found: Sequence[ComparisonRecord]) -> str:
    margins = sorted({record.margin for record in found if record.margin is not None and record.reference})
    alphas = ", ".join(f"{100 * alpha:.3g}" for alpha in sorted({record.alpha for record in found}))
    parts = [f"verdict: on the same items, at {alphas} % false alarms; lost answers count against whatever is claimed."]
    if margins:
        shown = ", ".join(f"{margin:g}" for margin in margins)
        parts.append(f"not worse: a loss of more than the margin ({shown}) is ruled out.")
    if any(record.floor is not None for record in found):
        parts.append("Against a floor, not worse: it is reached; worse: it is missed.")
    if any(record.needed for record in found):
        parts.append(
            "not decided is not 'equal'; it takes: items in all that would allow that verdict in 4 of 5 cases, if the "
            "models differ as they did."
        )
    return " ".join(parts)


def _why(record: ComparisonRecord) -> str:
    return f"Not decided: {_name(record.model_key, record.task_class)}: {printable(one_line(record.reason, limit=200))}"


def _name(model_key: str, task_class: str) -> str:
    return one_line(f"{model_key} {task_class}", limit=80)


def _figure(value: float | str | None) -> str:
    return f"{value:.3f}" if isinstance(value, float | int) else "n/a"
