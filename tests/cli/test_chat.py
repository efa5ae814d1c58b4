"""`chat` in this process: where its task comes from, its options, its notes, and wrong input."""

import json
import stat
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from harness.domain.model import Capabilities, ModelKey
from harness.lifecycle.leases import Leases
from harness.testing import chat as double
from harness.testing.fault import Drop, Status
from harness.testing.library import DEFAULT_MODELS
from harness.testing.scripted import ScriptedServer

from .conftest import Call

KEY = "acme/tiny-1b"
SEES = "acme/sees-2b"
THINKS = "acme/small-4b"
CHAT, LOAD, UNLOAD = "/api/v1/chat", "/api/v1/models/load", "/api/v1/models/unload"
CANARY = "canary-7f3a91-token"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32
EYES = replace(DEFAULT_MODELS[0], key=ModelKey(SEES), capabilities=Capabilities(vision=True))


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer([*DEFAULT_MODELS, EYES]) as scripted:
        yield scripted


@pytest.fixture
def state(journals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LMS_HARNESS_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def call(call: Call, state: Path) -> Call:
    """Chat with a person at the terminal, unless a test gives standard input."""
    return partial(call, "chat", stdin=None)


class TestTask:
    def test_it_comes_from_an_argument_a_file_or_standard_input(
        self, call: Call, server: ScriptedServer, tmp_path: Path
    ) -> None:
        path = tmp_path / "task"
        path.write_text("from a file", encoding="utf-8")
        assert call(KEY, "from an argument").out == "from an argument\n"
        assert call(KEY, "--file", str(path)).out == "from a file\n"
        assert call(KEY, "--file", "-", stdin=b"from a pipe").out == "from a pipe\n"
        assert call(KEY, "-", stdin=b"from a pipe").out == "from a pipe\n"
        assert call(KEY, stdin=b"from a pipe").out == "from a pipe\n"

    @pytest.mark.parametrize(
        ("words", "stdin", "said"),
        [
            ([], None, "TASK is missing"),
            ([], b"", "TASK (from standard input) is empty"),
            (["-"], b" \n", "TASK (from standard input) is empty"),
            ([" "], None, "TASK is empty"),
            (["-"], b"\x7fELF\0\0", "is binary: it contains NUL bytes"),
            (["-"], b"\x89\xff\xfe\xa0\xb1", "it is not UTF-8: line 1, byte 1 is 0x89"),
            (["-"], b"word " * 2_000_000, "the input is too long: its 10000000 characters are over"),
            (["x", "--file", "y"], None, "not both"),
            (["--file", "/nowhere/at/all"], None, "cannot read /nowhere/at/all: No such file"),
            (["--file", "/"], None, "cannot read /: Is a directory"),
        ],
    )
    def test_one_that_is_none_is_a_usage_error_and_nothing_is_loaded(
        self, call: Call, server: ScriptedServer, words: list[str], stdin: bytes | None, said: str
    ) -> None:
        result = call(KEY, *words, stdin=stdin)
        assert (result.code, result.out) == (2, "")
        assert said in result.err
        assert server.asked("POST", LOAD) == []


class TestImage:
    def test_images_go_along_as_data_urls(self, call: Call, server: ScriptedServer, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(PNG)
        (tmp_path / "b").write_bytes(b"\xff\xd8\xff\xe0")
        assert call(SEES, "What?", "--image", str(tmp_path / "a"), "--image", str(tmp_path / "b")).code == 0
        text, png, jpeg = server.asked("POST", CHAT)[0]["input"]
        assert text == {"type": "text", "content": "What?"}
        assert png["type"] == jpeg["type"] == "image"
        assert png["data_url"].startswith("data:image/png;base64,iVBORw0KGgo")
        assert jpeg["data_url"].startswith("data:image/jpeg;base64,")

    def test_a_model_without_vision_is_refused_and_those_with_it_are_named(
        self, call: Call, server: ScriptedServer, tmp_path: Path
    ) -> None:
        (tmp_path / "a").write_bytes(PNG)
        result = call(KEY, "What?", "--image", str(tmp_path / "a"))
        assert result.code == 2
        assert f"{KEY} does not accept images" in result.err
        assert SEES in result.err
        assert server.asked("POST", LOAD) == []

    def test_what_is_no_image_is_refused_before_anything_is_asked(
        self, call: Call, server: ScriptedServer, tmp_path: Path
    ) -> None:
        (tmp_path / "a.png").write_bytes(b"no image")
        for path in (tmp_path / "a.png", tmp_path, tmp_path / "missing"):
            result = call(SEES, "What?", "--image", str(path))
            assert (result.code, result.out) == (2, "")
            assert str(path) in result.err
        assert server.requests == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([KEY, "x", "--temperature", "2"], "--temperature"),
        ([KEY, "x", "--max-output-tokens", "0"], "--max-output-tokens"),
        ([KEY, "x", "--context-length", "16385"], "at most 16384 tokens"),
        ([THINKS, "x", "--reasoning", "much"], "Expected one of: off, on, xhigh"),
        (["text-embedding-acme", "x"], "cannot chat"),
        ([KEY, "x", "--new-thread", "--previous-response-id", "resp_1"], "not both"),
        ([KEY, "x", "--stateful", "--previous-response-id", ""], "--previous-response-id is empty"),
        ([KEY, "x", "--stateful", "--no-store"], "--no-store"),
        ([KEY, "x", "--log", "/"], "cannot write the log /: Is a directory"),
        ([KEY, "x", "--log", "/nowhere/log"], "cannot write the log /nowhere/log"),
    ],
)
def test_a_wrong_option_is_a_usage_error_and_nothing_is_loaded(
    call: Call, server: ScriptedServer, words: list[str], said: str
) -> None:
    result = call(*words)
    assert (result.code, result.out) == (2, "")
    assert said in " ".join(result.err.split())
    assert server.asked("POST", LOAD) == []


