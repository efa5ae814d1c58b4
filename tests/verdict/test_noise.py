"""What is said of times, given how far they are from themselves and where they were measured."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.domain.record import MeasureRecord
from harness.store.run_file import RunFile
from harness.verdict.noise import noise_in, other_machine
from tests.store.written import write

from .recorded import AT, KEY, head


def measured(name: str, values: Sequence[float], *, key: str = KEY, **params: object) -> list[MeasureRecord]:
    facts = {"run_id": "r1", "at": AT, "name": name, "unit": "s", "model_key": key, "params": params}
    return [
        MeasureRecord.model_validate({**facts, "value": value, "round": number, "cold": False})
        for number, value in enumerate(values, 1)
    ]


def run_of(tmp_path: Path, *records: MeasureRecord) -> RunFile:
    return RunFile.read(write(tmp_path / "run.jsonl", [head(), *records]))


def test_the_rounds_of_single_requests_tell_the_noise_and_no_others_do(tmp_path: Path) -> None:
    seen = run_of(
        tmp_path,
        *measured("e2e_s", [1.0, 1.1, 1.0, 1.1], concurrency=1),
        *measured("e2e_s", [9.0] * 4, concurrency=4),
        *measured("e2e_s", [5.0] * 4, concurrency=1, depth=8192),
        *measured("e2e_s", [7.0] * 4, key="acme/other"),
    )
    found = noise_in(seen, KEY, "e2e_s")
    assert found.n == 4
    assert found.share == pytest.approx(0.1)


def test_rounds_are_taken_in_their_order_and_a_late_block_tells_the_drift(tmp_path: Path) -> None:
    rounds = measured("ttft_s", [1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0])
    found = noise_in(run_of(tmp_path, *reversed(rounds), *measured("late_ttft_s", [1.5] * 4)), KEY, "ttft_s")
    assert found.over_time == pytest.approx(0), "1.5 is the median of the first block"


def test_without_the_latency_suite_nothing_is_known(tmp_path: Path) -> None:
    assert noise_in(run_of(tmp_path), KEY, "e2e_s").reason == "not measured: the suite latency did not run"


HOST: dict[str, Any] = {
    "platform": "Linux-6.8.0-45-generic-x86_64-with-glibc2.39",
    "cpu": "AMD EPYC",
    "cpu_count": 8,
    "memory_bytes": 16_000_000_000,
}


@pytest.mark.parametrize(
    ("now", "why"),
    [
        ({}, ""),
        ({"platform": "Linux-6.9.1-generic-x86_64-with-glibc2.40", "server_version": "0.4.2"}, ""),
        ({"memory_bytes": 16_100_000_000}, ""),
        ({"platform": "macOS-15.1-arm64-arm-64bit"}, "other machine: system Linux before, macOS now"),
        ({"cpu": "AMD Ryzen"}, "other machine: CPU AMD EPYC before, AMD Ryzen now"),
        ({"cpu": None}, "other machine: CPU AMD EPYC before, not reported now"),
        ({"cpu_count": 4}, "other machine: number of CPU cores 8 before, 4 now"),
        ({"memory_bytes": 32_000_000_000}, "other machine: memory 16 GB before, 32 GB now"),
        ({"memory_bytes": 10**400}, "other machine: memory 16 GB before, 1000000000 GB now"),
        ({"server_kind": "embedded"}, "other machine: server lm-studio before, embedded now"),
    ],
)
def test_times_of_another_machine_tell_nothing_but_an_update_is_what_is_tested(
    now: dict[str, object], why: str
) -> None:
    assert other_machine(head(**HOST), head("r2", **(HOST | now))) == why
