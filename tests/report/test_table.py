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
from harness.report import speed
from harness.report.table import notes, render, score
from tests.store.written import written

HEAD = {"run_id": "r", "at": "2026-11-23T08:00:00.000Z"}


def cell(**more: object) -> SummaryRecord:
    facts = {"model_key": "acme/tiny", "task": "extract", "task_class": "extract", "scorer": "fields", "n": 12}
    return SummaryRecord.model_validate(
        {**HEAD, **facts, "unscored": 0, "score": 0.75, "low": 0.5, "high": 0.9, "e2e_p50_s": 1.234, **more}
    )


def measure(name: str, value: float, **params: object) -> MeasureRecord:
    facts = {"name": name, "value": value, "unit": "s", "model_key": "acme/tiny", "params": params}
    return MeasureRecord.model_validate({**HEAD, **facts})


def instance(**more: object) -> InstanceRecord:
    facts = {"model_key": "acme/tiny", "instance_id": "acme/tiny", "load_time_s": 0.9, "size_bytes": 98_000_000}
    return InstanceRecord.model_validate({**HEAD, **facts, **more})


def sample(ttft_s: float, e2e_s: float, tokens: int, server_tps: float | None = None) -> SampleRecord:
    return SampleRecord(
        run_id="r",
        at=HEAD["at"],
        sample_uid="u",
        task="extract",
        task_class="extract",
        item_id="i",
        item_hash="h",
        model_key="acme/tiny",
        instance_id="acme/tiny",
        prompt_hash="p",
        outcome="ok",
        times={"ttft_s": ttft_s, "e2e_s": e2e_s},
        usage={"total_output_tokens": tokens},
        server_stats={"tokens_per_second": server_tps},
    )


def first_row(*records: Record) -> list[str]:
    return render(written(*records)).splitlines()[2].split("  ")


def test_the_row_carries_quality_speed_load_and_size() -> None:
    records = (
        instance(),
        cell(),
        measure("ttft_s", 0.2),
        measure("ttft_s", 0.4),
        measure("ttft_s", 0.3),
        measure("decode_tps", 51.0),
        measure("load_time_s", 0.8),
    )
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
    unproved = render(written(*figures, measure("prefill_tps", 300.0, cached_tokens=None)))
    assert re.search(r"acme/tiny +1\.50 s +0\.30 s +300\^ +51 +n/a", unproved)
    assert "^ : unproved" in unproved
    assert "all slots" in unproved
    proved = render(written(*figures, measure("prefill_tps", 300.0, cached_tokens=3)))
    assert re.search(r"acme/tiny +1\.50 s +0\.30 s +300 +51 +n/a", proved)
    assert "unproved" not in proved


def test_every_table_of_speeds_defines_them() -> None:
    figures = [measure("ttft_s", 0.2), measure("decode_tps", 51.0), measure("load_time_s", 1.5)]
    for shown in (render(written(*figures)), render(written(instance(), cell(), *figures))):
        said = " ".join(shown.split())
        for definition in (speed.TTFT, speed.DECODE_RATE, speed.LOAD):
            assert definition in said


def test_the_servers_rate_is_shown_and_marked_where_the_clients_is_off_by_more_than_20_percent() -> None:
    def shown(client: float | None, server: float) -> str:
        measures = [measure("decode_tps", client)] if client is not None else []
        return render(written(instance(), cell(), *measures, measure("server_tps", server)))

    assert " 51 " in shown(51.0, 45.0)
    assert "*" not in shown(51.0, 45.0)
    assert " 45* " in shown(410.0, 45.0)
    assert " 45* " in shown(None, 45.0)
    assert "* : the server's own figure" in shown(410.0, 45.0)
    assert "~45* " in render(written(instance(), sample(0.5, 0.6, 40, server_tps=45.0), cell()))
    assert "*" not in render(written(instance(), sample(0.5, 0.6, 4, server_tps=20.0), cell()))  # Too short to tell.


def test_a_ttft_that_is_the_e2e_is_never_shown_without_a_mark() -> None:
    figures = [measure("ttft_s", 1.5, output_tokens=40), measure("e2e_s", 1.5)]
    assert " <1.50 s" in render(written(instance(), cell(), *figures))
    assert "< : the whole answer came in one block" in render(written(instance(), cell(), *figures))
    assert " 0.20 s* " in render(written(instance(), cell(), *figures, measure("server_ttft_s", 0.2)))
    assert "~<1.50 s" in render(written(instance(), sample(1.5, 1.5, 40), cell()))
    one_token = [measure("ttft_s", 1.5, output_tokens=1), measure("e2e_s", 1.5)]
    assert "<" not in render(written(instance(), cell(), *one_token))
    assert re.search(r"acme/tiny .* 0\.20 s\*", render(written(*figures, measure("server_ttft_s", 0.2))))


def test_a_busy_machine_is_said_beside_the_figures() -> None:
    quiet = [measure("ttft_s", 0.2, busy_cores=0.4, cores=2), measure("decode_tps", 51.0, busy_cores=0.9, cores=8)]
    assert "busy" not in render(written(instance(), cell(), *quiet))
    text = render(written(instance(), cell(), *quiet, measure("ttft_s", 0.2, busy_cores=1.62, cores=2)))
    assert "other processes used 1.6 of this machine's 2 CPU cores (the most seen in a sample of 0.2 s)" in " ".join(
        text.split()
    )
    assert "the latency of acme/tiny was measured" in " ".join(text.split())


def test_busy_models_share_one_note() -> None:
    """Five reasoning levels had five times the same sentence."""
    busy = [
        measure("ttft_s", 0.2, busy_cores=busy, cores=2).model_copy(update={"model_key": f"m{number}"})
        for number, busy in enumerate((1.2, 1.9, 1.5, 1.1, 1.3, 1.4, 0.0))
    ]
    told = [note for note in notes(written(*busy)) if "Just before or after" in note]
    whose = "m0, m1, m2, m3, m4 and 1 more"
    assert len(told) == 1
    assert told[0].startswith(f"Just before or after the latency of {whose} was measured, other processes used 1.9 of ")
    assert told[0].endswith(": they may be faster than the figures.")


def test_a_number_of_cores_that_no_machine_has_breaks_no_report() -> None:
    assert notes(written(measure("ttft_s", 0.2, busy_cores=10**400, cores=2)))


def rounds(key: str, name: str, *values: float) -> list[MeasureRecord]:
    facts = {**HEAD, "name": name, "unit": "s", "model_key": key, "params": {"concurrency": 1}}
    return [
        MeasureRecord.model_validate({**facts, "value": value, "round": number, "cold": False})
        for number, value in enumerate(values, 1)
    ]


def test_figures_that_noise_does_not_tell_apart_are_marked_and_the_mark_is_explained() -> None:
    records = [
        *rounds("acme/tiny", "ttft_s", 0.10, 0.12, 0.10, 0.12),
        *rounds("acme/small", "ttft_s", 0.11, 0.13, 0.11, 0.13),
        *rounds("acme/large", "ttft_s", 0.90, 0.91, 0.90, 0.91),
    ]
    text = render(written(*records), width=120)
    assert [(row.split()[0], "?" in row) for row in text.splitlines()[2:5]] == [
        ("acme/tiny", True),
        ("acme/small", True),
        ("acme/large", False),
    ]
    assert "? : another model's is no further away than noise" in text
