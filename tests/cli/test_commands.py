"""`preflight`, `models`, `load`, `unload`, `chat` in this process, against a scripted LM Studio."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.domain.model import Capabilities, LoadConfig
from harness.lifecycle.leases import Leases
from harness.lifecycle.resident import unload_verified
from harness.testing.chat import Reply
from harness.testing.fault import Drop, Ignore, Status
from harness.testing.library import DEFAULT_MODELS
from harness.testing.scripted import ScriptedServer

Call = Callable[..., Any]
KEY = "acme/tiny-1b"
OTHER = "acme/small-4b"


def test_preflight_tells_what_is_loaded(call: Call, server: ScriptedServer) -> None:
    server.load(KEY)
    result = call("preflight")
    assert result.code == 0
    assert result.out.splitlines() == [f"Ready: {server.url} (lm-studio), 3 models, 1 loaded", f"  {KEY}"]
    assert call("preflight", "--json").json == {
        "url": server.url,
        "server": "lm-studio",
        "models": 3,
        "loaded": [KEY],
    }


def test_models_are_a_table_or_json(call: Call, server: ScriptedServer) -> None:
    server.load(KEY, LoadConfig(context_length=4096))
    shown = call("models").out
    assert f"{KEY} (4096)" in shown
    assert "llm+tools" in shown
    assert "text-embedding-acme" in shown
    assert "text-embedding-acme" not in call("models", "--loaded").out
    assert [model["key"] for model in call("models", "--loaded", "--json").json["models"]] == [KEY]


def test_load_verifies_and_leaves_it_loaded(call: Call, server: ScriptedServer, journals: Path) -> None:
    result = call("load", KEY, "--context-length", "2048", "--no-flash-attention", "--json")
    assert result.code == 0
    assert result.json["instance_id"] == KEY
    assert result.json["loaded_now"] is True
    assert result.json["config"]["context_length"] == 2048
    assert result.json["config"]["flash_attention"] is False
    assert result.json["load_time_seconds"] is not None
    assert server.loaded == [KEY]
    assert list(journals.iterdir()) == []


def test_load_reports_what_is_there_and_new_instance_makes_a_copy(call: Call, server: ScriptedServer) -> None:
    assert f"Loaded {KEY} in " in call("load", KEY).out
    assert "is loaded already" in call("load", KEY).out
    assert server.loaded == [KEY]
    assert f"Loaded {KEY}:2 in " in call("load", KEY, "--new-instance").out
    assert server.loaded == [KEY, f"{KEY}:2"]


def test_load_again_with_a_larger_context_makes_a_copy(call: Call, server: ScriptedServer) -> None:
    call("load", KEY, "--context-length", "2048")
    call("load", KEY, "--context-length", "4096")
    assert server.loaded == [KEY, f"{KEY}:2"]


def test_a_load_that_fails_is_exit_code_6(call: Call, server: ScriptedServer) -> None:
    said = {"error": {"message": "Failed to load LLM: out of memory", "type": "model_load_failed"}}
    server.on("POST", "/api/v1/models/load", Status(500, said))
    result = call("load", KEY)
    assert (result.code, result.out) == (6, "")
    assert "out of memory" in result.err


@pytest.mark.parametrize("words", [("load", "acme/tiny"), ("chat", "acme/tiny", "x"), ("unload", "acme/tiny")])
def test_an_unknown_model_is_exit_code_5_and_names_near_ones(call: Call, words: tuple[str, ...]) -> None:
    result = call(*words)
    assert result.code == 5
    assert KEY in result.err


def test_unload_by_key_ends_every_instance_of_it_and_of_no_other(call: Call, server: ScriptedServer) -> None:
    server.load(KEY)
    server.load(KEY)
    server.load(OTHER)
    result = call("unload", KEY)
    assert (result.code, server.loaded) == (0, [OTHER])
    assert f"Unloaded {KEY}, {KEY}:2" in result.out
    assert call("unload", KEY, "--json").json == {"unloaded": [], "still_loaded": {}}


def test_unload_by_instance_ends_exactly_that_one(call: Call, server: ScriptedServer) -> None:
    server.load(KEY)
    server.load(KEY)
    assert call("unload", "--instance", f"{KEY}:2", "--json").json["unloaded"] == [f"{KEY}:2"]
    assert server.loaded == [KEY]
    missing = call("unload", "--instance", f"{KEY}:2")
    assert missing.code == 5
    assert f"Loaded instances: {KEY}" in missing.err


def test_unload_of_nothing_or_of_two_things_is_a_usage_error(call: Call) -> None:
    assert call("unload").code == 2
    assert call("unload", KEY, "--instance", KEY).code == 2


def test_what_cannot_be_unloaded_is_exit_code_7(
    call: Call, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(unload_verified.__kwdefaults__, "settle_s", 0.5)  # type: ignore[arg-type]
    server.load(KEY)
    server.on("POST", "/api/v1/models/unload", Status(500, {"error": "broken"}))
    result = call("unload", KEY)
    assert result.code == 7
    assert f"lms-harness unload --instance '{KEY}'" in result.err


def test_chat_loads_answers_and_leaves_it_loaded(call: Call, server: ScriptedServer, journals: Path) -> None:
    server.reply_with(lambda _: "Rhine, Nile, Po")
    result = call("chat", KEY, "Name three rivers.", "--system", "Be brief.", "--max-output-tokens", "50")
    assert (result.code, result.out) == (0, "Rhine, Nile, Po\n")
    (asked,) = server.asked("POST", "/api/v1/chat")
    assert asked["input"] == "Name three rivers."
    assert (asked["model"], asked["system_prompt"], asked["max_output_tokens"]) == (KEY, "Be brief.", 50)
    assert (asked["temperature"], asked["store"]) == (0.7, False)
    assert server.loaded == [KEY]
    assert list(journals.iterdir()) == []


def test_unload_after_ends_what_the_call_loaded_and_nothing_else(call: Call, server: ScriptedServer) -> None:
    call("chat", KEY, "x", "--unload-after")
    assert server.loaded == []
    server.load(KEY)
    call("chat", KEY, "x", "--unload-after")
    assert server.loaded == [KEY]


def test_chat_asks_the_instance_that_is_named(call: Call, server: ScriptedServer) -> None:
    server.load(KEY)
    server.load(KEY)
    assert call("chat", f"{KEY}:2", "x", "--json").json["model_instance_id"] == f"{KEY}:2"
    assert server.loaded == [KEY, f"{KEY}:2"]


def test_chat_streams_pieces(call: Call, server: ScriptedServer) -> None:
    server.reply_with(lambda _: "one two three")
    assert call("chat", KEY, "x", "--stream").out == "one two three\n"
    assert server.asked("POST", "/api/v1/chat")[0]["stream"] is True


def test_chat_json_says_where_the_content_came_from(call: Call, server: ScriptedServer) -> None:
    server.reply_with(lambda _: "Hello")
    told = call("chat", KEY, "x", "--json").json
    assert (told["content"], told["content_source"]) == ("Hello", "message")
    assert told["usage"]["total_output_tokens"] >= 1
    assert told["usage"]["model_load_time_seconds"] is not None
    server.reply_with(lambda _: "")
    assert call("chat", KEY, "x", "--json").json["content_source"] is None


def test_chat_shows_the_reasoning_where_a_model_said_nothing_else(call: Call) -> None:
    thinks = Capabilities(reasoning_options=("low", "on"), reasoning_default="on")
    with ScriptedServer([replace(DEFAULT_MODELS[1], capabilities=thinks)]) as server:
        server.reply_with(lambda _: Reply(text="", reasoning="Hmm, hello"))
        told = call("chat", OTHER, "x", "--json", "--url", server.url).json
    assert (told["content"], told["content_source"]) == ("Hmm, hello", "reasoning")


def test_chat_reads_standard_input_as_utf8(call: Call, server: ScriptedServer) -> None:
    assert call("chat", KEY, "-", stdin="Grüße \N{WHITE SMILING FACE}".encode()).code == 0
    assert server.asked("POST", "/api/v1/chat")[0]["input"] == "Grüße \N{WHITE SMILING FACE}"


def test_standard_input_that_is_not_utf8_is_named_and_nothing_is_asked(call: Call, server: ScriptedServer) -> None:
    result = call("chat", KEY, "-", stdin="Grüße".encode() + b"\xff")
    assert result.code == 2
    assert "line 1, byte 8 is 0xff" in result.err
    assert not server.asked("POST", "/api/v1/chat")


@pytest.mark.parametrize(
    "words",
    [
        ("chat", KEY, ""),
        ("chat", KEY, "x", "--temperature", "1.5"),
        ("chat", KEY, "x", "--max-output-tokens", "0"),
        ("chat", KEY),
        ("load", KEY, "--context-length", "many"),
        ("models", "--url", "embedded"),
        ("models", "--url", "ftp://x"),
        ("models", "--nonsense"),
        ("nonsense",),
    ],
)
def test_a_wrong_word_is_a_usage_error_before_anything_is_asked(
    call: Call, server: ScriptedServer, words: tuple[str, ...]
) -> None:
    result = call(*words)
    assert result.code == 2
    assert result.err
    assert server.requests == []


def test_a_chat_that_fails_releases_what_it_loaded(call: Call, server: ScriptedServer, journals: Path) -> None:
    server.on("POST", "/api/v1/chat", Drop())
    result = call("chat", KEY, "x")
    assert (result.code, result.out) == (3, "")
    assert server.loaded == []
    assert list(journals.iterdir()) == []


def test_escape_codes_of_a_model_do_not_reach_the_terminal(call: Call, server: ScriptedServer) -> None:
    server.reply_with(lambda _: "\x1b]0;owned\x07\x1b[31mred\u202egnp.exe")
    shown = call("chat", KEY, "x").out
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "\u202e" not in shown


def test_a_load_that_the_listing_never_shows_is_an_error(
    call: Call, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(Leases.__init__.__kwdefaults__, "settle_s", 0.5)  # type: ignore[arg-type]
    server.on("POST", "/api/v1/models/load", Ignore())
    assert call("load", KEY).code == 6


class TestToken:
    def test_a_wrong_token_is_exit_code_4_and_is_not_shown(self, monkeypatch: pytest.MonkeyPatch, call: Call) -> None:
        with ScriptedServer(token="right") as guarded:
            monkeypatch.setenv("LM_API_TOKEN", "canary-7f3a91")
            result = call("preflight", "--url", guarded.url)
            assert result.code == 4
            assert "canary" not in result.err
            assert "LM_API_TOKEN" in result.err
            monkeypatch.setenv("LM_API_TOKEN", "right")
            assert call("preflight", "--url", guarded.url).code == 0
