"""The table of loads: cold and warm apart, bytes a second, memory back, leaks, and loads by a first request."""

from typing import Any

import pytest

from harness.domain.record import MeasureRecord, RunRecord
from harness.report.latency.load import leaks, render
from harness.report.layout import fits
from harness.report.table import notes
from tests.store.written import written
from tests.verdict.test_load import HEAD, a_run, use

MEMORY = "memory_before_bytes", "memory_loaded_bytes", "memory_after_bytes"


def measure(
    name: str, value: float, *, number: int, cold: bool | None, model: str = "m", **params: Any
) -> MeasureRecord:
    facts = {"name": name, "value": value, "unit": "x", "model_key": model, "round": number, "cold": cold}
    return MeasureRecord.model_validate({**HEAD, **facts, "params": params})


def loads(times: list[float], *, cold: bool | None, **params: Any) -> list[MeasureRecord]:
    params = {"size_bytes": 1_000_000_000, **params}
    return [
        measure(name, time_s + more, number=number, cold=cold, **params)
        for number, time_s in enumerate(times, 1)
        for name, more in (("load_time_s", 0.0), ("load_wall_s", 0.1))
    ]


def memory(after: list[float]) -> list[MeasureRecord]:
    """Return rounds of a model that takes 200 MB, of which so much is still in use after each unload."""
    return [
        measure(name, value, number=number, cold=False)
        for number, back in enumerate(after, 1)
        for name, value in zip(MEMORY, (50e6, 250e6, back), strict=True)
    ]


def flat(*records: MeasureRecord, width: int | None = None) -> str:
    return " ".join("\n".join(render(a_run(*records), width=width)).split())


def test_cold_and_warm_loads_have_a_row_each_with_bytes_a_second() -> None:
    text = flat(*loads([10.0, 8.0, 9.0], cold=True), *loads([1.0, 2.0, 2.0, 2.0, 3.0], cold=False))
    assert "m cold 3 9.00 s [8.50 s, 9.50 s] 9.10 s 111 -" in text
    assert "m warm 5 2.00 s [2.00 s, 2.00 s] 2.10 s 500 -" in text
    assert "cold: the file was read from the disk. warm: the model had been loaded just before." in text
    assert "Fewer than 5 loads show little of the spread." in text


def test_the_size_of_an_older_file_comes_from_its_instance() -> None:
    instance = use("m", size_bytes=2_000_000_000)
    text = " ".join("\n".join(render(a_run(*loads([1.0], cold=False, size_bytes=None), instance), width=None)).split())
    assert "m warm 1 1.00 s 1.10 s 2,000 -" in text


def test_an_uncontrolled_load_says_why() -> None:
    why = "which file the server loads is known only of the embedded server"
    assert f"m, uncontrolled: {why}." in flat(*loads([1.0], cold=None, why=why))


def test_a_reason_that_is_the_same_for_all_models_is_given_once() -> None:
    """In LM Studio every load is uncontrolled, so a dozen models had a paragraph each."""
    records = [
        measure("load_time_s", 1.0, number=1, cold=None, model=f"m{number}", why="not known") for number in range(7)
    ]
    text = flat(*records)
    assert text.count("not known") == 1
    assert "m0, m1, m2, m3, m4 and 2 more, uncontrolled: not known." in text


def test_the_loads_of_a_model_are_shown_once_whatever_its_reasoning_levels() -> None:
    facts = {"harness_version": "0", "server_kind": "x", "server_url": "u"}
    plan = {"candidates": [{"model_key": "m", "reasoning_level": level} for level in ("off", "high")]}
    head = RunRecord.model_validate({**HEAD, **facts, "plan": plan})
    (table, *_) = render(written(head, *loads([1.0], cold=False)), width=None)
    rows = [line.split() for line in table.splitlines() if "warm" in line]
    assert [row[:3] for row in rows] == [["m", "warm", "1"]]


def test_what_of_the_memory_is_back_is_told_and_a_leak_is_named() -> None:
    text = flat(*loads([1.0], cold=False), *memory([60e6, 60e6, 60e6]))
    assert "m: the server and its workers use 50 MB of memory before a load, 250 MB with the model, 60 MB after" in text
    assert "95% of what the load took is back." in text
    assert leaks(a_run(*memory([60e6, 61e6, 62e6]))) == []
    assert leaks(a_run(*memory([60e6, 100e6]))) == [], "two rounds show no trend"
    (leak,) = leaks(grown := a_run(*memory([60e6, 80e6, 100e6])))
    assert leak == "memory leak: after 3 loads and unloads of m the server uses 40 MB more than after the first one"
    assert leak in notes(grown)


def test_a_first_request_is_compared_with_a_load_and_the_same_request() -> None:
    names = {"jit_e2e_s": 3.0, "jit_load_time_s": 2.0, "load_then_e2e_s": 4.0}
    both = [measure(name, value, number=n, cold=False) for n in (1, 2) for name, value in names.items()]
    of_smoke = measure("jit_e2e_s", 99.0, number=1, cold=None)
    text = flat(*loads([1.0], cold=False), *both, of_smoke)
    assert "(JIT) takes 3.00 s, of which the server says 2.00 s is the load; a load and then the same request" in text
    assert "take 4.00 s. n = 2 of each, in turn; neither is a load figure." in text


@pytest.mark.parametrize("width", [20, 80, 120])
def test_whatever_a_file_holds_it_fits_and_is_inert(width: int) -> None:
    odd = [measure("load_time_s", value, number=1, cold=True, size_bytes="x") for value in (-1.0, 1e-12, 1e300)]
    hostile = loads([1.0], cold=None, why="\x1b[31m" * 100)
    parts = render(a_run(*odd, *hostile, *memory([-1.0, 1e30])), width=width)
    assert all(fits(part, width) for part in parts)
    assert "\x1b" not in "".join(parts)
    assert render(a_run(*odd), width=width) == []
