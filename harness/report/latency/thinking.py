"""The table of thoughts: what a model that thinks does before its answer begins (docs/latency.md)."""

from collections.abc import Sequence
from statistics import median

from harness.domain.record import MeasureRecord
from harness.report.figure import seconds
from harness.report.layout import fitted, paragraph
from harness.report.text import one_line
from harness.store.run_file import RunFile

PREFIX = "thinking_"
HEADERS = ("model", "n", "first word", "thoughts", "for", "answer's first word", "whole answer")
LEGEND = (
    "Medians of n rounds, one request at a time. first word: from the request written to the first delta of any kind. "
    "thoughts: reasoning tokens, as the server counts them. for: from the first delta of any kind to the first one of "
    "the answer. whole answer: to the last delta, thoughts included."
)
_FEW = 5
_MOST = 10**9  # A run file may hold anything.


def render(seen: RunFile, *, width: int | None) -> list[str]:
    """Return a table of the models that think, then what its columns mean; nothing where none does."""
    found: dict[str, list[MeasureRecord]] = {}
    for measure in seen.measures:
        if measure.name.startswith(PREFIX) and measure.model_key:
            found.setdefault(measure.model_key, []).append(measure)
    if not found:
        return []
    rows = [_row(key, measures) for key, measures in found.items()]
    notes = [note for key, measures in found.items() for note in _notes(key, measures)]
    align = ["left", *["right"] * (len(HEADERS) - 1)]
    table = fitted(rows, headers=HEADERS, width=width, align=align)
    return ["Thoughts before the answer:", table, *(paragraph(text, width) for text in [*notes, LEGEND])]


def _values(measures: Sequence[MeasureRecord], name: str) -> list[float]:
    return [measure.value for measure in measures if measure.name == f"{PREFIX}{name}"]


def _row(key: str, measures: Sequence[MeasureRecord]) -> Sequence[str]:
    tokens = _values(measures, "reasoning_tokens")
    return (
        one_line(key, limit=40),
        str(len(_values(measures, "ttft_s"))),
        _median(_values(measures, "ttft_s")),
        f"{median(tokens):,.0f} tokens" if tokens else "n/a",
        _median(_values(measures, "reasoning_s")),
        _median(_values(measures, "ttft_answer_s")),
        _median(_values(measures, "e2e_s")),
    )


def _notes(key: str, measures: Sequence[MeasureRecord]) -> list[str]:
    rounds, answered = len(_values(measures, "ttft_s")), len(_values(measures, "ttft_answer_s"))
    limits = [limit for measure in measures if isinstance(limit := measure.params.get("limit_tokens"), int)]
    limits = [limit for limit in limits if 0 < limit < _MOST]
    notes = []
    if answered < rounds and limits:
        notes.append(
            f"{one_line(key, limit=40)}: {rounds - answered} of {rounds} rounds had no answer within "
            f"{min(limits):,} tokens: those are not in the figures of the answer."
        )
    if rounds < _FEW:
        notes.append(f"{one_line(key, limit=40)}: only {rounds} of {_FEW} rounds: too few for a figure to rely on.")
    return notes


def _median(values: Sequence[float]) -> str:
    return seconds(median(values) if values else None)
