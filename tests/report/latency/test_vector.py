"""The tables of embedding models, from a run file."""

from typing import Any

from harness.domain.record import MeasureRecord
from harness.report.latency.vector import render
from tests.store.written import written

HEAD = {"run_id": "r", "at": "2026-11-29T01:00:00.000Z", "unit": "1"}


def measures(name: str, *values: float, key: str = "acme/embed", batch: Any = None) -> list[MeasureRecord]:
    facts = {**HEAD, "model_key": key, "name": f"embedding_{name}", "params": {"batch": batch}}
    return [MeasureRecord.model_validate({**facts, "value": value}) for value in values]


def cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in table.splitlines()[2:]]


def test_vectors_and_texts_a_second_stand_in_tables_of_their_own() -> None:
    records = (
        *measures("dimension", 1024),
        *measures("norm", 1.0),
        *measures("moved", 0.0),
        *measures("moved_in_batch", 0.00123),
        *measures("cuts_silently", 1.0),
        *measures("texts_per_s", 40.0, 10.0, 20.0, batch=1),
        *measures("texts_per_s", 90.0, batch=8),
        *measures("texts_per_s", 5.0, key="acme/slow", batch=8),
    )
    vectors, legend, texts, rounds = render(written(*records), width=110)
    assert cells(vectors) == [["acme/embed", "1,024", "1", "0", "0.001", "cut silently"]]
    assert "in norms" in legend
    assert cells(texts) == [["acme/embed", "20.0/s", "90.0/s"], ["acme/slow", "-", "5.0/s"]]
    assert rounds.endswith("medians of 1 to 3 rounds.")


def test_what_was_not_measured_has_no_table_and_odd_figures_are_passed_over() -> None:
    assert render(written(), width=110) == []
    odd = (*measures("dimension", 1e300), *measures("cuts_silently", 0.5), *measures("texts_per_s", 4.0, batch="8"))
    vectors, _ = render(written(*odd), width=110)
    assert cells(vectors) == [["acme/embed", "-", "-", "-", "-", "-"]]