def test_options_reach_the_server_and_reasoning_only_where_it_is_listed(call: Call, server: ScriptedServer) -> None:
    assert call(THINKS, "x", "--reasoning", "xhigh", "--context-length", "4096", "--temperature", "0").code == 0
    result = call(KEY, "x", "--reasoning", "off")
    assert "lists no reasoning settings, so 'off' is not sent" in result.err
    first, second = server.asked("POST", CHAT)
    assert (first["reasoning"], first["temperature"], first["store"]) == ("xhigh", 0, False)
    assert server.asked("POST", LOAD)[0]["context_length"] == 4096
    assert "reasoning" not in second


def test_json_is_one_object_of_one_shape_even_with_stream(call: Call, server: ScriptedServer) -> None:
    server.reply_with(lambda _: double.Reply(text=" Hello ", reasoning="Hmm"))
    result = call(THINKS, "x", "--json", "--stream", "--reasoning", "on", "--store")
    told = result.json
    assert result.out.count("\n") == 1
    assert told.pop("response_id").startswith("resp_")
    assert told.pop("stats").keys() == {
        "tokens_per_second",
        "time_to_first_token_seconds",
        "total_seconds",
        "attempts",
    }
    assert told == {
        "content": "Hello",
        "content_source": "message",
        "outcome": "ok",
        "model_instance_id": THINKS,
        "usage": {
            "input_tokens": 4,
            "total_output_tokens": 3,
            "reasoning_output_tokens": 1,
            "model_load_time_seconds": 0.0,
        },
        "tool_calls": [],
    }
    warm = call(THINKS, "x", "--json").json
    assert (warm["usage"]["model_load_time_seconds"], warm["response_id"]) == (None, None)


class TestNotes:
    def test_a_truncated_answer_is_told_apart_from_the_answer(self, call: Call, server: ScriptedServer) -> None:
        result = call(KEY, "one two three", "--max-output-tokens", "2")
        assert (result.code, result.out) == (0, "one two\n")
        assert "cut off at 2 tokens; --max-output-tokens allows more" in result.err

    @pytest.mark.parametrize("words", [[], ["--stream"]])
    def test_reasoning_alone_is_shown_and_told(self, call: Call, server: ScriptedServer, words: list[str]) -> None:
        server.reply_with(lambda _: double.Reply(text="", reasoning="Hmm, hello"))
        result = call(THINKS, "x", "--reasoning", "on", *words)
        assert (result.code, result.out) == (0, "Hmm, hello\n")
        assert "the model sent no message" in result.err

    def test_an_empty_answer_is_asked_for_twice_and_fails(self, call: Call, server: ScriptedServer) -> None:
        server.reply_with(lambda _: "")
        result = call(KEY, "x")
        assert (result.code, result.out.strip()) == (1, "")
        assert "The answer is empty." in result.err
        assert len(server.asked("POST", CHAT)) == 2

    def test_a_lost_answer_is_asked_for_again_and_told(self, call: Call, server: ScriptedServer) -> None:
        server.on("POST", CHAT, Drop(), times=1)
        result = call(KEY, "x")
        assert (result.code, result.out) == (0, "x\n")
        assert "trying again in 1 s" in result.err


