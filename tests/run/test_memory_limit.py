"""The suite's measurement of memory bandwidth in a run that knows the files of its models."""

import struct
from pathlib import Path

import pytest

from harness.domain.model import LoadConfig
from harness.domain.record import MeasureRecord, SkipRecord
from harness.run.host import Host
from suites.latency.test_limit import test_memory_bandwidth as measure
from tests.embedded.test_limit import written

from .conftest import KEY, Make

EXPERTS = {"mixtral.expert_count": struct.pack("<II", 4, 8)}


@pytest.mark.parametrize("values", [{}, EXPERTS], ids=["dense", "mixture"])
def test_weights_are_recorded_or_it_is_said_why_not_and_the_model_counts(
    make: Make, tmp_path: Path, values: dict[str, bytes]
) -> None:
    bench = make()
    file = written(tmp_path / "tiny.gguf", ("token_embd.weight", 640), values=values)
    bench.run.host = Host(files={KEY: [file]})
    with bench.run.leased(bench.model, LoadConfig(context_length=512)) as leased:
        measure(bench.run, leased)
    measures = {record.name: record for record in bench.records(MeasureRecord)}
    assert measures["memory_bandwidth_bps"].value > 0
    assert "cache_bytes" in measures["memory_bandwidth_bps"].params
    skips = [(skip.model_key, skip.task) for skip in bench.records(SkipRecord)]
    if values:
        assert "weights_bytes" not in measures
        # With a task: without one, the whole model would count as skipped.
        assert skips == [(KEY, "memory bandwidth utilisation")]
    else:
        assert measures["weights_bytes"].value == 640
        assert skips == []


def test_it_is_skipped_where_the_files_are_not_known(make: Make) -> None:
    bench = make()
    with (
        bench.run.leased(bench.model, LoadConfig(context_length=512)) as leased,
        pytest.raises(pytest.skip.Exception, match="known only of an embedded server"),
    ):
        measure(bench.run, leased)
