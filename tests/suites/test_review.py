"""Every program of review is right without a bug, and wrong with any of them."""

from typing import Any

import pytest

from harness.scoring.finding import Findings
from suites.offload.review.code import EASY, HARD, KINDS, MEDIUM, NAMES, Program
from suites.offload.review.program import Bug, bugs, lines
from suites.offload.review.task import TASK

PROGRAMS = (*EASY, *MEDIUM, *HARD)
CASES = [(program, bug) for program in PROGRAMS for bug in bugs(program)]


def results(program: Program, bug: Bug | None) -> list[str]:
    """What the calls give; an endless loop is cut off after so many steps."""
    names = {place: choices[0] for place, choices in NAMES.items()}
    made = lines(program, bug, names)
    body = [part for line in made for part in (line, *_counted(line))]
    space: dict[str, Any] = {"steps": iter(range(1000))}
    exec("\n".join(body), space)
    given = []
    for call in program.calls:
        try:
            given.append(repr(eval(call.format(**names), space)))
        except (ArithmeticError, LookupError, NameError, RuntimeError, StopIteration, TypeError) as exc:
            given.append(type(exc).__name__)
    return given


def _counted(line: str) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return [f"{indent}next(steps)"] if line.lstrip().startswith("while ") else []


def test_names_never_collide() -> None:
    names = [name for choices in NAMES.values() for name in choices]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_the_right_program_raises_nothing_and_has_several_kinds_of_bug(program: Program) -> None:
    assert not any(result.endswith(("Error", "Iteration")) for result in results(program, None))
    assert {bug.kind for bug in bugs(program)} <= set(KINDS)
    assert len(bugs(program)) >= 1


@pytest.mark.parametrize(("program", "bug"), CASES, ids=[f"{bug.kind} {bug.wrong.strip()}" for _, bug in CASES])
def test_each_bug_changes_what_the_function_does(program: Program, bug: Bug) -> None:
    assert results(program, bug) != results(program, None)


def test_every_kind_occurs_in_every_tier_that_has_it_and_a_quarter_is_clean() -> None:
    samples = TASK.samples(seed=4, limit=480)
    for tier in (1, 2, 3):
        kinds = [sample.target["kind"] for sample in samples if sample.tier == tier]
        assert kinds.count(None) == len(kinds) / 4
        assert len(set(kinds)) == len(KINDS) + 1


@pytest.mark.parametrize(
    "answer",
    [
        "line 3: wrong arithmetic",
        "Line 3 - Wrong arithmetic.",
        "3: wrong arithmetic",
        "**Line 3: wrong arithmetic**",
        '{"line": 3, "kind": "wrong arithmetic"}',
        "The bug is on line 3, kind: wrong arithmetic.",
        "line 3: wrong operator",
        "```\nline 3: wrong arithmetic\n```",
        "Line 3 has a wrong arithmetic operator.",
        "<think>line 2?</think>line 3: wrong arithmetic",
        "Answer: line 3: wrong arithmetic",
    ],
)
def test_a_right_answer_in_other_words_is_right(answer: str) -> None:
    target = next(
        sample.target for sample in TASK.samples(seed=0, limit=400) if sample.target["kind"] == "wrong arithmetic"
    )
    assert Findings()(answer, {**target, "line": 3}).value == 1.0


@pytest.mark.parametrize(
    "answer", ["no bug", "No bug.", "no bugs found", "There is no bug.", "The code is correct.", "None"]
)
def test_a_right_function_may_be_called_so_in_other_words(answer: str) -> None:
    target = next(sample.target for sample in TASK.samples(seed=0, limit=40) if sample.target["kind"] is None)
    assert Findings()(answer, target).value == 1.0
