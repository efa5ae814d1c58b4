"""Chat models and embedding models in one run: each gets the tests of its kind, and what is left out is said."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.domain.record import Record, SkipRecord, SummaryRecord
from harness.store.reader import read_run
from harness.testing.scripted import ScriptedServer
from tests import forkserver

EMBEDDER = "text-embedding-acme"

CODE = """
import pytest
from harness import Needs, Nearest, RunTask, Sample, Task
from test_plain import ECHO

def samples(seed, n):
    texts = ("the red fox", "a fox, red", "interest rates rose")
    target = {"nearest": 0, "count": 2}
    return [Sample(item_id=f"near-{i}", prompt=f"{i}", target=target, texts=texts) for i in range(n)]

NEAR = Task(name="near", task_class="near", generate=samples, scorer=Nearest(), max_output_tokens=0, prompt_tokens=40,
            needs=Needs(embedding=True))

@pytest.mark.lms_task(NEAR)
def test_near(lms_run_task: RunTask) -> None:
    lms_run_task(NEAR)

@pytest.mark.lms_embedding
def test_embeds(lms_client, lms_instance) -> None:
    assert lms_instance.model.is_embedding
    assert len(lms_client.embed(lms_instance.address, ["a"])) == 1

@pytest.mark.lms_any_model
@pytest.mark.lms_before_load
def test_is_listed(lms_client, lms_model) -> None:
    assert lms_model.key in {model.key for model in lms_client.models()}
"""
PLAIN = """
import pytest
from harness import Exact, RunTask, Sample, Task

def samples(seed, n):
    return [Sample(item_id=f"echo-{i}", prompt=f"say {i}", target=f"say {i}") for i in range(n)]

ECHO = Task(name="echo", task_class="echo", generate=samples, scorer=Exact(), max_output_tokens=20, prompt_tokens=40)

@pytest.mark.lms_task(ECHO)
def test_echo(lms_run_task: RunTask) -> None:
    lms_run_task(ECHO)

def test_chats(lms_instance) -> None:
    assert lms_instance.model.is_chat
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., tuple[int, str, list[Record]]]:
    (tmp_path / "test_near.py").write_text(CODE)
    (tmp_path / "test_plain.py").write_text(PLAIN)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")

    def call(*words: str) -> tuple[int, str, list[Record]]:
        with ScriptedServer() as server:
            around = {**os.environ, "LMS_HARNESS_STATE": str(tmp_path / "state"), "COLUMNS": "160"}
            words = ("-p", "no:cacheprovider", f"--lms-url={server.url}", "--lms-limit=3", *words)
            done = forkserver.run("pytest", *words, cwd=tmp_path, env=around)
            assert server.loaded == []
            chats = {body["model"] for body in server.asked("POST", "/api/v1/chat")}
            assert EMBEDDER not in chats
        files = list((tmp_path / "results").glob("*.jsonl"))
        return done.returncode, done.stdout + done.stderr, [record for file in files for record in read_run(file)]

    return call


def test_both_kinds_in_one_run_each_get_their_own_tests_and_end_in_one_table(
    run: Callable[..., tuple[int, str, list[Record]]],
) -> None:
    code, out, records = run("--lms-model=acme/tiny-1b", f"--lms-model={EMBEDDER}")
    assert code == 0, out
    assert "6 passed" in out
    cells = {(cell.model_key, cell.task): cell.score for cell in records if isinstance(cell, SummaryRecord)}
    assert cells == {("acme/tiny-1b", "echo"): 1.0, (EMBEDDER, "near"): 1.0}
    skips = {(skip.model_key, skip.task): skip.reason for skip in records if isinstance(skip, SkipRecord)}
    assert skips == {
        ("acme/tiny-1b", "near"): "needs an embedding model",
        (EMBEDDER, "echo"): "needs a chat model",
    }
    assert f"Skipped: {EMBEDDER} echo: needs a chat model" in out
    assert all(any(line.startswith(task) for line in out.splitlines()) for task in ("echo  ", "near  "))


def test_of_one_kind_alone_only_its_tests_are_run(run: Callable[..., tuple[int, str, list[Record]]]) -> None:
    code, out, records = run(f"--lms-model={EMBEDDER}")
    assert (code, "3 passed, 2 deselected" in out) == (0, True), out
    assert not [record for record in records if isinstance(record, SkipRecord)]


def test_a_named_task_without_a_model_of_its_kind_ends_the_run_before_anything_is_loaded(
    run: Callable[..., tuple[int, str, list[Record]]],
) -> None:
    code, out, records = run("--lms-model=acme/tiny-1b", "--lms-task=near")
    assert (code, records) == (2, [])
    assert "near needs an embedding model, and no selected model is one" in out
    assert "Select one as well: --lms-model KEY" in out
    code, out, _ = run(f"--lms-model={EMBEDDER}", "test_plain.py")
    assert code == 2
    assert "what was collected needs a chat model, and no selected model is one" in out
