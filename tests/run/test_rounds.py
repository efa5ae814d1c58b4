"""Who is asked more in a round."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.domain.model import Model, ModelKey
from harness.domain.sample import Sample
from harness.run.rounds import expected, still_open
from harness.scoring.exact import Exact
from harness.settings import Settings
from harness.store.run_file import RunFile
from harness.task.task import Task
from tests.store.written import write
from tests.verdict.recorded import KEY, OTHER, cell, head, instance, passes

SETTINGS = Settings(until_decided=True, limit=30)


def _samples(seed: int, n: int) -> Sequence[Sample]:
    return [Sample(item_id=f"i{number:02}", prompt=f"say {number}", target="x") for number in range(n)]


TASK = Task(name="say", task_class="say", generate=_samples, scorer=Exact(), max_output_tokens=9, prompt_tokens=9)


@pytest.mark.parametrize("primary", [OTHER, OTHER.upper()])
def test_the_primary_is_asked_more_with_its_candidates_as_it_is_their_yardstick(tmp_path: Path, primary: str) -> None:
    """What it was not asked too would settle nothing: only shared items count."""
    facts: dict[str, Any] = {"plan": {"models": [KEY, OTHER], "tasks": {"say": "f"}, "rounds": [15, 30]}}
    records = [head(**facts, settings={"primary": primary}), *cell(passes(13, 15)), *cell(passes(15, 15), key=OTHER)]
    seen = RunFile.read(write(tmp_path / "run.jsonl", records))
    models = [Model(key=ModelKey(key), type="llm") for key in (KEY, OTHER)]
    asked = still_open(seen, 30, models=models, tasks=[TASK], settings=SETTINGS)
    assert asked == {KEY: ["say"], OTHER: ["say"]}


def test_what_a_round_is_expected_to_ask_leaves_out_who_is_settled_and_counts_what_is_there(tmp_path: Path) -> None:
    facts: dict[str, Any] = {"plan": {"models": [KEY, OTHER], "tasks": {"say": "f"}, "rounds": [15, 30]}}
    used = instance(OTHER, load_wall_s=4.0)
    records = [head(**facts), used, *cell(passes(13, 15)), *cell(passes(15, 15), key=OTHER)]
    seen = RunFile.read(write(tmp_path / "run.jsonl", records))
    models = [Model(key=ModelKey(key), type="llm") for key in (KEY, OTHER)]
    asked: dict[str, list[str]] = {KEY: [], OTHER: ["say"]}
    (model,) = expected(seen, asked, 30, models=models, tasks=[TASK], settings=SETTINGS)
    assert (model.key, model.fixed_s) == (OTHER, 4.0)
    assert [(planned.task, planned.total, planned.known) for planned in model.cells] == [("say", 30, 15)]
