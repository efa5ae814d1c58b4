"""Samples with turns: what is said in which order, what the server keeps, and how a turn that fails ends the sample."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.client.deadline import Deadlines
from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.domain.answer import Job
from harness.domain.generation import Outcome
from harness.domain.model import InstanceId, LoadConfig
from harness.domain.record import PromptRecord, SampleRecord, SummaryRecord
from harness.domain.sample import Sample
from harness.errors import TaskError
from harness.run.ask.asker import asker
from harness.run.ask.request import request_for
from harness.run.run import Run
from harness.scoring.exact import Exact
from harness.settings import Settings
from harness.store.reader import read_run
from harness.task.task import Task
from harness.testing.clock import FakeClock
from harness.testing.fault import Call, Delay, Drop, Fault, Hang, Status
from harness.testing.message import Request
from harness.testing.scripted import ScriptedServer
from tests.run.silent import Silent

KEY = "acme/tiny-1b"
CHAT = "/api/v1/chat"
TALK = Sample(
    item_id="talk",
    prompt="and now?",
    target="and now?",
    system_prompt="be brief",
    turns=("one", "two", "three"),
    tags={"depth": 0.5},
)


def task_of(*samples: Sample) -> Task:
    return Task(
        name="talk",
        task_class="talk",
        generate=lambda _, n: samples[:n],
        scorer=Exact(),
        max_output_tokens=20,
        prompt_tokens=40,
    )


class Bench:
    """A run on a scripted server that answers what it is told, or repeats what was said."""

    def __init__(self, server: ScriptedServer, run: Run) -> None:
        self.server = server
        self.run = run

    def hold(self, sample: Sample, *faults: tuple[int, Fault]) -> tuple[SummaryRecord, SampleRecord]:
        """Ask one sample; each fault happens to the chat of that number, from 1."""
        (model,) = (model for model in self.run.client.models() if model.key == KEY)
        with self.run.leased(model, LoadConfig(context_length=2048)) as leased:
            self.server.on("POST", CHAT, Numbered(dict(faults)))
            cell = self.run.evaluate(task_of(sample), leased)
        (record,) = (record for record in read_run(self.run.path) if isinstance(record, SampleRecord))
        return cell, record

    @property
    def chats(self) -> Sequence[dict[str, Any]]:
        """What was asked after the warm-up."""
        return self.server.asked("POST", CHAT)[1:]


class Numbered:
    """Lets the chats that no fault is meant for go through."""

    def __init__(self, faults: dict[int, Fault]) -> None:
        self._faults = faults
        self._count = 0

    def apply(self, call: Call) -> None:
        self._count += 1
        if (fault := self._faults.get(self._count)) is not None:
            fault.apply(call)
        else:
            call.send(call.answer())


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("LMS_HARNESS_STATE", str(tmp_path / "state"))
    with ScriptedServer() as server, Client(server.url, deadlines=Deadlines(idle_s=5.0)) as client:
        settings = Settings(limit=1, results=tmp_path, url=server.url, sample_deadline_s=3.0)
        run = Run(
            settings,
            client,
            server_kind="lm-studio",
            listing=client.models(),
            progress=Silent(),
            plan={"tasks": {}},
            clock=FakeClock(),
        )
        yield Bench(server, run)
        run.close(exit_code=0)


def test_each_turn_goes_on_from_the_last_and_only_the_turns_before_the_prompt_are_kept(bench: Bench) -> None:
    cell, record = bench.hold(TALK)
    assert (cell.score, record.outcome, record.output_text) == (1.0, "ok", "and now?")
    assert [chat["input"] for chat in bench.chats] == ["one", "two", "three", "and now?"]
    assert [chat["store"] for chat in bench.chats] == [True, True, True, False]
    came_from = [chat.get("previous_response_id") for chat in bench.chats]
    assert came_from[0] is None
    assert len(set(came_from)) == 4


def test_the_system_prompt_goes_with_the_first_turn_only(bench: Bench) -> None:
    bench.hold(TALK)
    assert [chat.get("system_prompt") for chat in bench.chats] == ["be brief", None, None, None]


def test_a_branch_goes_on_from_the_earlier_turn_that_the_sample_names(bench: Bench) -> None:
    branch = Sample(item_id="branch", prompt="and now?", target="and now?", turns=TALK.turns, continues=1)
    bench.hold(branch)
    came_from = [chat.get("previous_response_id") for chat in bench.chats]
    assert came_from[3] == came_from[1] != came_from[2]


def test_figures_of_the_record_are_those_of_the_last_turn_and_the_others_stand_beside(bench: Bench) -> None:
    _, record = bench.hold(TALK)
    # The scripted model takes 3 tokens for the template of each turn, repeats it, and had a system prompt of 2 words.
    assert [turn["input_tokens"] for turn in record.turns] == [6, 11, 16]
    assert record.usage["input_tokens"] == 22
    assert [turn["output_text"] for turn in record.turns] == ["one", "two", "three"]
    assert all(turn["e2e_s"] > 0 for turn in record.turns)
    assert (record.item_hash, record.prompt_hash) == (TALK.item_hash, TALK.prompt_hash)
    assert record.tags == {"depth": 0.5}


def test_a_turn_that_was_cut_at_the_limit_does_not_end_the_sample(bench: Bench) -> None:
    bench.server.reply_with(lambda asked: asked.prompt if "now" in asked.prompt else "well " * 30)
    cell, record = bench.hold(TALK)
    assert (cell.score, record.outcome) == (1.0, "ok")
    assert [turn["total_output_tokens"] for turn in record.turns] == [20, 20, 20]


@pytest.mark.parametrize(
    ("fault", "outcome", "score", "said"),
    [
        (Status(400, {"error": {"message": "no more", "type": "invalid_request"}}), "server_error", None, "no more"),
        (Hang(), "timeout", 0.0, "total deadline"),
    ],
)
def test_a_turn_that_fails_ends_the_sample_with_its_outcome_and_place(
    bench: Bench, fault: Fault, outcome: str, score: float | None, said: str
) -> None:
    cell, record = bench.hold(TALK, (2, fault))
    assert (cell.score, record.outcome) == (score, outcome)
    assert len(bench.chats) == 2
    assert (record.error or "").startswith("turn 2 of 4: ")
    assert said in (record.error or "")
    assert [turn["output_text"] for turn in record.turns] == ["one"]
    assert (record.output_text, record.times) == ("", {})


def test_a_turn_without_a_word_ends_the_sample_as_empty(bench: Bench) -> None:
    bench.server.reply_with(lambda asked: "" if asked.prompt == "two" else asked.prompt)
    cell, record = bench.hold(TALK)
    assert (cell.score, record.outcome, record.error) == (0.0, "empty", "turn 2 of 4: empty")
    assert len(bench.chats) == 2


def test_a_server_that_keeps_nothing_is_to_blame_and_not_the_model(bench: Bench) -> None:
    class Forgets:
        def apply(self, call: Call) -> None:
            answer = call.answer()
            call.send(replace(answer, parts=(part.replace(b"response_id", b"nothing_id") for part in answer.parts)))

    cell, record = bench.hold(TALK, (1, Forgets()))
    assert (cell.score, record.outcome) == (None, "server_error")
    assert record.error == "turn 1 of 4: the server returned no response_id, so the conversation cannot continue"
    assert len(bench.chats) == 1


def test_all_turns_together_have_the_deadline_of_a_sample(bench: Bench) -> None:
    slow = Delay(1.2)
    cell, record = bench.hold(TALK, (1, slow), (2, slow), (3, slow))
    assert (cell.score, record.outcome) == (0.0, "timeout")
    assert re.match("turn [23] of 4: ", record.error or "")  # On a busy machine the first turns take longer.


def test_a_lost_turn_is_asked_again_from_the_same_point_and_counted(bench: Bench) -> None:
    cell, record = bench.hold(TALK, (2, Drop()), (5, Status(500, {"error": "no"})))
    assert (cell.score, record.attempts) == (1.0, 3)
    asked = [(chat["input"], chat.get("previous_response_id")) for chat in bench.chats]
    assert asked[1] == asked[2]
    assert asked[4] == asked[5]


def test_an_interruption_within_a_turn_starts_no_further_one(bench: Bench) -> None:
    exchange = Exchange()

    def interrupt(asked: Request) -> str:
        if asked.prompt == "two":
            exchange.cancel()
        return asked.prompt

    bench.server.load(KEY)
    bench.server.reply_with(interrupt)
    task = task_of(TALK)
    request = request_for(task, TALK, address=KEY, reasoning=None, max_output_tokens=None)
    ask = asker(
        bench.run.client, instance_id=InstanceId(KEY), deadline_s=30.0, is_lost=lambda: False, clock=FakeClock()
    )
    answer = ask(Job(sample=TALK, epoch=1, request=request), exchange)
    assert (answer.outcome, answer.score) == (Outcome.CANCELLED, None)
    assert [chat["input"] for chat in bench.server.asked("POST", CHAT)] == ["one", "two"]


def test_the_turns_and_the_branch_are_part_of_the_item() -> None:
    def item(**given: Any) -> Sample:
        return Sample(item_id="x", prompt="p", target="t", **given)

    items = [
        item(),
        item(turns=("a",)),
        item(turns=("a", "b")),
        item(turns=("a", "b"), continues=1),
        item(turns=("ab",)),
    ]
    assert len({sample.item_hash for sample in items}) == len({sample.prompt_hash for sample in items}) == len(items)
    assert item(turns=("a", "b"), continues=2).item_hash == item(turns=("a", "b")).item_hash
    assert item(tags={"depth": 1}).item_hash == item().item_hash


@pytest.mark.parametrize(("turns", "continues"), [((), 1), (("a",), 0), (("a",), 2)])
def test_a_branch_from_a_turn_that_there_is_not_is_refused(turns: tuple[str, ...], continues: int) -> None:
    with pytest.raises(TaskError, match=f"cannot continue from turn {continues}"):
        Sample(item_id="x", prompt="p", target="t", turns=turns, continues=continues)


def test_a_conversation_is_recorded_as_it_was_sent_before_its_sample(bench: Bench) -> None:
    branch = replace(TALK, continues=2)
    _, sample = bench.hold(branch)
    records = list(read_run(bench.run.path))
    (prompt,) = (record for record in records if isinstance(record, PromptRecord))
    assert records.index(prompt) == records.index(sample) - 1
    assert (prompt.prompt_hash, prompt.images) == (sample.prompt_hash, [])
    assert [*prompt.turns[:2], prompt.turns[2], prompt.prompt] == [chat["input"] for chat in bench.chats]
    assert prompt.system_prompt == bench.chats[0]["system_prompt"] == "be brief"
    assert prompt.continues == 2
