"""The table of thoughts, from a run file."""

from harness.domain.record import MeasureRecord
from harness.report.latency.thinking import render
from tests.store.written import written

HEAD = {"run_id": "r", "at": "2026-11-29T01:00:00.000Z", "unit": "s", "model_key": "acme/thinks"}


def measures(name: str, *values: float, limit: object = 1024) -> list[MeasureRecord]:
    facts = {**HEAD, "name": f"thinking_{name}", "params": {"limit_tokens": limit}}
    return [MeasureRecord.model_validate({**facts, "value": value}) for value in values]


def test_thoughts_stand_beside_the_answer_that_they_delay() -> None:
    records = (
        *measures("ttft_s", *[0.2] * 5),
        *measures("reasoning_tokens", 100, 200, 300, 400, 1024),
        *measures("reasoning_s", 1.0, 2.0, 3.0, 4.0),
        *measures("ttft_answer_s", 1.2, 2.2, 3.2, 4.2),
        *measures("e2e_s", *[6.0] * 5),
    )
    parts = render(written(*records), width=110)
    cells = [cell.strip() for cell in parts[1].splitlines()[2].split("  ") if cell.strip()]
    assert cells == ["acme/thinks", "5", "0.20 s", "300 tokens", "2.50 s", "2.70 s", "6.00 s"]
    assert parts[2].startswith("acme/thinks: 1 of 5 rounds had no answer within 1,024 tokens")


def test_few_rounds_and_odd_limits_are_told_or_passed_over() -> None:
    parts = render(written(*measures("ttft_s", 0.2, limit=10**400)), width=110)
    assert parts[2].startswith("acme/thinks: only 1 of 5 rounds")
    assert render(written(), width=110) == []
