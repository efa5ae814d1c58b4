"""Answers written by someone who had not seen the scorers, read by scorers that were not tuned on them.

The share that is judged as a fair reader would judge it is the honest figure. It may rise, and never fall. Once someone
has looked at the lines that fail, the set is not unseen any more: write a new one before you claim a new figure.

`unseen-choice` and `unseen-number` have shapes about as often as models print them, `unseen-rare-…` only unusual ones.
"""

import json
from pathlib import Path

import pytest

from harness.scoring.registry import make_scorer

FOLDER = Path(__file__).parent


@pytest.mark.parametrize(
    ("scorer", "kind", "right"),
    [
        *(("choice", "choice", 60), ("labels", "choice", 60), ("number", "number", 59)),
        *(("choice", "rare-choice", 55), ("labels", "rare-choice", 55), ("number", "rare-number", 55)),
    ],
)
def test_the_share_of_unseen_answers_that_is_judged_fairly_does_not_fall(scorer: str, kind: str, right: int) -> None:
    judge = make_scorer(scorer)
    # At \n alone: an answer may hold other line ends.
    lines = (FOLDER / f"unseen-{kind}.jsonl").read_text(encoding="utf-8").rstrip("\n").split("\n")
    cases = [json.loads(line) for line in lines]
    assert len(cases) == 60
    assert sum(judge(case["output"], case["target"]).passed is case["should_pass"] for case in cases) >= right
