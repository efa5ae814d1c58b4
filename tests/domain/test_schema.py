"""Real run files, line by line against the schema that `lms-harness schema` prints."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from harness.domain.kind import Kinds
from harness.domain.schema import json_schema
from harness.testing.scripted import ScriptedServer
from tests import forkserver

FIRST = Path(__file__).parent / "first-version.jsonl"
TASK = """
import pytest
from harness import Exact, Sample, Task

def samples(seed, n):
    return [Sample(item_id=f"say-{i}", prompt=f"say {i}", target=f"say {i % 5}", tier=i % 3 + 1) for i in range(n)]

TASK = Task(name="say", task_class="say", generate=samples, scorer=Exact(), max_output_tokens=20, prompt_tokens=40)

@pytest.mark.lms_task(TASK)
def test_say(lms_run_task):
    lms_run_task(TASK)
"""


def errors(path: Path) -> Iterator[str]:
    whole = Draft202012Validator(json_schema())
    of_kind = {kind: Draft202012Validator(json_schema(kind)) for kind in Kinds.by_name}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        record = json.loads(line)
        for validator in (whole, of_kind[record["kind"]]):
            yield from (f"{number}: {error.message}" for error in validator.iter_errors(record))


def kinds(path: Path) -> set[str]:
    return {json.loads(line)["kind"] for line in path.read_text(encoding="utf-8").splitlines()}


def run(folder: Path, *words: str) -> Path:
    environ = {**os.environ, "LMS_HARNESS_STATE": str(folder / "state")}
    done = forkserver.run(*words, "--lms-results=results", cwd=folder, env=environ, timeout=250)
    files = list((folder / "results").glob("*.jsonl"))
    assert len(files) == 1, done.stdout + done.stderr
    return files[0]


def test_the_schemas_are_valid_and_name_every_kind() -> None:
    for kind in (None, *Kinds.by_name):
        Draft202012Validator.check_schema(json_schema(kind))
    assert set(json_schema()["$defs"]) == set(Kinds.by_name)


def test_every_line_of_a_run_fits_the_schema(tmp_path: Path) -> None:
    (tmp_path / "test_say.py").write_text(TASK)
    with ScriptedServer() as server:
        path = run(
            tmp_path,
            "pytest",
            "-p",
            "no:cacheprovider",
            f"--lms-url={server.url}",
            "--lms-model=all",
            "--lms-limit=8",
            "--lms-epochs=2",
            "--lms-floor=say=0.9",
            "--lms-exclude=nothing",
        )
    assert kinds(path) >= {"run", "instance", "release", "sample", "score", "summary", "comparison", "end"}
    assert list(errors(path)) == []


def test_every_line_of_the_first_version_fits_the_schema() -> None:
    assert list(errors(FIRST)) == []


@pytest.mark.parametrize(
    "change",
    [{"kind": "nonsense"}, {"schema": "lms-harness/2"}, {"value": "one"}, {"sample_uid": None}],
)
def test_what_is_no_record_does_not_fit(change: dict[str, Any]) -> None:
    score = next(json.loads(line) for line in FIRST.read_text().splitlines() if '"kind":"score"' in line)
    validator = Draft202012Validator(json_schema())
    assert validator.is_valid(score)
    assert not validator.is_valid({**score, **change})
    assert not validator.is_valid({name: one for name, one in score.items() if name != "kind"})
    assert validator.is_valid({**score, "a_later_field": 1})
