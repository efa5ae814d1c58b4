"""A chat that may load its model, sent by a real reaper for a run that dies, cancels, or waits for the answer."""

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from harness.domain.model import LoadConfig
from harness.testing.fault import Drop, Hang, ScriptedCall, Status
from harness.testing.scripted import ScriptedServer

if TYPE_CHECKING:
    from tests.reaper.conftest import ReaperByHand

Start = Callable[..., "ReaperByHand"]
KEY = "acme/tiny-1b"
CHAT = "/api/v1/chat"
UNLOAD = "/api/v1/models/unload"
NO_SERVER = "http://127.0.0.1:9"
PATIENCE_S = 30.0
BODY = {"model": KEY, "input": "one two three", "stream": True}


def begun(by_hand: "ReaperByHand", *, resident: tuple[str, ...] = ()) -> tuple[int, int]:
    """Let the reaper send a chat; return the lease and the number of the message."""
    lease = by_hand.journal.intent(KEY, resident=resident, mode="jit")
    return lease, by_hand.send("chat", lease=lease, body=BODY, deadline_s=PATIENCE_S)


def until(by_hand: "ReaperByHand", number: int, text: str) -> None:
    """Take replies until one passes on this text."""
    while text not in by_hand.reply(number).get("data", ""):
        pass


def whole(by_hand: "ReaperByHand", number: int) -> list[dict[str, Any]]:
    replies = [by_hand.reply(number)]
    while replies[-1].get("more"):
        replies.append(by_hand.reply(number))
    return replies


def kinds(by_hand: "ReaperByHand") -> list[str]:
    return [json.loads(line)["kind"] for line in by_hand.journal.path.read_text().splitlines() if line]


def test_the_run_gets_the_answer_as_the_server_sent_it(server: ScriptedServer, reaper: Start) -> None:
    by_hand = reaper(server.url)
    lease, number = begun(by_hand)
    head, *data, last = whole(by_hand, number)
    assert (head["status"], head["content_type"]) == (200, "text/event-stream")
    text = "".join(reply["data"] for reply in data)
    assert text.startswith("event: chat.start\n")
    assert "event: chat.end\n" in text
    assert last["ended"] is True
    assert kinds(by_hand) == ["owner", "intent", "sent", "grant", "grant", "verified"]
    assert by_hand.left()[lease].instance_id == KEY


def test_a_run_that_dies_while_its_chat_loads_leaves_nothing(reaper: Start) -> None:
    with ScriptedServer(load_s=1.5) as server:
        by_hand = reaper(server.url)
        _, number = begun(by_hand)
        until(by_hand, number, "model_load.start")
        assert server.loaded == []
        by_hand.end()
        assert server.asked("POST", UNLOAD) == [{"instance_id": KEY}]
        assert server.loaded == []
    assert not by_hand.journal.path.exists()


def test_a_run_that_dies_before_a_word_has_come_leaves_nothing(reaper: Start) -> None:
    with ScriptedServer(load_s=1.0) as server:
        by_hand = reaper(server.url)
        begun(by_hand)
        while not server.asked("POST", CHAT):
            time.sleep(0.01)
        by_hand.end()
        assert server.loaded == []
    assert not by_hand.journal.path.exists()


def test_a_run_that_dies_while_the_model_speaks_breaks_it_off_and_leaves_nothing(reaper: Start) -> None:
    with ScriptedServer(token_s=60.0) as server:
        by_hand = reaper(server.url)
        _, number = begun(by_hand)
        until(by_hand, number, "model_load.end")
        died = time.monotonic()
        by_hand.end()
        assert time.monotonic() - died < 60, "the answer would take 3 minutes"
        assert server.loaded == []


def test_what_another_client_loads_meanwhile_is_not_touched(reaper: Start) -> None:
    with ScriptedServer(load_s=1.5) as server:
        by_hand = reaper(server.url)
        _, number = begun(by_hand)
        until(by_hand, number, "model_load.start")
        foreign = server.load(KEY, LoadConfig(context_length=8192))  # It gets the id that our stream has announced.
        by_hand.end()
        assert server.asked("POST", UNLOAD) == [{"instance_id": f"{KEY}:2"}]
        assert server.loaded == [foreign]
    assert not by_hand.journal.path.exists()


def test_a_chat_that_an_instance_answers_which_was_there_has_made_nothing(
    server: ScriptedServer, reaper: Start
) -> None:
    by_hand = reaper(server.url)
    foreign = server.load(KEY)
    lease, number = begun(by_hand, resident=(foreign,))
    whole(by_hand, number)
    assert lease not in by_hand.left()
    by_hand.end()
    assert server.loaded == [foreign]


def test_a_load_that_fails_has_made_nothing(server: ScriptedServer, reaper: Start) -> None:
    class FailsToLoad:
        def apply(self, call: ScriptedCall) -> None:
            answer = call.rehearse()
            events = (
                f'event: model_load.start\ndata: {{"model_instance_id": "{KEY}"}}\n\n'
                'event: error\ndata: {"error": {"type": "model_load_failed", "message": "out of memory"}}\n\n'
            )
            call.send(type(answer)(parts=(events.encode(),), content_type="text/event-stream"))

    by_hand = reaper(server.url)
    server.on("POST", CHAT, FailsToLoad(), times=1)
    lease, number = begun(by_hand)
    whole(by_hand, number)
    assert lease not in by_hand.left()


@pytest.mark.parametrize("status", [400, 404])
def test_a_chat_that_is_refused_has_made_nothing(server: ScriptedServer, reaper: Start, status: int) -> None:
    by_hand = reaper(server.url)
    server.on("POST", CHAT, Status(status, {"error": {"message": "no"}}), times=1)
    lease, number = begun(by_hand)
    head, body, last = whole(by_hand, number)
    assert (head["status"], json.loads(body["data"]), last["ended"]) == (status, {"error": {"message": "no"}}, True)
    assert by_hand.ask("undo", lease=lease)["how"] == "denied"


def test_a_connection_that_breaks_and_a_server_that_is_not_there_are_lost_answers(
    server: ScriptedServer, reaper: Start
) -> None:
    by_hand = reaper(server.url, run_id="one")
    server.on("POST", CHAT, Drop(), times=1)
    (lost,) = whole(by_hand, begun(by_hand)[1])
    assert (lost["is_refused"], lost["is_late"]) == (False, False)
    nobody = reaper(NO_SERVER, run_id="two")
    lease, number = begun(nobody)
    (refused,) = whole(nobody, number)
    assert refused["is_refused"] is True
    assert lease not in nobody.left()


def test_a_chat_that_never_ends_is_broken_off_at_its_deadline(server: ScriptedServer, reaper: Start) -> None:
    by_hand = reaper(server.url)
    server.on("POST", CHAT, Hang(), times=1)
    lease = by_hand.journal.intent(KEY, resident=(), mode="jit", deadline_s=0.5)
    (late,) = whole(by_hand, by_hand.send("chat", lease=lease, body=BODY, deadline_s=0.5))
    assert late["is_late"] is True
