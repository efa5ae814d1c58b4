"""Tables of a run as CSV, for spreadsheets and data frames (RFC 4180: commas, quotes doubled, a header line)."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from harness.domain.candidate import key_of, level_of
from harness.domain.record import ComparisonRecord, MeasureRecord, SampleRecord, SummaryRecord
from harness.report.no_score import why_no_score
from harness.report.spreadsheet import inert
from harness.report.text import printable
from harness.store.run_file import RunFile

_CELLS = (
    "run_id", "model_key", "reasoning_level", "task", "task_class", "scorer", "score", "low", "high", "interval",
    "chance", "n", "unscored", "planned", "epochs", "reducer", "passed", "e2e_p50_s", "outcomes",
    "by_tier", "why_no_score", "way",
)  # fmt: skip
_SAMPLES = (
    "run_id", "model_key", "reasoning_level", "task", "item_id", "epoch", "tier", "stratum", "cluster_id", "outcome",
    "score", "passed", "reason", "system_prompt", "turns", "prompt", "target", "answer", "reasoning", "ttft_s", "e2e_s",
    "input_tokens", "output_tokens", "error", "way", "tools",
)  # fmt: skip
_MEASURES = ("run_id", "model_key", "reasoning_level", "name", "value", "unit", "round", "cold", "params")
_COMPARISONS = (
    "run_id", "model_key", "reasoning_level", "task", "reference", "floor", "verdict", "reason", "n", "unscored",
    "difference", "low", "high", "interval", "p", "test", "margin", "alpha",
)  # fmt: skip

Row = Mapping[str, Any]


def as_csv(runs: Sequence[RunFile], table: str) -> tuple[str, int]:
    """Return a table of these runs, and how many rows it has.

    Text that a spreadsheet would run has a `'` in front; control characters are escaped.

    Args:
        runs: whose records are the rows.
        table: one of `TABLES`.

    Raises:
        StoreError: a file has changed since it was read.
    """
    columns, rows_of = TABLES[table]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    rows = [[_cell(row.get(column)) for column in columns] for run in runs for row in rows_of(run)]
    writer.writerows(rows)
    return out.getvalue(), len(rows)


def _cell(value: Any) -> str | float | int:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return inert(printable(text))


def _cells(run: RunFile) -> Iterator[Row]:
    for cell in run.summaries:
        row = _dumped(cell)
        if why := why_no_score(cell):
            row.update(score=None, low=None, high=None, interval="", by_tier={})
        row.update(outcomes=_pairs(cell.outcomes), by_tier=_pairs(row["by_tier"]))
        yield {**row, "why_no_score": why, "way": " ".join(sorted(run.ways(cell.model_key, cell.task)))}


def _samples(run: RunFile) -> Iterator[Row]:
    for _, entry in run.samples():
        sample, score = run.sample_record(entry), run.score(entry)
        prompt = run.prompt(sample)
        judged = run.score_record(score) if score else None
        yield {
            **_dumped(sample),
            "score": judged.value if judged else None,
            "passed": judged.passed if judged else None,
            "reason": judged.reason if judged else "",
            "system_prompt": prompt.system_prompt if prompt else None,
            "turns": prompt.turns or None if prompt else None,
            "prompt": prompt.prompt if prompt else None,
            "tools": prompt.tools or None if prompt else None,
            "answer": sample.output_text,
            "reasoning": sample.reasoning_text,
            "ttft_s": entry.ttft_s,
            "e2e_s": entry.e2e_s,
            "input_tokens": sample.usage.get("input_tokens"),
            "output_tokens": entry.output_tokens,
        }


def _all_dumped(records: Sequence[MeasureRecord] | Sequence[ComparisonRecord]) -> Iterator[Row]:
    return map(_dumped, records)


def _dumped(record: SummaryRecord | SampleRecord | MeasureRecord | ComparisonRecord) -> dict[str, Any]:
    """Return the fields of a record; what it is about as key and level, as in the run file."""
    level = record.reasoning_level or level_of(record.model_key)
    return {**record.model_dump(), "model_key": key_of(record.model_key), "reasoning_level": level}


def _pairs(values: Mapping[str, float]) -> str:
    """Return "ok=28 truncated=2"."""
    return " ".join(f"{name}={value:.4g}" for name, value in values.items())


TABLES: Mapping[str, tuple[Sequence[str], Callable[[RunFile], Iterator[Row]]]] = {
    "cells": (_CELLS, _cells),
    "samples": (_SAMPLES, _samples),
    "measures": (_MEASURES, lambda run: _all_dumped(run.measures)),
    "comparisons": (_COMPARISONS, lambda run: _all_dumped(run.comparisons)),
}
"""By name: the columns of a table, and what yields its rows."""