class TestStream:
    def test_what_is_printed_is_the_answer_made_safe_wherever_it_is_cut(
        self, call: Call, server: ScriptedServer
    ) -> None:
        said = "fine\n ::set-output name=x::y \x1b]0;owned\x07 \x1b[31m red :: ok\n::stop"

        class Apart:
            """Sends each character as a delta of its own."""

            def apply(self, call: Any) -> None:
                server.reply_with(lambda _: said)
                answer = call.answer()
                whole = b"".join(answer.parts)
                start = whole.index(b"event: message.delta")
                end = whole.index(b"event: message.end")
                deltas = (
                    f"event: message.delta\ndata: {json.dumps({'content': piece})}\n\n".encode() for piece in said
                )
                call.send(replace(answer, parts=[whole[:start], *deltas, whole[end:]]))

        server.on("POST", CHAT, Apart(), times=1)
        shown = call(KEY, "x", "--stream").out
        assert shown == "fine\n : :set-output name=x::y \\x1b]0;owned\\x07 \\x1b[31m red :: ok\n: :stop\n"
        assert call(KEY, "x").out == shown

    def test_a_server_that_does_not_stream_is_read_all_the_same(self, call: Call, server: ScriptedServer) -> None:
        server.load(KEY)
        item = {"type": "message", "content": "plain"}
        server.on("POST", CHAT, Status(200, {"model_instance_id": KEY, "output": [item], "stats": {}}))
        assert call(KEY, "x", "--stream").out == "plain\n"


class TestRelease:
    def test_keep_wins_over_unload_after(self, call: Call, server: ScriptedServer) -> None:
        call(KEY, "x", "--unload-after", "--keep")
        assert server.loaded == [KEY]

    def test_what_cannot_be_unloaded_is_7_after_the_answer(
        self, call: Call, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server.on("POST", UNLOAD, Status(500, {"error": "no"}))
        monkeypatch.setitem(Leases.__init__.__kwdefaults__, "settle_s", 0.2)  # type: ignore[arg-type]
        result = call(KEY, "x", "--unload-after")
        assert (result.code, result.out) == (7, "x\n")
        assert f"lms-harness unload --instance '{KEY}'" in result.err


class TestLog:
    def test_it_holds_all_but_secrets(
        self, call: Call, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "a.png").write_bytes(PNG)
        log = tmp_path / "log"
        monkeypatch.setenv("LM_API_TOKEN", CANARY)
        with ScriptedServer([EYES], token=CANARY) as guarded:
            words = ["--image", str(tmp_path / "a.png"), "--log", str(log), "--stateful", "--url", guarded.url]
            result = call(SEES, f"Say {CANARY}", *words)
        assert result.code == 0
        assert stat.S_IMODE(log.stat().st_mode) == 0o600
        asked, answered = (json.loads(line) for line in log.read_text(encoding="utf-8").splitlines())
        assert asked["request"]["input"][0]["content"] == "Say [redacted]"
        assert asked["request"]["input"][1]["data_url"] == "data:image/png;base64,[56 bytes]"
        assert answered["text"] == "Say [redacted]"
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert not any("canary" in path.read_text(encoding="utf-8", errors="replace") for path in files)

    def test_a_full_disk_is_a_note_and_the_answer_is_printed(self, call: Call) -> None:
        result = call(KEY, "x", "--log", "/dev/full")
        assert (result.code, result.out) == (0, "x\n")
        assert result.err.count("No space left on device") == 1


def test_a_thread_goes_on_over_calls_until_it_is_begun_anew(call: Call, server: ScriptedServer, state: Path) -> None:
    first = call(KEY, "one", "--stateful", "--json").json
    second = call(KEY.upper(), "two", "--stateful", "--json").json
    call(KEY, "three", "--new-thread")
    call(KEY, "aside", "--previous-response-id", first["response_id"])
    asked = server.asked("POST", CHAT)
    assert [body.get("previous_response_id") for body in asked] == [
        None,
        first["response_id"],
        None,
        first["response_id"],
    ]
    assert [body["store"] for body in asked] == [True] * 4
    assert second["usage"]["input_tokens"] > first["usage"]["input_tokens"]
    threads = list((state / "threads").iterdir())
    assert {stat.S_IMODE(path.stat().st_mode) for path in threads} == {0o600}
