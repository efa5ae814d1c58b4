"""Tonight's times against the baseline's: what is slower, what is noise, and what cannot be compared."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.domain.record import MeasureRecord, Record
from harness.store.run_file import RunFile
from harness.verdict.gate import Night, night
from harness.verdict.gate_state import Level, State
from harness.verdict.gate_time import TimeCase
from tests.store.written import write

from .real_times import RUNS
from .recorded import KEY, cell, head, instance, passes
from .test_noise import HOST, measured

QUIET = [1.0, 1.02, 1.0, 1.02, 1.0]


def latency(factor: float = 1.0, rounds: Sequence[float] = QUIET, **params: Any) -> list[MeasureRecord]:
    """What the latency suite writes of a model, each time this much longer."""
    facts = {"concurrency": 1, "prompt_tokens": 60, "output_tokens": 40, **params}
    times = {"ttft_s": 0.2, "tpot_s": 0.02, "e2e_s": 1.0}
    found = [
        measure
        for name, base in times.items()
        for measure in measured(name, [factor * base * part for part in rounds], **facts)
    ]
    return [*found, *measured("load_time_s", [factor * part for part in (2.0, 2.02, 2.0)])]


class Nights:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, run_id: str, *records: Record, **host: Any) -> RunFile:
        about = head(run_id, **(HOST | host))
        path = self.folder / f"{len(list(self.folder.iterdir()))}.jsonl"
        return RunFile.read(write(path, [about, instance(), *records]))

    def judged(self, tonight: RunFile, *earlier: RunFile, **more: Any) -> Night:
        return night(tonight, earlier, **{"margin": 0.05, **more})


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    return Nights(tmp_path)


def states(found: Night) -> dict[str, State]:
    return {case.task: case.state for case in found.times}


def the_answer(found: Night) -> TimeCase:
    (case,) = [case for case in found.times if case.name == "e2e_s"]
    return case


def test_twice_as_slow_is_a_regression_of_each_time(nights: Nights) -> None:
    found = nights.judged(nights.run("now", *latency(2.0)), nights.run("e1", *latency()))
    assert set(states(found)) == {"first token", "time per token", "answer", "load"}
    assert set(states(found).values()) == {State.REGRESSION}
    assert found.is_worse()
    case = the_answer(found)
    assert (case.now_s, case.before_s, case.rounds, case.runs) == (2.0, 1.0, 5, 1)
    assert case.reason == "slower by 100 % (p = 0.00069), more than the margin of 25 %"


def test_the_same_machine_twice_passes_and_quicker_is_no_news(nights: Nights) -> None:
    for factor in (1.0, 1.2, 0.5):
        found = nights.judged(nights.run("now", *latency(factor)), nights.run("e1", *latency()))
        assert set(states(found).values()) == {State.PASSES}
        assert not found.is_worse(is_strict=True)
        assert not found.is_incomplete(is_strict=True)
        assert found.can_fail


def test_what_one_earlier_night_leaves_open_seven_may_show(nights: Nights) -> None:
    tonight = nights.run("now", *latency(1.35))
    once = nights.judged(tonight, nights.run("e1", *latency()))
    assert set(states(once).values()) == {State.OPEN}
    assert the_answer(once).reason.startswith("slower by 35 %, but other nights differ by as much (p = ")
    week = [nights.run(f"w{number}", *latency(1 + number / 500)) for number in range(7)]
    assert set(states(nights.judged(tonight, *week)).values()) == {State.REGRESSION}


def test_a_slowdown_within_noise_is_open(nights: Nights) -> None:
    rough = [1.0, 1.6, 1.0, 1.6, 1.0]
    found = nights.judged(nights.run("now", *latency(2.0, rough)), nights.run("e1", *latency(1.0, rough)))
    assert the_answer(found).state is State.OPEN
    assert "but within noise (" in the_answer(found).reason


def test_a_busy_machine_is_no_regression_even_if_it_always_was(nights: Nights) -> None:
    """Two runs of one model on two cores that nine other processes wanted: 1.6 x the time per token, for nothing."""
    busy: dict[str, Any] = {"busy_cores": 1.5, "cores": 2}
    for before in ({}, busy):
        found = nights.judged(nights.run("now", *latency(2.0, **busy)), nights.run("e1", *latency(**before)))
        assert set(states(found).values()) == {State.OPEN}, "loads too, though they are timed without looking"
        assert (
            the_answer(found).reason
            == "slower by 100 %, but other processes used 1.5 of 2 CPU cores just before or after"
        )
    assert not nights.judged(nights.run("now", *latency(1.0, **busy)), nights.run("e1", *latency())).is_worse()


def test_a_model_more_that_was_loaded_is_no_regression_unless_it_always_was(nights: Nights) -> None:
    one: dict[str, Any] = {"others": ["acme/resident"]}
    found = nights.judged(nights.run("now", *latency(2.0, **one)), nights.run("e1", *latency()))
    assert the_answer(found).reason == "slower by 100 %, but 1 more other model was loaded"
    always = nights.judged(nights.run("now", *latency(2.0, **one)), nights.run("e1", *latency(**one)))
    assert the_answer(always).state is State.REGRESSION


@pytest.mark.parametrize(
    ("records", "host", "why"),
    [
        (latency(2.0), {"cpu": "AMD Ryzen"}, "other machine: CPU AMD EPYC before, AMD Ryzen now"),
        (
            latency(2.0, output_tokens=12),
            {},
            "output tokens are 40 in the baseline and 12 in this run",
        ),
        (latency(2.0, prompt_tokens=512), {}, "prompt tokens are 60 in the baseline and 512 in this run"),
    ],
)
def test_times_of_another_machine_or_length_are_not_compared(
    nights: Nights, records: Sequence[Record], host: dict[str, Any], why: str
) -> None:
    found = nights.judged(nights.run("now", *records, **host), nights.run("e1", *latency()))
    assert the_answer(found).state is State.NOT_COMPARABLE
    assert the_answer(found).reason == why
    assert found.is_incomplete(is_strict=True)


def test_counts_and_conditions_that_nothing_has_do_not_matter(nights: Nights) -> None:
    odd = latency(2.0, prompt_tokens=10**400, output_tokens="many", busy_cores=10**400, cores=10**400, others="x")
    found = nights.judged(nights.run("now", *odd), nights.run("e1", *latency()))
    assert the_answer(found).state is State.REGRESSION


def test_another_quantisation_or_context_is_not_compared(nights: Nights) -> None:
    for changed in ({"quantisation": "Q4_0"}, {"effective_config": {"context_length": 8192}}):
        earlier = instance(effective_config={"context_length": 4096})
        tonight = earlier.model_copy(update=changed)
        found = nights.judged(nights.run("now", tonight, *latency(2.0)), nights.run("e1", earlier, *latency()))
        assert {case.level for case in found.times} == {Level.NEUTRAL}


def test_a_night_that_did_not_measure_times_says_so_and_misses_nothing(nights: Nights) -> None:
    scores = cell(passes(38))
    found = nights.judged(nights.run("now", *scores), nights.run("e1", *scores, *latency()))
    assert found.times == ()
    assert found.times_note == "this run measured none: it did not run the suite latency"
    assert not found.is_incomplete(is_strict=True)
    assert found.score_alpha == found.alpha


def test_a_model_that_was_not_measured_while_others_were_is_named(nights: Nights) -> None:
    other = measured("e2e_s", QUIET, key="acme/other", concurrency=1)
    found = nights.judged(nights.run("now", *other), nights.run("e1", *latency(), *other))
    assert {case.reason for case in found.times if case.model_key == KEY} == {"not measured in this run"}


def test_times_have_a_fifth_of_the_five_percent_beside_scores_and_all_of_it_alone(nights: Nights) -> None:
    scores = cell(passes(38))
    found = nights.judged(nights.run("now", *scores, *latency()), nights.run("e1", *scores, *latency()))
    assert [found.score_alpha, found.time_alpha] == pytest.approx([0.04, 0.01])
    assert found.time_claims == 4
    alone = nights.judged(nights.run("now", *latency()), nights.run("e1", *latency()))
    assert alone.time_alpha == pytest.approx(0.05)
    assert nights.judged(nights.run("now", *latency(2.0)), nights.run("e1", *latency()), slower=None).times == ()


def real(nights: Nights, number: int, *, factor: float = 1.0) -> RunFile:
    """A night with the rounds of a real run, each this much longer."""
    found = [
        measure
        for (key, name), rounds in RUNS[number].items()
        for measure in measured(name, [factor * value for value in rounds], key=key, concurrency=1)
    ]
    return nights.run(f"n{number}", *found)


def test_real_runs_of_an_unchanged_machine_are_not_slower_and_at_half_the_speed_they_are(nights: Nights) -> None:
    numbers = range(len(RUNS))
    for tonight in numbers:
        before = [number for number in numbers if number != tonight]
        for chosen in ([before[0]], [before[1]], before):
            baseline = [real(nights, number) for number in chosen]
            assert not nights.judged(real(nights, tonight), *baseline).is_worse()
            slower = nights.judged(real(nights, tonight, factor=2.0), *baseline)
            assert slower.is_worse()
            assert len([case for case in slower.times if case.level is Level.FAIL]) >= 4, "of 8; noise hides the others"
