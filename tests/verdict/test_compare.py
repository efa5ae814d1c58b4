"""Runs and models against each other: what is compared, what is refused, what is said of it."""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.domain.record import (
    MeasureRecord,
    Record,
    SampleRecord,
)
from harness.store.run_file import RunFile
from harness.verdict.comparability import Subject
from harness.verdict.compare import Contrast, contrasts
from harness.verdict.quantisation import ladder
from tests.store.written import write

from .recorded import AT, KEY, OTHER, N, cell, head, instance, passes
from .test_noise import measured


class Runs:
    """Run files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *records: Record, key: str = KEY) -> Subject:
        path = self.folder / f"run-{len(list(self.folder.iterdir()))}.jsonl"
        return Subject(run=RunFile.read(write(path, records)), model_key=key)


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


def against(reference: Subject, candidate: Subject, **more: Any) -> Contrast:
    (found,) = contrasts([(reference, candidate)], **{"margin": 0.05, **more})
    return found


def test_a_model_that_lost_items_since_the_last_run_is_worse_and_they_are_named(runs: Runs) -> None:
    found = against(runs(head(), instance(), *cell(passes(36))), runs(head("r2"), instance(), *cell(passes(20))))
    (effect,) = found.tasks
    assert found.is_worse
    assert effect.decision.verdict == "worse"
    assert (effect.reference_score, effect.score) == (0.9, 0.5)
    assert effect.decision.comparison.method == "mcnemar-exact"
    assert [flip.item_id for flip in effect.lost] == [f"i{number}" for number in range(20, 36)]
    assert effect.gained == ()
    assert found.overall is None
    assert not found.refused


def test_the_same_answers_twice_are_never_worse(runs: Runs) -> None:
    found = against(runs(head(), *cell(passes(30))), runs(head("r2"), *cell(passes(30))))
    assert [effect.decision.verdict.value for effect in found.effects] == ["not decided"]
    assert found.tasks[0].decision.needed == 52
    assert not against(runs(head(), *cell(passes(30))), runs(head("r2"), *cell(passes(30))), margin=0.1).is_worse


def test_what_no_task_shows_may_show_over_all_of_them(runs: Runs) -> None:
    tasks = {f"t{number}": "f" for number in range(6)}
    plan = {"models": [KEY], "tasks": tasks}
    before = [record for task in tasks for record in cell(passes(20, 20), task=task)]
    after = [record for task in tasks for record in cell(passes(16, 20), task=task)]
    found = against(runs(head(plan=plan), *before), runs(head("r2", plan=plan), *after))
    assert {effect.decision.verdict.value for effect in found.tasks} == {"not decided"}
    assert found.overall is not None
    assert (found.overall.decision.verdict, found.overall.decision.n) == ("worse", 120)
    assert len(found.overall.lost) == 24
    assert found.is_worse


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ((head(), *cell(passes(9))), (head("r2"), *cell(passes(9), version="2")), "exact 1 in A and by exact 2 in B"),
        (
            (head(), *cell(passes(9))),
            (head("r2", sampling={"temperature": 0.7}), *cell(passes(9))),
            "temperature is 0.0 in A",
        ),
        (
            (head(), *cell(passes(9))),
            (head("r2", plan={"models": [KEY], "tasks": {"say": "g"}}), *cell(passes(9), item_hash="other")),
            f"{N} of {N} items are not the same",
        ),
        (
            (head(), instance(effective_config={"context_length": 4096}), *cell(passes(9))),
            (head("r2"), instance(effective_config={"context_length": 8192}), *cell(passes(9))),
            "context_length is 4096 in A and 8192 in B",
        ),
        (
            (head(), *cell(passes(9))),
            (head("r2"), *cell(passes(9), request={"temperature": 0.0, "reasoning": "low"})),
            "reasoning is not reported in A and low in B",
        ),
        (
            (head(), *cell(passes(9))),
            (head("r2"), *cell(passes(9), way="native")),
            "the way of asking is in the prompt in A and through the API's tools in B",
        ),
        ((head(), *cell(passes(9))), (head("r2"),), "not finished in B"),
    ],
    ids=["scorer", "sampling", "items", "config", "reasoning", "way", "unfinished"],
)
def test_what_is_not_comparable_is_refused_with_the_difference(
    runs: Runs, before: Sequence[Record], after: Sequence[Record], why: str
) -> None:
    sides = runs(*before), runs(*after)
    found = against(*sides)
    assert not found.tasks
    assert why in found.refused["say"]
    forced = against(*sides, is_forced=True)
    if "not finished" in why:
        assert why in forced.refused["say"]
    else:
        assert why in forced.tasks[0].forced


def test_a_run_of_more_items_is_compared_on_those_that_both_have(runs: Runs) -> None:
    plan = {"models": [KEY], "tasks": {"say": "of sixty"}}
    found = against(runs(head(), *cell(passes(N))), runs(head("r2", plan=plan), *cell(passes(30, 60))))
    assert not found.refused
    assert found.tasks[0].decision.n == N
    assert len(found.tasks[0].lost) == 10


def test_what_was_planned_and_is_missing_counts_as_lost(runs: Runs) -> None:
    found = against(runs(head(), *cell(passes(N))), runs(head("r2"), *cell(passes(30, 30), planned=N)))
    decision = found.tasks[0].decision
    assert (decision.n, decision.unscored, decision.verdict) == (N, 10, "not decided")


def test_two_models_of_a_run_may_have_configs_of_their_own(runs: Runs) -> None:
    plan = {"models": [KEY, OTHER], "tasks": {"say": "f"}}
    side = runs(
        head(plan=plan),
        instance(effective_config={"context_length": 4096}),
        instance(OTHER, effective_config={"context_length": 8192}, size_bytes=9),
        *cell(passes(10)),
        *cell(passes(38), key=OTHER),
    )
    found = against(side, replace(side, model_key=OTHER))
    assert found.tasks[0].decision.verdict == "better"
    assert {change.name for change in found.changes} == {"size_bytes", "context_length"}


def test_what_changed_between_the_runs_is_named(runs: Runs) -> None:
    before = runs(head(versions={"python": "3.12"}), instance(variant="q8", load_mode="explicit"), *cell(passes(9)))
    after = runs(
        head("r2", harness_version="0.3.0", server_version="0.4.3", versions={"python": "3.13"}),
        instance(variant="q4", quantisation="Q4_K_M", size_bytes=2_000),
        *cell(passes(9)),
    )
    named = {change.name: (change.reference, change.candidate) for change in against(before, after).changes}
    assert named == {
        "harness_version": ("0.2.0", "0.3.0"),
        "server_version": ("not reported", "0.4.3"),
        "python": ("3.12", "3.13"),
        "variant": ("q8", "q4"),
        "quantisation": ("Q8_0", "Q4_K_M"),
        "size_bytes": ("4000", "2000"),
    }


def test_times_are_compared_item_by_item_and_loads_as_two_samples(runs: Runs) -> None:
    def loads(*times_s: float) -> list[MeasureRecord]:
        about = {"run_id": "r1", "at": AT, "name": "load_time_s", "unit": "s", "model_key": KEY}
        return [MeasureRecord.model_validate({**about, "value": time_s}) for time_s in times_s]

    before = runs(head(), *cell(passes(9)), *loads(1.0, 1.1, 0.9))
    after = runs(head("r2"), *cell(passes(9), e2e_s=2.0), *loads(2.0, 2.2, 1.8))
    found = against(before, after)
    assert found.tasks[0].time.value == pytest.approx(2.0)
    assert found.tasks[0].first_token.value == pytest.approx(1.0)
    assert found.load.value == pytest.approx(2.0)
    assert found.load.interval is not None
    assert 1 < found.load.interval.low < 2 < found.load.interval.high


def test_quantisations_of_one_model_are_a_ladder_against_the_largest(runs: Runs) -> None:
    sizes = {"acme/m-4b-q4_k_m": ("Q4_K_M", 2), "other/M-4B@q8_0": ("Q8_0", 4), "acme/m-4b-gguf-q6_k": ("Q6_K", 3)}
    side = runs(
        head(),
        *(
            instance(key, quantisation=quantisation, size_bytes=size, format="gguf")
            for key, (quantisation, size) in sizes.items()
        ),
    )
    subjects = [replace(side, model_key=key) for key in sizes]
    pairs = [(reference.model_key, candidate.model_key) for reference, candidate in ladder(subjects)]
    largest = "other/M-4B@q8_0"
    assert pairs == [(largest, "acme/m-4b-gguf-q6_k"), (largest, "acme/m-4b-q4_k_m")]
    assert ladder([*subjects, replace(side, model_key="acme/unknown")]) == []


def test_other_models_are_no_ladder(runs: Runs) -> None:
    side = runs(head(), instance(), instance(OTHER, size_bytes=1))
    assert ladder([side, replace(side, model_key=OTHER)]) == []


@pytest.mark.parametrize("seed", range(4))
def test_swapping_the_sides_mirrors_the_effect_and_the_order_of_items_makes_no_difference(
    runs: Runs, seed: int
) -> None:
    chance = random.Random(seed)
    scores = [[float(chance.random() < rate) for _ in range(N)] for rate in (0.9, 0.4)]
    one, other = runs(head(), *cell(scores[0])), runs(head("r2"), *cell(scores[1], e2e_s=3.0))
    first, *answers, summary = cell(scores[1], e2e_s=3.0)
    pairs = [[first, answers[0]], *(answers[at : at + 2] for at in range(1, len(answers), 2))]
    chance.shuffle(pairs)
    shuffled = runs(head("r2"), *(record for pair in pairs for record in pair), summary)
    there, back, again = (against(*sides).tasks[0] for sides in ((one, other), (other, one), (one, shuffled)))
    assert again == there
    assert (there.lost, there.gained) == (back.gained, back.lost)
    mirrored, comparison = back.decision.comparison, there.decision.comparison
    assert comparison.difference == pytest.approx(-(mirrored.difference or 0.0))
    assert comparison.p == pytest.approx(mirrored.p)
    assert there.time.value == pytest.approx(1 / (back.time.value or 0.0))
    assert {there.decision.verdict.value, back.decision.verdict.value} == {"worse", "better"}


def test_after_rounds_a_verdict_takes_as_much_evidence_as_at_the_end_of_the_run(runs: Runs) -> None:
    """Six items that only one passes are p = 0.031: enough for one look, not for a share of four."""
    found = []
    for rounds in ([40], [5, 10, 20, 40]):
        plan = {"models": [KEY], "tasks": {"say": "f"}, "rounds": rounds}
        sides = (runs(head(name, plan=plan), *cell(passes(count))) for name, count in (("r1", 36), ("r2", 30)))
        found.append(against(*sides, margin=0.01).tasks[0].decision.verdict.value)
    assert found == ["worse", "not decided"]


def timed(factor: float) -> list[Record]:
    """Answers that take so long, every third of them 1 % longer; in slower runs every second one."""
    every = 2 if factor > 1 else 3
    return [
        record.model_copy(update={"times": {"e2e_s": factor * (1.01 if number % every else 1), "ttft_s": 0.1}})
        if isinstance(record, SampleRecord)
        else record
        for number, record in enumerate(cell(passes(36)))
    ]


@pytest.mark.parametrize(
    ("rounds", "says"),
    [
        ([], "noise unknown"),
        ([1.0, 1.01, 1.0, 1.01, 1.0], "slower"),
        ([1.0, 1.2, 1.0, 1.2, 1.0], "within noise"),
    ],
)
def test_a_ratio_of_times_within_the_noise_of_both_sides_is_called_so(
    runs: Runs, rounds: Sequence[float], says: str
) -> None:
    noise = measured("e2e_s", rounds)
    before, after = (
        runs(head(run_id), instance(), *timed(factor), *noise) for run_id, factor in (("r1", 1.0), ("r2", 1.25))
    )
    found = against(before, after)
    (effect,) = found.tasks
    assert effect.time.value == pytest.approx(1.25, rel=0.01)
    assert effect.time_says == says
    assert effect.first_token_says == "not decided", "they are equal"
    assert (found.noise["e2e_s"] is None) is not bool(rounds)


def test_times_from_another_machine_are_shown_and_no_claim_is_made(runs: Runs) -> None:
    before = runs(head(cpu="AMD EPYC"), instance(), *cell(passes(36)))
    found = against(before, runs(head("r2", cpu="AMD Ryzen"), instance(), *cell(passes(36), e2e_s=3.0)))
    assert found.tasks[0].time_says == "other machine"
    assert found.machine == "other machine: CPU AMD EPYC before, AMD Ryzen now"
