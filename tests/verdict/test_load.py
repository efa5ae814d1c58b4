"""Cold and warm loads are kept apart, compared like with like, and pay from a number of answers on."""

from pathlib import Path
from typing import Any

import pytest

from harness.domain.record import (
    InstanceRecord,
    MeasureRecord,
    Record,
    RunRecord,
    SampleRecord,
    ScoreRecord,
    SummaryRecord,
)
from harness.report.speed import load_time
from harness.store.run_file import RunFile
from harness.verdict.comparability import Subject
from harness.verdict.compare import contrasts
from harness.verdict.contender import Contender, Rule
from harness.verdict.evidence import gather
from harness.verdict.load import (
    LoadKind,
    answers_until_quicker,
    answers_until_small,
    like_for_like,
    load_of,
    loads_of,
)
from tests.store.written import write, written

HEAD = {"run_id": "r", "at": "2026-11-29T01:00:00.000Z"}
RUN = RunRecord.model_validate({**HEAD, "harness_version": "0", "server_kind": "embedded", "server_url": "u"})
COLD, WARM, UNCONTROLLED = LoadKind


def load(model: str, time_s: float, *, cold: bool | None) -> MeasureRecord:
    facts = {"name": "load_time_s", "value": time_s, "unit": "s", "model_key": model, "cold": cold}
    return MeasureRecord.model_validate({**HEAD, **facts})


def use(model: str, **facts: Any) -> InstanceRecord:
    return InstanceRecord.model_validate({**HEAD, "model_key": model, "instance_id": model, **facts})


def cell(model: str, *, task: str = "t", e2e_s: float = 1.0, tokens: int = 20) -> list[Record]:
    facts = {
        "sample_uid": model,
        "task": task,
        "task_class": task,
        "item_id": "i",
        "item_hash": "h",
        "model_key": model,
    }
    facts |= {"instance_id": model, "prompt_hash": "p", "outcome": "ok"}
    times = {"times": {"ttft_s": 0.2, "e2e_s": e2e_s}, "usage": {"total_output_tokens": tokens}}
    score = {"sample_uid": model, "scorer": "x", "scorer_version": "1", "value": 1.0, "reason": ""}
    summary = {"model_key": model, "task": task, "task_class": task, "n": 1, "unscored": 0, "planned": 1, "scorer": "x"}
    return [
        SampleRecord.model_validate({**HEAD, **facts, **times}),
        ScoreRecord.model_validate({**HEAD, **score}),
        SummaryRecord.model_validate({**HEAD, **summary, "score": 1.0}),
    ]


def a_run(*records: Record) -> RunFile:
    return written(RUN, *records)


def candidates(run: RunFile) -> dict[str, Contender]:
    (evidence,) = gather([run])
    return {candidate.key: candidate for candidate in evidence.candidates}


def test_cold_warm_and_uncontrolled_loads_are_never_mixed() -> None:
    run = a_run(
        load("m", 4.0, cold=None), load("m", 9.0, cold=True), load("m", 1.0, cold=False), load("n", 7, cold=True)
    )
    assert loads_of([run], "m") == {UNCONTROLLED: [4.0], COLD: [9.0], WARM: [1.0]}
    assert loads_of([run, run], "n") == {COLD: [7.0, 7.0]}


def test_without_the_latency_suite_the_loads_of_the_run_count_once_each_and_are_uncontrolled() -> None:
    warmed_up = use("m", load_time_s=3.0, thinks_in_text=True)  # The same lease once more.
    run = a_run(use("m", load_time_s=3.0), warmed_up, use("m", load_wall_s=5.0), use("p", load_mode="preloaded"))
    assert loads_of([run], "m") == {UNCONTROLLED: [3.0, 5.0]}
    assert loads_of([run], "p") == {}


def test_models_are_compared_by_a_kind_that_all_of_them_have() -> None:
    both, warm = {COLD: [9.0], WARM: [1.0]}, {UNCONTROLLED: [4.0], WARM: [2.0]}
    assert like_for_like([both, both]) is COLD
    assert like_for_like([both, warm]) is WARM
    assert like_for_like([both, {}]) is COLD, "a model that was loaded already has no load"
    assert like_for_like([both, {UNCONTROLLED: [4.0]}]) is None
    assert like_for_like([{}]) is None
    assert load_of(both, None) == (1.0, 1, WARM)
    assert load_of({UNCONTROLLED: [4.0, 8.0]}, None) == (6.0, 2, UNCONTROLLED)
    assert load_of({}, COLD) is None


def test_choose_counts_the_cold_load_where_all_have_one_and_says_so() -> None:
    answers = [*cell("a"), *cell("b")]
    a_loads = [load("a", 9.0, cold=True), load("a", 1.0, cold=False)]
    b_loads = [load("b", 6.0, cold=True), load("b", 2.0, cold=False)]
    found = candidates(a_run(*answers, *a_loads, *b_loads))
    assert {key: (one.load_s, one.basis.load_kind) for key, one in found.items()} == {"a": (9, COLD), "b": (6, COLD)}
    assert found["a"].time_s(Rule(requests_per_load=20)) == pytest.approx(1.0 + 9.0 / 20)
    found = candidates(a_run(*answers, *a_loads, b_loads[1]))
    assert {key: (one.load_s, one.basis.load_kind) for key, one in found.items()} == {"a": (1, WARM), "b": (2, WARM)}


def test_compare_puts_warm_loads_beside_warm_ones_whatever_the_cold_ones_took(tmp_path: Path) -> None:
    def subject(warm_s: float) -> Subject:
        cold = [load("m", 90.0 / warm_s, cold=True), load("m", 50.0, cold=None)]
        records = [RUN, *cell("m"), *cold, load("m", warm_s, cold=False)]
        return Subject(run=RunFile.read(write(tmp_path / f"{warm_s}.jsonl", records)), model_key="m")

    (contrast,) = contrasts([(subject(1.0), subject(2.0))], margin=0.1)
    assert contrast.load.value == pytest.approx(2.0)


def test_the_table_of_a_run_has_the_kind_of_load_that_all_models_have() -> None:
    a_loads = [load("a", 9.0, cold=True), load("a", 1.0, cold=False)]
    assert load_time(a_run(*a_loads, load("b", 6.0, cold=True)), "a") == "9.00 s"
    assert load_time(a_run(*a_loads, load("b", 2.0, cold=False)), "a") == "1.00 s"
    assert load_time(a_run(use("c", load_time_s=3.0)), "c") == "~3.00 s"


@pytest.mark.parametrize(("load_s", "answer_s"), [(9.0, 1.0), (0.5, 1.53), (60.0, 0.07), (0.0, 1.0), (1e-9, 1e9)])
def test_a_load_is_small_from_the_first_number_of_answers_at_which_it_takes_a_tenth(
    load_s: float, answer_s: float
) -> None:
    count = answers_until_small(load_s, answer_s)
    assert count is not None

    def share(n: int) -> float:
        return load_s / (load_s + n * answer_s)

    assert share(count) <= 0.1 + 1e-9
    assert count == 1 or share(count - 1) > 0.1


def test_a_load_saves_time_from_the_first_number_of_answers_that_are_quicker_in_all() -> None:
    count = answers_until_quicker(6.0, 1.0, 3.0)
    assert count == 4  # 6 + 3 x 1 = 3 x 3: not yet quicker.
    assert answers_until_quicker(0.0, 1.0, 3.0) == 1
    assert answers_until_quicker(6.0, 3.0, 3.0) is None
    assert answers_until_quicker(6.0, 4.0, 3.0) is None
