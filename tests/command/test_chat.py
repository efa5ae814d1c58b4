"""One turn against a scripted LM Studio: when it is asked again, what its thread does, who must answer."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.client.deadline import Deadlines
from harness.client.http import Client
from harness.command.chat import ChatReply, ask_once
from harness.domain.generation import ChatRequest, Outcome
from harness.domain.model import ResponseId
from harness.errors import (
    ApiError,
    ConnectionLost,
    DeadlineExceeded,
    HarnessError,
    InstanceLost,
    LoadFailed,
    MalformedAnswer,
    ServerFault,
    SettingsError,
    UnknownResponseId,
)
from harness.lifecycle.leases import Leases
from harness.reaper.journal import Journal
from harness.reaper.link import ReaperLink
from harness.store.chat_log import ChatLog
from harness.testing import chat as double
from harness.testing.clock import FakeClock
from harness.testing.fault import Call, Cut, Drop, Fault, Hang, Raw, Reset, Status
from harness.testing.reaper import in_thread
from harness.testing.scripted import ScriptedServer

KEY = "acme/tiny-1b"
MODELS, LOAD, CHAT = "/api/v1/models", "/api/v1/models/load", "/api/v1/chat"
CUT_SSE = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
    b'event: chat.start\ndata: {"model_instance_id": "acme/tiny-1b"}\n\n'
)
DELTA = b'event: message.delta\ndata: {"content": "half"}\n\n'


class Desk:
    """Asks, and remembers what was said and shown."""

    def __init__(self, server: ScriptedServer, directory: Path) -> None:
        self.server = server
        self.clock = FakeClock()
        self.client = Client(server.url, deadlines=Deadlines(idle_s=5.0, total_s=5.0))
        journal = Journal("chat", url=server.url, clock=self.clock, directory=directory / "journals")
        link = ReaperLink(journal, token=self.client.token, launch=in_thread(self.clock))
        self.leases = Leases(self.client, journal, link=link, clock=self.clock, load_deadline_s=5.0)
        self.said: list[str] = []
        self.shown: list[str] = []

    def ask(self, text: str = "Hello", *, stream: bool = False, log: ChatLog | None = None, **more: Any) -> ChatReply:
        request = ChatRequest(model=more.pop("model", KEY), input=text, store=more.pop("store", False))
        thread = more.pop("thread", "no")
        return ask_once(
            self.client,
            self.leases,
            replace(request, **more),
            thread=thread,
            log=log,
            say=self.said.append,
            on_text=self.shown.append if stream else None,
            clock=self.clock,
        )

    def turn(self, text: str = "Hello", **more: Any) -> ChatReply:
        return self.ask(text, thread=more.pop("thread", "continue"), store=True, **more)

    @property
    def chats(self) -> list[Any]:
        return self.server.asked("POST", CHAT)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("LMS_HARNESS_STATE", str(tmp_path))
    with ScriptedServer() as server:
        made = Desk(server, tmp_path)
        try:
            yield made
        finally:
            made.leases.close()
            made.client.close()


class Crash:
    """The instance dies of the request."""

    def __init__(self, server: ScriptedServer) -> None:
        self._server = server

    def apply(self, call: Call) -> None:
        self._server.unload(call.request.json["model"])


class Impostor:
    """Another instance answers."""

    def apply(self, call: Call) -> None:
        answer = call.answer()
        call.send(replace(answer, parts=[part.replace(KEY.encode(), b"impostor") for part in answer.parts]))


class TestAttempts:
    @pytest.mark.parametrize("stream", [False, True])
    @pytest.mark.parametrize("fault", [Drop(), Reset(), Status(500, {"error": "broken"}), Cut(10), Raw([CUT_SSE])])
    def test_a_chat_that_produced_nothing_is_asked_again(self, desk: Desk, fault: Fault, *, stream: bool) -> None:
        desk.server.on("POST", CHAT, fault, times=1)
        reply = desk.ask(stream=stream)
        assert (reply.content, reply.attempts, reply.outcome) == ("Hello", 2, Outcome.OK)
        assert desk.clock.slept == [1.0]
        assert desk.said[0].endswith("trying again in 1 s ...")
        assert len(desk.server.asked("POST", LOAD)) == 1

    def test_it_is_given_up_after_three_attempts_which_the_error_tells(self, desk: Desk) -> None:
        desk.server.on("POST", CHAT, Drop())
        with pytest.raises(ConnectionLost, match=r"\(after 3 attempts\)"):
            desk.ask()
        assert (len(desk.chats), desk.clock.slept) == (3, [1.0, 2.0])

    def test_nothing_is_asked_again_once_text_was_shown(self, desk: Desk) -> None:
        desk.server.on("POST", CHAT, Raw([CUT_SSE + DELTA]))
        with pytest.raises(HarnessError):
            desk.ask(stream=True)
        assert (len(desk.chats), desk.shown, desk.clock.slept) == (1, ["half"], [])

    @pytest.mark.parametrize(
        ("fault", "kind"),
        [
            (Status(400, {"error": {"message": "no", "type": "invalid_request"}}), ApiError),
            (Status(500, {"error": {"message": "no", "type": "model_load_failed"}}), LoadFailed),
            (Status(500, {"error": "greater than the context length"}), ApiError),
            (Hang(), DeadlineExceeded),
        ],
    )
    def test_what_would_fail_again_is_asked_once(self, desk: Desk, fault: Fault, kind: type[HarnessError]) -> None:
        desk.client.deadlines = Deadlines(total_s=0.5)
        desk.server.on("POST", CHAT, fault)
        with pytest.raises(kind):
            desk.ask()
        assert (len(desk.chats), desk.clock.slept) == (1, [])

    def test_a_load_is_never_asked_again(self, desk: Desk) -> None:
        desk.server.on("POST", LOAD, Status(500, {"error": "broken"}))
        with pytest.raises(ServerFault):
            desk.ask()
        assert len(desk.server.asked("POST", LOAD)) == 1

    def test_the_listing_is_asked_again(self, desk: Desk) -> None:
        desk.server.on("GET", MODELS, Status(503, {"error": "later"}), times=2)
        assert desk.ask().content == "Hello"
        assert desk.clock.slept == [1.0, 2.0]

    def test_a_crashed_instance_is_not_asked_again_as_that_would_load_the_model(self, desk: Desk) -> None:
        desk.server.on("POST", CHAT, Crash(desk.server))
        with pytest.raises(InstanceLost, match=rf"{KEY} is no longer loaded: .* \(after 2 attempts\)"):
            desk.ask()
        assert (len(desk.chats), desk.server.loaded) == (1, [])

    def test_an_empty_answer_is_asked_for_once_more_and_then_taken(self, desk: Desk) -> None:
        answers = iter(["", " \n", "never asked for"])
        desk.server.reply_with(lambda _: next(answers))
        reply = desk.ask()
        assert (reply.content, reply.content_source, reply.outcome, reply.attempts) == ("", None, Outcome.EMPTY, 2)

    def test_blanks_that_were_shown_are_an_answer_though_an_empty_one(self, desk: Desk) -> None:
        desk.server.reply_with(lambda _: " \n ")
        reply = desk.ask(stream=True)
        assert (reply.outcome, reply.attempts, desk.shown) == (Outcome.EMPTY, 1, [" \n "])

    def test_an_empty_answer_may_be_followed_by_a_good_one(self, desk: Desk) -> None:
        answers = iter(["", "here"])
        desk.server.reply_with(lambda _: next(answers))
        assert desk.ask(stream=True).content == "here"
        assert desk.shown == ["here"]

    def test_a_malformed_answer_is_asked_for_once_more_and_no_more(self, desk: Desk) -> None:
        desk.server.on("POST", CHAT, Status(200, {"strange": True}))
        with pytest.raises(MalformedAnswer, match=r"\(after 2 attempts\)"):
            desk.ask()
        assert len(desk.chats) == 2

    def test_an_answer_of_nothing_but_tool_calls_is_not_empty(self, desk: Desk) -> None:
        call = {"type": "tool_call", "tool": "look", "arguments": {}, "output": "seen"}
        desk.server.reply_with(lambda _: double.Reply(text="", tool_calls=(call,)))
        reply = desk.ask()
        assert (reply.attempts, reply.as_dict()["tool_calls"]) == (1, [call])


@pytest.mark.parametrize("stream", [False, True])
def test_what_another_instance_answers_is_an_error_and_is_not_shown(desk: Desk, *, stream: bool) -> None:
    desk.server.on("POST", CHAT, Impostor())
    with pytest.raises(ApiError, match=f"asked {KEY}, but impostor answered"):
        desk.ask(stream=stream)
    assert (desk.shown, len(desk.chats)) == ([], 1)


def test_an_instance_that_went_away_before_it_was_asked_is_told(desk: Desk) -> None:
    desk.server.load(KEY)

    class Swap:
        def apply(self, call: Call) -> None:
            desk.server.unload(KEY)
            call.send(call.answer())

    desk.server.on("POST", CHAT, Swap())
    reply = desk.ask(stream=True)
    assert reply.as_dict()["usage"]["model_load_time_seconds"] is not None
    assert any("was unloaded meanwhile" in line for line in desk.said)


def test_the_context_length_is_a_loads_and_no_chats(desk: Desk) -> None:
    desk.server.load(KEY)
    reply = desk.ask(context_length=16384)
    assert reply.lease.instance.id == f"{KEY}:2"
    assert "context_length" not in desk.chats[0]


def test_what_a_model_cannot_do_is_refused_before_it_is_loaded(desk: Desk) -> None:
    with pytest.raises(SettingsError):
        desk.ask(context_length=10**6)
    with pytest.raises(SettingsError):
        desk.ask(model="text-embedding-acme")
    assert desk.server.asked("POST", LOAD) == []


class TestThread:
    def test_a_turn_continues_the_one_before_and_tells_the_system_prompt_once(self, desk: Desk) -> None:
        first = desk.turn("My name is Ada.", system_prompt="Be brief.")
        second = desk.turn("And now?", system_prompt="Be brief.")
        assert desk.chats[1]["previous_response_id"] == first.generation.response_id
        assert [chat.get("system_prompt") for chat in desk.chats] == ["Be brief.", None]
        assert any("The system prompt is not sent" in line for line in desk.said)
        alone = desk.ask("And now?").generation.stats.input_tokens
        together = second.generation.stats.input_tokens
        assert together is not None
        assert alone is not None
        assert together > alone

    def test_the_thread_is_the_models_whichever_instance_is_named(self, desk: Desk) -> None:
        first = desk.turn()
        desk.server.load(KEY)
        desk.turn(model=f"{KEY}:2")
        assert desk.chats[1]["previous_response_id"] == first.generation.response_id

    def test_a_stale_id_is_dropped_and_the_turn_begun_anew_once(self, desk: Desk) -> None:
        desk.turn("one", system_prompt="Be brief.")
        desk.server._world.library.turns.clear()
        reply = desk.turn("two", system_prompt="Be brief.")
        assert reply.content == "two"
        assert ["previous_response_id" in chat for chat in desk.chats] == [False, True, False]
        assert desk.chats[2]["system_prompt"] == "Be brief."
        assert any(line.startswith("Starting a new thread") for line in desk.said)
        desk.turn("three")
        assert desk.chats[3]["previous_response_id"] == reply.generation.response_id

    def test_a_stale_id_that_was_named_is_an_error_and_leaves_the_thread(self, desk: Desk) -> None:
        first = desk.turn("one")
        with pytest.raises(UnknownResponseId):
            desk.turn("two", previous_response_id=ResponseId("resp_gone"))
        desk.turn("three")
        assert desk.chats[-1]["previous_response_id"] == first.generation.response_id

    def test_an_id_that_is_named_wins_and_the_thread_goes_on_from_its_answer(self, desk: Desk) -> None:
        first = desk.turn("one")
        desk.turn("two")
        branch = desk.turn("other two", previous_response_id=first.generation.response_id)
        desk.turn("three")
        assert desk.chats[2]["previous_response_id"] == first.generation.response_id
        assert desk.chats[3]["previous_response_id"] == branch.generation.response_id

    def test_a_thread_can_be_begun_anew(self, desk: Desk) -> None:
        desk.turn("one")
        second = desk.turn("two", thread="anew")
        desk.turn("three")
        assert "previous_response_id" not in desk.chats[1]
        assert desk.chats[2]["previous_response_id"] == second.generation.response_id

    @pytest.mark.parametrize("fault", [Drop(), Drop(after_effect=True), Status(500, {"error": "no"}), Raw([CUT_SSE])])
    def test_a_lost_turn_leaves_the_thread_where_it_was(self, desk: Desk, fault: Fault) -> None:
        first = desk.turn("one")
        desk.server.on("POST", CHAT, fault, times=3)
        with pytest.raises(HarnessError):
            desk.turn("two", stream=True)
        desk.server.heal()
        desk.turn("three")
        assert desk.chats[-1]["previous_response_id"] == first.generation.response_id

    def test_a_damaged_thread_is_begun_anew_and_says_so(self, desk: Desk, tmp_path: Path) -> None:
        desk.turn("one")
        (path,) = (tmp_path / "threads").glob("*.json")
        path.write_text("{")
        assert desk.turn("two").content == "two"
        assert "previous_response_id" not in desk.chats[1]
        assert any(f"{path} cannot be used" in line for line in desk.said)

    def test_an_answer_is_worth_more_than_its_thread(self, desk: Desk, tmp_path: Path) -> None:
        desk.turn("one")
        (path,) = (tmp_path / "threads").glob("*.json")
        path.with_suffix(".new").mkdir()
        assert desk.turn("two").content == "two"
        assert desk.said[-1].startswith("The next turn will not continue from this answer: cannot store the thread")


def test_the_log_tells_each_attempt_and_what_became_of_it(desk: Desk, tmp_path: Path) -> None:
    desk.server.on("POST", CHAT, Status(502, {"error": "later"}), times=1)
    path = tmp_path / "chat.jsonl"
    with ChatLog(path, token="", clock=desk.clock, say=desk.said.append) as log:
        desk.ask(log=log)
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(entry["kind"], entry["attempt"]) for entry in entries] == [
        ("request", 1),
        ("error", 1),
        ("request", 2),
        ("response", 2),
    ]
    assert entries[0]["request"] == {"model": KEY, "input": "Hello", "store": False}
    assert (entries[1]["error"], entries[1]["status"]) == ("ServerFault", 502)
    assert (entries[3]["text"], entries[3]["model_instance_id"]) == ("Hello", KEY)
    assert entries[3]["stats"]["total_output_tokens"] == 1
