"""The plan of a run as text."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from harness.domain.candidate import models_in
from harness.domain.model import Model
from harness.report.figure import seconds, size
from harness.report.layout import fitted, prose
from harness.report.text import one_line, printable

_ANSWERS = {
    "this model": "from what earlier runs took here",
    "other models": "a model or task that was not asked here before is counted as fast as others, by size",
    "assumed": "a rough guess from sizes alone, at 10 GB/s of memory bandwidth, and a GPU may be far quicker",
}
_LOADS = {
    "this model": "Loads are counted as earlier ones of the same model took.",
    "other models": "A model that was not loaded here before is counted as fast as the others were.",
    "assumed": "How fast this machine loads is not known: 1 GB/s is assumed.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """One model's share of a plan."""

    model: Model
    context_length: int
    samples: int
    estimate_s: float


def render_plan(
    rows: Sequence[PlanRow],
    *,
    tasks: Sequence[str],
    because: str,
    notes: Sequence[str] = (),
    answer_bases: Collection[str] = frozenset({"assumed"}),
    load_bases: Collection[str] = frozenset({"assumed"}),
    width: int | None = None,
) -> str:
    """Return the table of what would be loaded and asked, with an estimate of the time it takes.

    Args:
        rows: one for each model.
        tasks: what would be asked.
        because: why these models.
        notes: what else to print.
        answer_bases: what the times of answers rest on: answers of "this model", of "other models", or "assumed".
        load_bases: the same for loads.
        width: of the terminal, in columns; None: unlimited.
    """
    cells = [
        (
            one_line(row.model.name, limit=60),
            size(row.model.size_bytes),
            "loaded" if row.model.is_loaded else "",
            row.context_length,
            row.samples,
            seconds(row.estimate_s),
        )
        for row in rows
    ]
    # A model at several reasoning levels is one file.
    total_bytes = sum({row.model.key: row.model.size_bytes for row in rows}.values())
    total_s = sum(row.estimate_s for row in rows)
    headers = ("model", "size", "now", "context", "samples", "estimate")
    align = ("left", "right", "left", "right", "right", "right")
    table = fitted(cells, headers=headers, width=width, align=align) if rows else ""
    head = (
        f"Plan: {models_in(row.model.name for row in rows)} ({printable(because)}), one at a time, "
        f"{size(total_bytes)} on disk in total; "
        f"tasks: {', '.join(tasks) or 'none'}."
    )
    too_long = [
        f"{one_line(row.model.name, limit=60)}: a context of {row.context_length} tokens is more than the model's "
        f"{row.model.max_context_length}; the server will refuse it or take a smaller one."
        for row in rows
        if 0 < row.model.max_context_length < row.context_length
    ]
    because_of = "; ".join(text for basis, text in _ANSWERS.items() if basis in answer_bases)
    end = (
        f"About {seconds(total_s)} in all: {because_of}. "
        f"{' '.join(text for basis, text in _LOADS.items() if basis in load_bases)} Nothing was loaded."
    )
    paragraphs = [prose(printable(text), width) for text in [*too_long, *notes, end]]
    return "\n\n".join([prose(head, width), *filter(None, [table]), *paragraphs])
