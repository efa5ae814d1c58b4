"""`smoke` against a scripted LM Studio: it never leaks, and never touches what is not its own."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.domain.model import Capabilities, LoadConfig
from harness.lifecycle.leases import Leases
from harness.testing.chat import Reply
from harness.testing.fault import Call as Exchange
from harness.testing.fault import Drop, Ignore, Status
from harness.testing.library import DEFAULT_MODELS
from harness.testing.scripted import ScriptedServer

KEY, OTHER, EMBEDDING = (str(model.key) for model in DEFAULT_MODELS)
CHAT = "/api/v1/chat"
STEPS = ["load", "chat", "check", "unload", "verify"]

PARIS = {"model_instance_id": KEY, "output": [{"type": "message", "content": "Paris"}]}

Call = Callable[..., Any]


@pytest.fixture(autouse=True)
def no_model_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODEL", raising=False)


def test_a_line_a_step_with_its_time_and_nothing_stays(call: Call, server: ScriptedServer, journals: Path) -> None:
    server.reply_with(lambda _: "Paris, of course")
    result = call("smoke", OTHER)
    assert result.code == 0
    lines = result.out.splitlines()
    assert [line.split()[:2] for line in lines] == [[name, "ok"] for name in STEPS]
    assert all(re.search(r" \d[\d.]* m?s ", line) for line in lines)
    assert "Paris, of course" in lines[1]
    assert server.loaded == []
    assert list(journals.iterdir()) == []


def test_without_a_name_the_smallest_chat_model_is_tried_and_it_says_so(call: Call, server: ScriptedServer) -> None:
    result = call("smoke")
    assert result.err.startswith(f"{KEY}: not loaded")
    assert [body["model"] for body in server.asked("POST", CHAT)] == [KEY]


def test_the_variable_names_it_where_no_argument_does(
    call: Call, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL", OTHER)
    named = call("smoke", "--json")
    assert named.json["model"] == OTHER
    assert named.err == f"{OTHER}: from the variable MODEL\n"
    assert call("smoke", KEY, "--json").json["model"] == KEY
    assert server.loaded == []


def test_what_the_model_said_is_shown_and_never_a_failure(call: Call, server: ScriptedServer) -> None:
    server.reply_with(lambda _: "I cannot tell")
    told = call("smoke", KEY, "--json")
    assert (told.code, told.json["ok"], told.json["answer"]) == (0, True, "I cannot tell")
    assert [step["name"] for step in told.json["steps"]] == STEPS


def test_a_resident_model_is_tried_as_it_is_and_stays(call: Call, server: ScriptedServer) -> None:
    server.load(KEY, LoadConfig(context_length=1024))
    server.load(OTHER)
    result = call("smoke")
    assert result.code == 0
    assert "is tested as it is" in result.out
    assert f"{KEY} was already loaded, so it stays loaded" in result.out
    assert server.loaded == [KEY, OTHER]
    assert server.asked("POST", "/api/v1/models/load") == []


def test_another_copy_is_asked_by_its_own_id_and_only_that_one_goes(call: Call, server: ScriptedServer) -> None:
    server.load(KEY)
    result = call("smoke", KEY, "--new-instance", "--json")
    assert (result.code, result.json["instance_id"]) == (0, f"{KEY}:2")
    assert [body["model"] for body in server.asked("POST", CHAT)] == [f"{KEY}:2"]
    assert server.asked("POST", "/api/v1/models/unload") == [{"instance_id": f"{KEY}:2"}]
    assert server.loaded == [KEY]


def test_an_instance_can_be_named(call: Call, server: ScriptedServer) -> None:
    server.load(KEY)
    server.load(KEY)
    assert call("smoke", f"{KEY}:2", "--json").json["instance_id"] == f"{KEY}:2"
    assert server.loaded == [KEY, f"{KEY}:2"]


def test_an_embedding_model_is_never_tried(call: Call, server: ScriptedServer) -> None:
    result = call("smoke", EMBEDDING)
    assert result.code == 2
    assert "expected a chat model" in result.err
    server.load(EMBEDDING)
    assert call("smoke", "--json").json["model"] == KEY
    with ScriptedServer([DEFAULT_MODELS[2]]) as only:
        none = call("smoke", "--url", only.url)
    assert none.code == 5
    assert "none can chat" in none.err


class TestAFailure:
    def test_an_empty_answer_is_exit_code_1_and_nothing_stays(self, call: Call, server: ScriptedServer) -> None:
        server.reply_with(lambda _: "")
        result = call("smoke", KEY, "--json")
        assert (result.code, result.json["ok"]) == (1, False)
        (failed,) = [step for step in result.json["steps"] if not step["ok"]]
        assert failed["name"] == "check"
        assert "expected some text" in failed["detail"]
        assert server.loaded == []

    def test_an_answer_that_is_only_thoughts_is_one(self, call: Call, server: ScriptedServer) -> None:
        server.reply_with(lambda _: "<think>The capital is")
        result = call("smoke", KEY)
        assert result.code == 1
        assert "got only the model's thoughts" in result.out

    def test_an_answer_of_another_instance_is_one(self, call: Call, server: ScriptedServer) -> None:
        server.load(OTHER)
        body = {
            "model_instance_id": OTHER,
            "output": [{"type": "message", "content": "Paris"}],
            "stats": {"input_tokens": 5, "total_output_tokens": 1},
        }
        server.on("POST", CHAT, Status(200, body))
        result = call("smoke", KEY)
        assert result.code == 1
        assert f"expected an answer from {KEY}, got one from {OTHER}" in result.out
        assert server.loaded == [OTHER]

    def test_tokens_that_are_counted_as_none_are_one(self, call: Call, server: ScriptedServer) -> None:
        body = {**PARIS, "stats": {"input_tokens": 0, "total_output_tokens": 1}}
        server.on("POST", CHAT, Status(200, body))
        result = call("smoke", KEY)
        assert result.code == 1
        assert "expected input tokens to be counted, got 0" in result.out

    @pytest.mark.parametrize("stats", [{}, {"stats": None}, {"stats": {"input_tokens": None}}])
    def test_tokens_that_the_server_does_not_report_are_none(
        self, call: Call, server: ScriptedServer, stats: dict[str, Any]
    ) -> None:
        server.on("POST", CHAT, Status(200, {**PARIS, **stats}))
        result = call("smoke", KEY)
        assert result.code == 0
        assert "an unreported number of tokens in" in result.out

    def test_a_busy_server_is_asked_again_and_is_none(self, call: Call, server: ScriptedServer) -> None:
        busy = Status(503, {"error": {"message": "starting", "type": "invalid_request"}})
        server.on("GET", "/api/v1/models", busy, times=1)
        server.on("POST", CHAT, busy, times=1)
        result = call("smoke", KEY)
        assert result.code == 0
        assert "(attempt 2)" in result.out

    def test_a_load_is_never_asked_for_again(self, call: Call, server: ScriptedServer) -> None:
        server.on("POST", "/api/v1/models/load", Status(503, {"error": "starting"}))
        assert call("smoke", KEY).code != 0
        assert len(server.asked("POST", "/api/v1/models/load")) == 1

    def test_a_chat_that_the_server_refuses_is_one(self, call: Call, server: ScriptedServer) -> None:
        server.on("POST", CHAT, Status(500, {"error": {"message": "crashed", "type": "internal_error"}}))
        result = call("smoke", KEY)
        assert result.code == 1
        assert [line.split()[:2] for line in result.out.splitlines()] == [
            ["load", "ok"],
            ["chat", "FAILED"],
            ["unload", "ok"],
            ["verify", "ok"],
        ]
        assert server.loaded == []

    def test_a_connection_that_breaks_is_exit_code_3_after_the_unload(
        self, call: Call, server: ScriptedServer, journals: Path
    ) -> None:
        server.on("POST", CHAT, Drop())
        result = call("smoke", KEY, "--json")
        assert (result.code, server.loaded) == (3, [])
        assert result.json["error"]
        assert list(journals.iterdir()) == []

    def test_an_instance_that_somebody_took_away_is_one_and_what_was_loaded_in_its_place_goes_too(
        self, call: Call, server: ScriptedServer
    ) -> None:
        server.on("POST", CHAT, Evicted(server), times=1)
        result = call("smoke", KEY)
        assert result.code == 1
        assert "the instance was gone" in result.out
        assert server.loaded == []

    def test_a_load_that_fails_is_exit_code_6_and_says_what_would_fit(self, call: Call, server: ScriptedServer) -> None:
        said = {"error": {"message": "insufficient system resources", "type": "model_load_failed"}}
        server.on("POST", "/api/v1/models/load", Status(500, said))
        result = call("smoke", OTHER, "--json")
        assert result.code == 6
        assert [step["name"] for step in result.json["steps"]] == ["load"]
        assert f"Smaller, so may fit: {KEY}" in result.err

    def test_what_cannot_be_unloaded_is_exit_code_7_and_is_named(
        self, call: Call, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(Leases.__init__.__kwdefaults__, "settle_s", 0.5)  # type: ignore[arg-type]
        server.on("POST", "/api/v1/models/unload", Ignore())
        result = call("smoke", KEY)
        assert result.code == 7
        assert "unload  FAILED" in result.out
        assert f"lms-harness unload --instance '{KEY}'" in result.err


class Evicted:
    """The instance is gone when the chat arrives, so the server loads another."""

    def __init__(self, server: ScriptedServer) -> None:
        self._server = server

    def apply(self, call: Exchange) -> None:
        for instance_id in self._server.loaded:
            self._server.unload(instance_id)
        call.send(call.answer())


def test_a_model_that_always_reasons_may_put_everything_there(call: Call) -> None:
    thinks = Capabilities(reasoning_options=("low", "on"), reasoning_default="on")
    with ScriptedServer([replace(DEFAULT_MODELS[1], capabilities=thinks)]) as server:
        server.reply_with(lambda _: Reply(text="", reasoning="Paris, I think"))
        result = call("smoke", "--url", server.url)
        (asked,) = server.asked("POST", CHAT)
    assert result.code == 0
    assert "Paris, I think" in result.out
    assert asked["reasoning"] == "low"
    assert asked["max_output_tokens"] > 2000
