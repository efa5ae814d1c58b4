"""What resuming a run without naming suites and tasks means."""

from typing import Any

import pytest

from harness.domain.record import RunRecord
from harness.run.resume.scope import Scope, scope_of, suites_of


def run(**fields: Any) -> RunRecord:
    return RunRecord.model_construct(**{"argv": [], "plan": {}, **fields})


def test_the_suites_of_tests_are_those_of_their_node_ids() -> None:
    tests = [
        "suites/smoke/test_smoke.py::test_a[m]",
        "x/suites/offload/reason/test_reason.py::test_b",
        "test_own.py::c",
    ]
    assert suites_of(tests) == ["offload", "smoke"]


@pytest.mark.parametrize(
    ("record", "scope"),
    [
        (
            run(plan={"suites": ["offload"], "tasks": {"extract": "hash"}}),
            Scope(suites=("offload",), tasks=("extract",)),
        ),
        (run(plan={"suites": ["latency"], "tasks": {}}), Scope(suites=("latency",))),
        (run(plan={"suites": [], "tasks": {"own": "hash"}}), Scope()),
        (
            run(argv=["lms-harness", "run", "--suite", "offload", "--suite=smoke"], plan={"tasks": {"reason": "hash"}}),
            Scope(suites=("offload", "smoke"), tasks=("reason",)),
        ),
        (run(argv=["lms-harness", "run"], plan={"tasks": {"reason": "hash"}}), Scope()),
    ],
    ids=["as recorded", "no tasks", "own tests", "0.1.0", "0.1.0 without suites"],
)
def test_what_a_run_was_made_of_is_read_from_its_first_record(record: RunRecord, scope: Scope) -> None:
    assert scope_of(record) == scope
