"""What the routing file says of answers: who may take a task, until when, and what one model for all would mean."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.command.choose import Chosen
from harness.command.routing import routing_file, stale_tasks
from harness.domain.record import InstanceRecord, RunRecord
from harness.domain.routing import RoutingFile
from harness.errors import StoreError
from harness.store.cell import ScorerId
from harness.store.routing import read_routing
from harness.store.whole_file import write_whole
from harness.verdict.choose import choose
from harness.verdict.contender import DEFAULT_RULE, Contender, Rule
from harness.verdict.evidence import TaskEvidence
from harness.verdict.task_choice import TaskChoice

DAY_S = 86_400.0
N = 40


class FixedClock:
    """It is noon on 30 November 2026."""

    def monotonic(self) -> float:
        return 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 30, 12, tzinfo=UTC)

    def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


def model(key: str, passes: int, *, size: int = 1, time_s: float = 1.0, is_certified: bool = False) -> Contender:
    scores = {f"i{number:02}": float(number < passes) for number in range(N)}
    return Contender(key=key, scores=scores, p50_s=time_s, load_s=0.0, size_bytes=size, is_certified=is_certified)


def run(run_id: str, at: str) -> RunRecord:
    return RunRecord(
        run_id=run_id,
        at=at,
        harness_version="1",
        server_kind="lm-studio",
        server_url="http://x",
        plan={"tasks": {"t": "f"}},
    )


RUNS = (run("b", "2026-11-29T00:00:00.000Z"), run("a", "2026-11-01T00:00:00.000Z"))


def routed(
    tasks: Mapping[str, Sequence[Contender]],
    rule: Rule = DEFAULT_RULE,
    *,
    primary: Contender | None = None,
    runs: tuple[RunRecord, ...] = RUNS,
    valid_for_s: float = 30 * DAY_S,
) -> RoutingFile:
    choices = []
    for task, candidates in tasks.items():
        use = InstanceRecord(
            run_id="b", at=RUNS[0].at, model_key="small", variant="small@q4", quantisation="Q4", size_bytes=1
        )
        evidence = TaskEvidence(
            task=task,
            task_class="c",
            candidates=tuple(candidates),
            runs=runs,
            instances={"small": use},
            scorer=ScorerId("exact", "2"),
        )
        choices.append(TaskChoice(evidence=evidence, choice=choose(candidates, rule, primary=primary), primary=primary))
    chosen = Chosen(tasks=tuple(choices), runs=(), skipped={}, primary=primary.key if primary else None)
    return routing_file(chosen, rule, valid_for_s=valid_for_s, clock=FixedClock())


SMALL, LARGE, WEAK = model("small", 39), model("large", 39, size=9, time_s=4.0), model("weak", 4, size=3)


def test_the_answer_comes_with_all_that_suffice_and_the_others_with_their_reasons() -> None:
    task = routed({"t": [WEAK, LARGE, SMALL]}).tasks["t"]
    assert (task.answer, task.model_key) == ("model", "small")
    assert [found.model_key for found in task.suffices] == ["small", "large"]
    assert (task.suffices[0].variant, task.suffices[0].quantisation) == ("small@q4", "Q4")
    assert [(found.model_key, found.reason) for found in task.rejected] == [
        ("weak", "suffices with a probability of 0.00: 0.9 is needed")
    ]
    evidence = task.evidence
    assert (evidence.n, evidence.score, evidence.suite_hash) == (N, 39 / N, "f")
    assert (evidence.scorer, evidence.scorer_version, evidence.run_ids) == ("exact", "2", ["b", "a"])


def test_a_model_beyond_a_limit_is_rejected_with_the_limit() -> None:
    task = routed({"t": [LARGE, SMALL]}, Rule(max_p50_s=2.0)).tasks["t"]
    assert [found.reason for found in task.rejected] == ["p50_s is 4, above the limit of 2"]


def test_safe_hands_over_to_certified_models_alone_else_to_the_largest_that_suffices() -> None:
    sure = replace(LARGE, is_certified=True)
    certified = routed({"t": [SMALL, sure]}, Rule(is_safe=True)).tasks["t"]
    assert (certified.answer, [found.model_key for found in certified.suffices]) == ("certified", ["large"])
    assert [found.reason for found in certified.rejected] == ["is not certified"]
    largest = routed({"t": [SMALL, LARGE]}, Rule(is_safe=True)).tasks["t"]
    assert (largest.answer, [found.model_key for found in largest.suffices]) == ("model", ["large"])


def test_open_and_primary_hand_over_to_nobody_and_name_the_best() -> None:
    near = model("near", 33)
    tasks = routed({"open": [near, WEAK], "primary": [WEAK]}).tasks
    for name, best in (("open", "near"), ("primary", "weak")):
        assert (tasks[name].answer, tasks[name].model_key, tasks[name].suffices) == (name, None, [])
        assert tasks[name].best_so_far == best


def test_an_answer_holds_from_the_beginning_of_the_oldest_run() -> None:
    made = routed({"t": [SMALL]})
    assert made.made_at == "2026-11-30T12:00:00.000Z"
    assert made.tasks["t"].evidence.measured_at == "2026-11-01T00:00:00.000Z"
    assert made.tasks["t"].evidence.valid_until == "2026-12-01T00:00:00.000Z"
    assert stale_tasks(made, now=FixedClock().now()) == []
    assert stale_tasks(routed({"t": [SMALL]}, valid_for_s=DAY_S), now=FixedClock().now()) == ["t"]


def test_a_run_from_the_end_of_time_or_without_a_date_is_no_traceback() -> None:
    late = run("z", "9999-12-31T00:00:00.000Z")
    assert routed({"t": [SMALL]}, runs=(late,)).tasks["t"].evidence.valid_until.startswith("9999")
    with pytest.raises(StoreError, match="run z has no date: expected ISO 8601, got 'soon'"):
        routed({"t": [SMALL]}, runs=(run("z", "soon"),))


def test_the_baselines_are_the_smallest_the_largest_the_best_single_model_and_the_primary() -> None:
    primary = model("cloud", 40)
    tasks = {"a": [SMALL, LARGE, WEAK], "b": [model("small", 20), model("large", 40, size=9, time_s=4.0), WEAK]}
    made = routed(tasks, primary=primary)
    found = made.baselines
    assert found.smallest is not None
    assert found.largest is not None
    assert found.best_single is not None
    assert found.primary is not None
    assert (found.smallest.model_key, found.smallest.suffices_for) == ("small", ["a"])
    assert (found.largest.model_key, found.largest.suffices_for) == ("large", ["a", "b"])
    assert found.best_single == found.largest
    assert found.largest.total_p50_s == 8.0
    assert (found.primary.model_key, found.primary.mean_score) == ("cloud", 1.0)


def test_where_none_suffices_an_embedding_model_is_not_the_best_for_its_one_quick_task() -> None:
    chat = model("chat", 10, time_s=2.0)
    found = routed({"a": [chat], "b": [chat], "retrieval": [model("embed", 10, time_s=0.01)]}).baselines
    assert found.best_single is not None
    assert found.best_single.model_key == "chat"


def test_names_order_of_models_and_of_tasks_change_nothing_of_what_is_said() -> None:
    first = routed({"a": [SMALL, LARGE, WEAK], "b": [WEAK]})
    again = routed({"b": [WEAK], "a": [WEAK, LARGE, SMALL]})
    assert {name: first.tasks[name] for name in ("a", "b")} == {name: again.tasks[name] for name in ("a", "b")}
    assert first.baselines == again.baselines


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "routing.json"
    write_whole(path, routed({"a": [SMALL, LARGE], "b": [WEAK], "empty": []}).model_dump_json(by_alias=True))
    found = read_routing(path)
    assert [routed.key for routed in found["a"].suffices] == ["small", "large"]
    assert (found["b"].answer, found["empty"].answer, found["empty"].best_so_far) == ("primary", "open", None)
