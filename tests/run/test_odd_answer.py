"""What a server does to answers, seen by a run: it stops early, leaves thoughts in the text, sends all in one block."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.client.http import Client
from harness.domain.markup import is_open_thought
from harness.domain.model import LoadConfig
from harness.domain.record import InstanceRecord, SampleRecord, SummaryRecord
from harness.domain.sample import Sample
from harness.report.table import render
from harness.run.resume.resume import Resumption
from harness.run.run import Run
from harness.scoring.exact import Exact
from harness.settings import Settings
from harness.store.reader import read_run
from harness.store.run_file import RunFile
from harness.task.task import Task
from harness.testing.fault import Call, Fault
from harness.testing.message import Request
from harness.testing.scripted import ScriptedServer
from tests.run.silent import Silent

KEY = "acme/tiny-1b"
LIMIT = 20


def samples(seed: int, n: int) -> list[Sample]:
    return [Sample(item_id=f"{seed}-{i}", prompt=f"say {i}", target=f"say {i}") for i in range(n)]


TASK = Task(name="echo", task_class="echo", generate=samples, scorer=Exact(), max_output_tokens=LIMIT, prompt_tokens=40)


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMS_HARNESS_STATE", str(tmp_path / "state"))


def evaluated(
    results: Path,
    speak: Callable[[Request], str],
    *,
    context: int = 8192,
    resumed: RunFile | None = None,
    fault: Fault | None = None,
) -> tuple[Path, SummaryRecord, list[Request]]:
    """Return a run's file, its cell, and what was asked."""
    with ScriptedServer() as server, Client(server.url) as client:
        server.reply_with(speak)
        if fault is not None:
            server.on("POST", "/api/v1/chat", fault)
        settings = Settings(limit=3, results=results, url=server.url)
        models = [model for model in client.models() if model.key == KEY]
        run = Run(
            settings,
            client,
            server_kind="lm-studio",
            listing=models,
            progress=Silent(),
            plan={"tasks": {"echo": "hash"}, "models": [KEY]},
            resumed=None
            if resumed is None
            else Resumption(parent=resumed, models=models, tasks=[TASK], settings=settings, tests={}),
        )
        with run.leased(models[0], LoadConfig(context_length=context)) as leased:
            cell = run.evaluate(TASK, leased)
        run.close(exit_code=0)
        return run.path, cell, [request for request in server.requests if request.path == "/api/v1/chat"]


def of_kind(path: Path, kind: type[InstanceRecord] | type[SampleRecord]) -> list[InstanceRecord | SampleRecord]:
    return [record for record in read_run(path) if isinstance(record, kind)]


def stops_one_token_early(request: Request) -> str:
    return " ".join(["word"] * (request.json["max_output_tokens"] - 1))


def test_a_server_that_stops_one_token_early_truncates_all_the_same(tmp_path: Path) -> None:
    path, cell, asked = evaluated(tmp_path, stops_one_token_early)
    assert cell.outcomes == {"truncated": 3}
    *_, instance = of_kind(path, InstanceRecord)
    assert isinstance(instance, InstanceRecord)
    assert instance.short_by_tokens == 1
    assert [request.json["max_output_tokens"] for request in asked[:3]] == [4, 8, LIMIT]
    assert f"The server stopped {KEY} 1 token before the limit" in render(RunFile.read(path))


@pytest.mark.parametrize("words", [3, 7, LIMIT - 1])
def test_an_answer_that_happens_to_be_a_token_shorter_than_a_limit_is_whole(tmp_path: Path, words: int) -> None:
    path, cell, _ = evaluated(tmp_path, lambda _: " ".join(["word"] * words))
    assert cell.outcomes == {"ok": 3}
    assert len(of_kind(path, InstanceRecord)) == 1


def thinks(request: Request) -> str:
    return f"<think> Let me see , this is a hard one </think> {request.prompt}"


def test_a_model_that_thinks_in_its_text_gets_room_for_thoughts_and_the_table_says_so(tmp_path: Path) -> None:
    path, cell, asked = evaluated(tmp_path, thinks)
    assert (cell.outcomes, cell.score) == ({"ok": 3}, 1.0)
    assert {request.json["max_output_tokens"] for request in asked[1:]} == {LIMIT + 2048}
    *_, instance = of_kind(path, InstanceRecord)
    assert isinstance(instance, InstanceRecord)
    assert instance.thinks_in_text
    assert f"{KEY} thinks within its text" in render(RunFile.read(path))


def test_the_room_for_thoughts_is_what_the_context_has_left(tmp_path: Path) -> None:
    _, _, asked = evaluated(tmp_path, thinks, context=1024)
    assert {request.json["max_output_tokens"] for request in asked[1:]} == {LIMIT + 1024 - TASK.room_tokens}


def test_a_resumed_run_takes_over_the_answers_of_a_model_that_thinks_in_its_text(tmp_path: Path) -> None:
    path, _, _ = evaluated(tmp_path, thinks)
    _, cell, asked = evaluated(tmp_path, thinks, resumed=RunFile.read(path))
    assert (cell.n, cell.score) == (3, 1.0)
    assert len(asked) == 1


class InOneBlock:
    """Collects an answer and sends it at once, as some proxies do."""

    def apply(self, call: Call) -> None:
        """Send the whole answer."""
        call.write(b"".join(piece.wire for piece in call.pieces()))


def test_figures_of_answers_that_come_in_one_block_are_marked(tmp_path: Path) -> None:
    path, _, _ = evaluated(tmp_path, lambda _: "word " * 19, fault=InOneBlock())
    row = render(RunFile.read(path)).splitlines()[2]
    assert re.search(r" ~<\d[\d.]* m?s ", row)
    assert " ~100* " in row


@pytest.mark.parametrize(
    ("text", "is_open"),
    [
        ("<think>\nOkay, the", True),
        ("<think>", True),
        (" [THINK]First", True),
        ("<think>\n\n</think>\n", False),
        ("One, two, three", False),
        ("Wrap it in <think> and", False),
        ("", False),
    ],
)
def test_a_thought_is_open_until_it_is_closed(text: str, is_open: bool) -> None:  # noqa: FBT001  (the question)
    assert is_open_thought(text) is is_open
