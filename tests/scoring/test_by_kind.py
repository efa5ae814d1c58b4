from dataclasses import replace
from typing import Any

import pytest

from harness.errors import TaskError
from harness.scoring.by_kind import ByKind
from harness.scoring.registry import make_scorer

BY_KIND = ByKind(kinds=("number", "choice"))
COLOUR = {"label": "red", "labels": ["red", "blue"]}


@pytest.mark.parametrize(
    ("kind", "target", "answer"),
    [("number", 7, "That makes 7."), ("number", 7, "8"), ("choice", COLOUR, "Red."), ("choice", COLOUR, "red or blue")],
)
def test_each_answer_is_judged_as_the_named_scorer_does(kind: str, target: Any, answer: str) -> None:
    own = make_scorer(kind)(answer, target)
    score = BY_KIND(answer, {"kind": kind, "target": target})
    assert score == replace(own, details={"kind": kind, **own.details})


@pytest.mark.parametrize(
    "target",
    [{"kind": "exact", "target": "x"}, {"kind": "number"}, {"kind": "number", "target": 1, "more": 2}, {"kind": ["x"]}],
)
def test_a_kind_that_is_not_allowed_is_the_tasks_error(target: Any) -> None:
    with pytest.raises(TaskError, match="number, choice"):
        BY_KIND("1", target)


def test_a_target_of_the_named_kind_that_is_malformed_is_the_tasks_error_too() -> None:
    with pytest.raises(TaskError, match="choice"):
        BY_KIND("1", {"kind": "choice", "target": 7})


def test_its_version_changes_with_that_of_each_scorer_it_may_call() -> None:
    number, choice = make_scorer("number").version, make_scorer("choice").version
    assert BY_KIND.version == f"1/number-{number},choice-{choice}"
