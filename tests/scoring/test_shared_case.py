"""Answers that were once misread. They are kept beside the project, not in it, and are read where they are there."""

import json
from pathlib import Path

import pytest

from harness.scoring.registry import make_scorer

CASES = Path(__file__).resolve().parents[2] / ".." / "shared" / "cases" / "scorers"
OWN = Path(__file__).parent


def misread(path: Path, scorer: str) -> list[str]:
    cases = [json.loads(line) for line in path.read_text().splitlines()]
    judge = make_scorer(scorer)
    return [
        case["output"] for case in cases if judge(case["output"], case["target"]).passed != bool(case["should_pass"])
    ]


@pytest.mark.skipif(not CASES.is_dir(), reason=f"needs the cases in {CASES}")
@pytest.mark.parametrize("scorer", ["choice", "number", "exact"])
def test_what_was_once_misread_is_read(scorer: str) -> None:
    for path in sorted(CASES.glob(f"{scorer}*.jsonl")):
        assert misread(path, scorer) == [], path.name


@pytest.mark.skipif(not CASES.is_dir(), reason=f"needs the cases in {CASES}")
@pytest.mark.parametrize("name", ["constraints", "fields", "fields_loose", "fields_markup"])
def test_json_and_instructions_that_were_once_misread_are_read(name: str) -> None:
    scorer = "fields" if name == "fields_markup" else name
    assert misread(CASES / f"{name}.jsonl", scorer) == []


@pytest.mark.parametrize("scorer", ["choice", "number"])
def test_answers_of_many_kinds_are_read_as_a_fair_reader_does(scorer: str) -> None:
    """Right, wrong, hedged, denied, explained, corrected, in JSON and in other languages."""
    assert misread(OWN / f"{scorer}-answers.jsonl", scorer) == []
