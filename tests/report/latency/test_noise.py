"""The table of noise at the end of a thorough run."""

from typing import Any

from harness.domain.record import MeasureRecord
from harness.report.latency.noise import LEGEND, conditions, render
from harness.report.latency.tables import tables
from harness.report.layout import paragraph
from tests.store.written import written
from tests.verdict.recorded import head

KEY = "acme/tiny"


def rounds(name: str, *values: float) -> list[MeasureRecord]:
    facts: dict[str, Any] = {"run_id": "r1", "at": "2026-11-23T08:00:00.000Z", "unit": "s", "cold": False}
    facts |= {"name": name, "model_key": KEY, "params": {"concurrency": 1}}
    return [
        MeasureRecord.model_validate({**facts, "value": value, "round": number})
        for number, value in enumerate(values, 1)
    ]


HOST = head(cpu_count=2, conditions={"load_average": 0.3, "governor": "performance", "power": None})
MEASURED = [
    *rounds("e2e_s", 1.0, 1.1, 1.0, 1.1, 1.0, 1.1),
    *rounds("tpot_s", *[0.012] * 6),
    *rounds("load_time_s", 2.0, 2.0, 2.0),
    *rounds("late_e2e_s", 1.26, 1.26, 1.26),
]


def test_each_time_stands_with_what_chance_and_what_the_machine_did_to_it() -> None:
    table, legend, machine = render(written(HOST, *MEASURED), width=80)
    assert [line.split("  ") for line in table.splitlines() if "answer" in line] != []
    cells = {tuple(filter(None, (cell.strip() for cell in line.split("  ")))) for line in table.splitlines()[2:]}
    assert cells == {
        (KEY, "time per token", "6", "12 ms", "0 %", "0 %", "0 %"),
        (KEY, "answer", "6", "1.05 s", "10 %", "20 %", "20 %"),
        (KEY, "load", "3", "2.00 s", "n/a", "n/a", "n/a"),
    }
    assert legend == paragraph(LEGEND, 80)
    assert " ".join(machine.split()) == (
        "When the run began: load average 0.30 on 2 cores, CPU governor performance, power source not readable."
    )
    assert max(len(line) for part in (table, legend, machine) for line in part.splitlines()) <= 80


def test_without_a_late_block_there_is_no_table_and_an_old_run_tells_no_conditions() -> None:
    assert tables(written(HOST, *rounds("e2e_s", *[1.0] * 6)), width=80) == []
    assert conditions(written(head())) == (
        "When the run began: load average not readable, CPU governor not readable, power source not readable."
    )
