"""The table of memory bandwidth utilisation."""

import pytest

from harness.domain.record import MeasureRecord
from harness.report.latency.limit import render
from tests.store.written import written

HEAD = {"run_id": "r", "at": "2026-11-23T08:00:00.000Z", "unit": "u"}


def measure(name: str, value: float, **params: object) -> MeasureRecord:
    return MeasureRecord.model_validate(
        {**HEAD, "name": name, "value": value, "model_key": "acme/tiny", "params": params}
    )


def last_line(weights: float | None, cache: object, *, tps: float = 50) -> str:
    records = [measure("memory_bandwidth_bps", 10e9, cache_bytes=cache), measure("decode_tps", tps, concurrency=1)]
    records += [] if weights is None else [measure("weights_bytes", weights)]
    return " ".join(render(written(*records), width=80)[0].splitlines()[-1].split())


@pytest.mark.parametrize(
    ("weights", "cache", "tps", "row"),
    [
        (150e6, 32e6, 50, "acme/tiny 50 150 MB 10.0 GB/s 0.75"),
        (150e6, 32e6, 80, "acme/tiny 80 150 MB 10.0 GB/s 1.20!"),
        (100e6, 32e6, 80, "acme/tiny 80 100 MB 10.0 GB/s -*"),
        (150e6, None, 50, "acme/tiny 50 150 MB 10.0 GB/s 0.75"),
        (None, 32e6, 50, "acme/tiny 50 unknown 10.0 GB/s n/a"),
        (1e300, "\x1b[31m", 50, "acme/tiny 50 unknown 10.0 GB/s n/a"),
    ],
)
def test_a_value_that_cannot_be_is_marked_and_one_that_says_nothing_is_withheld(
    weights: float | None, cache: float | str | None, tps: float, row: str
) -> None:
    assert last_line(weights, int(cache) if isinstance(cache, float) else cache, tps=tps) == row


def test_marks_are_explained_where_they_are_and_nothing_is_shown_where_nothing_was_measured() -> None:
    records = [
        measure("memory_bandwidth_bps", 10e9, cache_bytes=32_000_000),
        measure("decode_tps", 80, concurrency=1),
        measure("weights_bytes", 150e6),
    ]
    parts = render(written(*records), width=None)
    assert len(parts) == 3
    assert parts[2].startswith("! : memory cannot give more than 1")
    assert render(written(measure("decode_tps", 80, concurrency=1)), width=None) == []
