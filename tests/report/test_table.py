import re

from harness.domain.record import (
    InstanceRecord,
    MeasureRecord,
    Record,
    RunRecord,
    SampleRecord,
    SkipRecord,
    SummaryRecord,
)
from harness.report.table import render, score
from tests.store.written import written

HEAD = {"run_id": "r", "at": "2026-11-23T08:00:00.000Z"}


def cell(**more: object) -> SummaryRecord:
    facts = {"model_key": "acme/tiny", "task": "extract", "task_class": "extract", "scorer": "fields", "n": 12}
    return SummaryRecord.model_validate(
        {**HEAD, **facts, "unscored": 0, "score": 0.75, "low": 0.5, "high": 0.9, "e2e_p50_s": 1.234, **more}
    )


def measure(name: str, value: float) -> MeasureRecord:
    return MeasureRecord.model_validate({**HEAD, "name": name, "value": value, "unit": "s", "model_key": "acme/tiny"})


def instance(**more: object) -> InstanceRecord:
    facts = {"model_key": "acme/tiny", "instance_id": "acme/tiny", "load_time_s": 0.9, "size_bytes": 98_000_000}
    return InstanceRecord.model_validate({**HEAD, **facts, **more})


def sample(ttft_s: float, e2e_s: float, tokens: int) -> SampleRecord:
    return SampleRecord(
        run_id="r", at=HEAD["at"], sample_uid="u", task="extract", task_class="extract", item_id="i", item_hash="h",
        model_key="acme/tiny", instance_id="acme/tiny", prompt_hash="p", outcome="ok",
        times={"ttft_s": ttft_s, "e2e_s": e2e_s}, usage={"total_output_tokens": tokens},
    )  # fmt: skip


def first_row(*records: Record) -> list[str]:
    return render(written(*records)).splitlines()[2].split("  ")


def test_the_row_carries_quality_speed_load_and_size() -> None:
    records = (instance(), cell(), measure("ttft_s", 0.2), measure("ttft_s", 0.4), measure("ttft_s", 0.3),
               measure("decode_tps", 51.0), measure("load_time_s", 0.8))  # fmt: skip
    row = [part.strip() for part in first_row(*records) if part.strip()]
    assert row == [
        "acme/tiny",
        "extract",
        "0.75 [0.50, 0.90]",
        "n/a",
        "12",
        "0",
        "1.23 s",
        "0.30 s",
        "51",
        "0.80 s",
        "98 MB",
    ]


def test_figures_that_the_latency_suite_did_not_measure_are_marked() -> None:
    row = " ".join(first_row(instance(), sample(0.5, 1.5, 41), cell()))
    assert "~0.50 s" in row
    assert "~40" in row
    assert "~0.90 s" in row


def test_what_nobody_measured_is_not_available_rather_than_zero() -> None:
    assert " ".join(first_row(cell())).count("n/a") == 5


def test_nothing_is_claimed_above_five_percent_unscored() -> None:
    assert score(cell(n=95, unscored=5)).startswith("0.75")
    assert score(cell(n=94, unscored=6)) == "-"
    assert score(cell(n=0, unscored=12, score=None)) == "-"


def test_notes_and_skips_follow_the_table() -> None:
    run = RunRecord.model_validate(
        {**HEAD, "harness_version": "0", "server_kind": "embedded", "server_url": "u", "notes": ["a demonstration"]}
    )
    skip = SkipRecord.model_validate({**HEAD, "model_key": "acme/huge", "reason": "out of memory"})
    text = render(written(run, cell(), skip))
    assert "Skipped: acme/huge: out of memory" in text
    assert text.endswith("Note: a demonstration")


def test_tiers_are_shown_where_there_are_several() -> None:
    text = render(written(cell(by_tier={"1": 0.9, "2": 0.5, "3": 0.1})))
    assert "easy" in text
    assert "0.90" in text


def test_a_hostile_model_key_cannot_write_to_the_terminal() -> None:
    assert "\x1b" not in render(written(cell(model_key="evil\x1b[2J")))


def test_a_run_of_the_latency_suite_alone_shows_its_figures() -> None:
    figures = [measure("ttft_s", 0.2), measure("ttft_s", 0.4), measure("decode_tps", 51.0), measure("load_time_s", 1.5)]
    shown = render(written(*figures))
    assert re.search(r"acme/tiny +1\.50 s +0\.30 s +51 +n/a", shown)
    assert "all slots" in shown
