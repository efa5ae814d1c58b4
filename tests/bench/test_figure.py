"""What is made of readings: figures, ratios within a round, targets and tables."""

from dataclasses import replace

import pytest

from tests.bench.figure import Results
from tests.bench.growth import Grown
from tests.bench.kill import Killed
from tests.bench.peers import EMPTY, RAW, THIS
from tests.bench.race import Measure, Reading, measures
from tests.bench.table import Tables
from tests.bench.target import TARGETS, judged

START, ONE, MANY, SLOTS = measures(500)


def reading(peer: str, measure: Measure, wall_s: float, *, number: int = 1, error: str | None = None) -> Reading:
    return Reading(
        peer=peer,
        measure=measure.name,
        round=number,
        samples=measure.samples,
        concurrency=measure.concurrency,
        wall_s=wall_s,
        cpu_s=wall_s,
        ready_s=0.1,
        ending_s=0.1,
        peak_bytes=50_000_000,
        asking_bytes=40_000_000,
        occupancy=0.9 if measure.answer_s else None,
        max_in_flight=1,
        error=error,
    )


def rounds(peer: str, start_s: float, one_s: float, many_s: float, *, number: int = 1) -> list[Reading]:
    walls = ((START, start_s), (ONE, one_s), (MANY, many_s), (SLOTS, 2.5))
    return [reading(peer, measure, wall_s, number=number) for measure, wall_s in walls]


def test_one_more_sample_costs_the_slope_between_one_sample_and_all() -> None:
    results = Results(rounds(THIS, 1.0, 1.998, 1.499))
    one, many = results.figure(THIS, "marginal_1"), results.figure(THIS, "marginal_16")
    assert one is not None
    assert many is not None
    assert one.median == pytest.approx(2.0)
    assert many.median == pytest.approx(1.0)


def test_a_slope_that_start_up_hides_is_not_a_figure() -> None:
    assert Results(rounds(THIS, 3.0, 2.0, 2.0)).figure(THIS, "marginal_1") is None


def test_a_ratio_is_taken_within_each_round() -> None:
    # Everything took twice as long in the second round, so the ratio is the same in both.
    readings = rounds(THIS, 1.0, 3.0, 2.0) + rounds(RAW, 0.5, 1.0, 2.0)
    readings += rounds(THIS, 2.0, 6.0, 4.0, number=2) + rounds(RAW, 1.0, 2.0, 4.0, number=2)
    results = Results(readings)
    ratio, wall = results.ratio(THIS, RAW, "wall_1"), results.figure(THIS, "wall_1")
    assert ratio is not None
    assert wall is not None
    assert (ratio.median, ratio.low, ratio.high, ratio.rounds) == (3.0, 3.0, 3.0, 2)
    assert (wall.median, wall.low, wall.high) == (4.5, 3.0, 6.0)


def test_what_does_not_count_is_named_and_in_no_figure() -> None:
    readings = [*rounds(RAW, 0.5, 1.0, 2.0), replace(reading(THIS, ONE, 9.0), error="exit code 1: no")]
    results = Results(readings)
    assert results.figure(THIS, "wall_1") is None
    assert results.ratio(THIS, RAW, "wall_1") is None
    assert results.errors == {THIS: ["500 samples, 1 at a time: exit code 1: no"]}


def test_each_target_is_judged_by_the_median() -> None:
    readings = rounds(THIS, 1.6, 3.6, 2.2) + rounds(RAW, 0.5, 2.0, 2.0) + [reading(EMPTY, START, 1.0)]
    states = {found.label: (found.found, found.state) for found in judged(Results(readings), [])}
    assert list(states) == [target.label for target in TARGETS]
    assert states["all samples, one at a time"] == ("1.80 (1.80 to 1.80)", "ok")
    assert states["all samples, 16 at a time"][1] == "ok"
    assert states["slots busy"] == ("1.00 (1.00 to 1.00)", "missed")
    assert states["start-up"] == ("1.60 (1.60 to 1.60)", "ok")
    assert states["memory at its peak, MB"] == ("50.0 (50.0 to 50.0)", "ok")
    assert {found.state for found in judged(Results([]), [])} == {"not measured"}


def test_growth_is_judged_by_the_largest_run_against_the_smallest() -> None:
    def grown(samples: int, wall_s: float, size: int, *, error: str | None = None) -> Grown:
        return Grown(
            samples=samples, wall_s=wall_s, asking_bytes=size, peak_bytes=size, file_bytes=samples * 1400, error=error
        )

    growths = [
        grown(500, 2.0, 60_000_000),
        grown(5_000, 11.0, 63_000_000),
        grown(50_000, 110.0, 90_000_000),
        grown(500_000, 1.0, 1, error="not finished after 50120 s"),
    ]
    rows = judged(Results([]), growths)[len(TARGETS) :]
    assert [(row.found, row.state) for row in rows] == [
        ("1.40", "ok"),
        ("1.50", "missed"),
        ("1.50", "missed"),
        ("1.10", "ok"),
    ]
    assert "at 50,000 samples, times that at 500" in rows[1].label


def test_the_table_of_the_readme_is_narrow_and_shows_who_asks() -> None:
    killed = Killed(peer=THIS, samples=200, answered=104, asked_again=100, has_resume=True, error=None)
    readings = rounds(RAW, 0.5, 1.0, 2.0) + rounds(THIS, 10.0, 12.5, 12.2) + [reading(EMPTY, START, 0.6)]
    tables = Tables(Results(readings), [killed], samples=500, is_markdown=True)
    head, _, raw, this = tables.short().splitlines()
    assert "500 samples" in head
    assert [cell.strip() for cell in raw.split("|")[1:-1]] == [
        RAW,
        "1.00 s",
        "2.00 s",
        "1.00 ms",
        "0.50 s",
        "90.0 %",
        "50.0 MB",
        "-",
    ]
    assert this.split("|")[-2].strip() == "96 %"
    assert len(head) <= 100


def test_all_tables_show_every_peer_and_what_is_missing_as_a_dash() -> None:
    failed = Killed(peer=RAW, samples=200, answered=104, asked_again=0, has_resume=False, error="it ended before")
    readings = [*rounds(RAW, 0.5, 1.0, 2.0), reading(THIS, START, 1.0)]
    text = Tables(Results(readings), [failed], samples=500, is_markdown=False).everything([])
    assert "lms-harness" in text
    assert "times raw httpx" in text
    assert "it ended before" in text
    assert "times pytest" not in text
