"""The smoke suite can fail: each property, broken in a scripted LM Studio, fails its test with a message."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from harness.domain.model import LoadConfig
from harness.domain.record import InstanceRecord, MeasureRecord, SkipRecord
from harness.store.reader import read_run
from harness.testing.chat import Reply
from harness.testing.fault import Call, Fault, Status
from harness.testing.library import DEFAULT_MODELS
from harness.testing.message import Request, Response
from harness.testing.scripted import ScriptedServer
from tests import forkserver

ROOT = Path(__file__).resolve().parents[2]
KEY, EMBEDDING = "acme/tiny-1b", "text-embedding-acme"
CHAT, LOAD, UNLOAD = "/api/v1/chat", "/api/v1/models/load", "/api/v1/models/unload"


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    results: Path

    def measured(self) -> dict[str, float]:
        (path,) = self.results.glob("*.jsonl")
        return {record.name: record.value for record in read_run(path) if isinstance(record, MeasureRecord)}


def smoke(server: ScriptedServer, tmp_path: Path, *words: str, only: str = "", token: str = "lmstudio") -> Result:
    done = forkserver.run(
        "pytest",
        "-p",
        "no:cacheprovider",
        "-q",
        "-rs",
        "--tb=short",
        "suites/smoke",
        f"--lms-url={server.url}",
        f"--lms-results={tmp_path / 'results'}",
        "-k",
        only,
        *words,
        cwd=ROOT,
        env={**os.environ, "LMS_HARNESS_STATE": str(tmp_path / "state"), "COLUMNS": "200", "LM_API_TOKEN": token},
    )
    return Result(done.returncode, done.stdout + done.stderr, tmp_path / "results")


@dataclass(frozen=True)
class Edited:
    """Does what was asked, and sends the answer changed by a function; a stream's last event is changed, too."""

    edit: Callable[[dict[str, Any]], object]

    def apply(self, call: Call) -> None:
        answer = call.answer()
        body = b"".join(answer.parts)
        if answer.is_stream:
            head, _, last = body.rstrip().rpartition(b"\n\n")
            event = json.loads(last.partition(b"data: ")[2])
            self.edit(event["result"])
            body = head + b"\n\nevent: chat.end\ndata: " + json.dumps(event).encode() + b"\n\n"
        else:
            payload = json.loads(body)
            self.edit(payload)
            body = json.dumps(payload).encode()
        call.send(replace(answer, parts=(body,)))


@dataclass(frozen=True)
class Meanwhile:
    """Does something else at the server before it answers a request for which it is meant."""

    act: Callable[[], object]
    meant: Callable[[Request], bool] = field(default=lambda _: True)

    def apply(self, call: Call) -> None:
        answer = call.answer()
        if self.meant(call.request):
            self.act()
        call.send(answer)


class IgnoredUnload:
    """Says that it unloaded, and does nothing."""

    def apply(self, call: Call) -> None:
        call.send(Response(parts=(json.dumps({"instance_id": call.request.json["instance_id"]}).encode(),)))


class OnlyForStreams:
    """Leaves the last word out of every stream's deltas."""

    def apply(self, call: Call) -> None:
        answer = call.answer()
        parts = list(answer.parts)
        if answer.is_stream:
            at = max(index for index, part in enumerate(parts) if b"event: message.delta" in part)
            del parts[at]
        call.send(replace(answer, parts=iter(parts)))


def edit_vectors(change: Callable[[list[float]], list[float]]) -> Fault:
    def edit(payload: dict[str, Any]) -> None:
        for model in payload["data"]:
            model["embedding"] = change(model["embedding"])

    return Edited(edit)


def break_unload(server: ScriptedServer) -> None:
    server.on("POST", UNLOAD, IgnoredUnload(), times=2)  # It is unloaded once more before it counts as lingering.


def break_second_unload(server: ScriptedServer) -> None:
    def is_second(request: Request) -> bool:
        return str(request.json["instance_id"]).endswith(":2")

    server.on("POST", UNLOAD, Meanwhile(lambda: server.unload(KEY), is_second))


def break_config_of_others(server: ScriptedServer) -> None:
    # Whoever is loaded is loaded anew, with another context, when a second copy goes.
    def reload() -> None:
        server.unload(KEY)
        server.load(KEY, LoadConfig(context_length=4096))

    server.on("POST", UNLOAD, Meanwhile(reload, lambda request: request.json["instance_id"] == f"{KEY}:2"))


def break_jit_time(server: ScriptedServer) -> None:
    server.on("POST", CHAT, Edited(lambda body: body["stats"].pop("model_load_time_seconds", None)))


def break_store_false(server: ScriptedServer) -> None:
    server.on("POST", CHAT, Edited(lambda body: body.setdefault("response_id", "resp_0")))


def break_state(server: ScriptedServer) -> None:
    server.on("POST", CHAT, Edited(lambda body: body["stats"].update(input_tokens=12)))


def break_branches(server: ScriptedServer) -> None:
    numbers = count(100)
    server.on("POST", CHAT, Edited(lambda body: body["stats"].update(input_tokens=next(numbers))))


def break_stream_deltas(server: ScriptedServer) -> None:
    server.on("POST", CHAT, OnlyForStreams())


def break_stream_text(server: ScriptedServer) -> None:
    server.reply_with(lambda request: "streamed" if request.json.get("stream") else "plain")


def break_answer(server: ScriptedServer) -> None:
    server.reply_with(lambda _: Reply(text=""))


def break_counts(server: ScriptedServer) -> None:
    server.on("POST", CHAT, Edited(lambda body: body["stats"].update(total_output_tokens=0)))


def break_load_config(server: ScriptedServer) -> None:
    def shrink(payload: dict[str, Any]) -> None:
        for model in payload["models"]:
            for instance in model["loaded_instances"]:
                instance["config"]["context_length"] = 512

    server.on("GET", "/api/v1/models", Edited(shrink))


def break_load_time(server: ScriptedServer) -> None:
    server.on("POST", LOAD, Edited(lambda body: body.pop("load_time_seconds")))


def break_embedding_repeats(server: ScriptedServer) -> None:
    numbers = count(1)
    server.on("POST", "/v1/embeddings", edit_vectors(lambda vector: [x + next(numbers) for x in vector]))


def break_embedding_difference(server: ScriptedServer) -> None:
    server.on("POST", "/v1/embeddings", edit_vectors(lambda vector: [1.0] * len(vector)))


def break_embedding_length(server: ScriptedServer) -> None:
    numbers = count(1)
    server.on("POST", "/v1/embeddings", edit_vectors(lambda vector: vector[: next(numbers)]))


def break_embedding_norm(server: ScriptedServer) -> None:
    server.on("POST", "/v1/embeddings", edit_vectors(lambda vector: [0.0] * len(vector)))


BROKEN: list[tuple[Callable[[ScriptedServer], None], str, str]] = [
    (break_unload, "second_instance", "is still loaded, although the server said that it unloaded it"),
    (break_second_unload, "second_instance", f"is gone, by this test or by another client: {KEY}"),
    (break_config_of_others, "second_instance", "has another config now"),
    (break_jit_time, "reports_the_load_time", "its answer has no model_load_time_seconds"),
    (break_store_false, "store_false", "store: false was asked for, and yet resp_0 was stored"),
    (break_state, "state_is_kept", "the second turn does not carry the first"),
    (break_branches, "state_is_kept", "two branches of one answer carry different prompts"),
    (break_stream_deltas, "a_stream_tells", "the deltas of the stream are not the text of its end"),
    (break_stream_text, "a_stream_tells", "a stream's text is another one than that of two equal plain answers"),
    (break_answer, "test_answers", "the answer has no text"),
    (break_counts, "counts_tokens", "assert 0 < "),
    (break_load_config, "is_listed", "asked for LoadConfig(context_length=2048"),
    (break_load_time, "is_listed", "the server did not report how long the load took"),
    (break_embedding_repeats, "embeddings", "the vector of one text moved by"),
    (break_embedding_difference, "embeddings", "the vectors of two texts are only 0 of their norm apart"),
    (break_embedding_length, "embeddings", "assert 1 == 2"),
    (break_embedding_norm, "embeddings", "assert 0.0 > 0"),
]


@pytest.mark.parametrize(("breaks", "test", "said"), BROKEN, ids=lambda one: getattr(one, "__name__", None))
def test_a_broken_property_fails_its_test(
    breaks: Callable[[ScriptedServer], None], test: str, said: str, tmp_path: Path
) -> None:
    with ScriptedServer() as server:
        breaks(server)
        result = smoke(server, tmp_path, only=test)
    assert result.code == 1, result.out
    assert said in result.out
    assert "INTERNALERROR" not in result.out
    assert " passed" not in result.out.splitlines()[-1]


def test_stats_that_are_not_reported_are_skipped_and_no_failure(tmp_path: Path) -> None:
    def forget(payload: dict[str, Any]) -> None:
        payload.pop("stats", None)
        payload.get("result", {}).pop("stats", None)

    with ScriptedServer() as server:
        server.on("POST", CHAT, Edited(forget))
        result = smoke(server, tmp_path, only="counts_tokens or state_is_kept or test_answers")
    assert result.code == 0, result.out
    assert "1 passed, 2 skipped" in result.out


def test_a_clean_server_passes_and_nothing_is_left(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        result = smoke(server, tmp_path, "--lms-model=all")
        assert server.loaded == []
    assert result.code == 0, result.out
    assert "skipped" not in result.out
    measured = result.measured()
    assert measured["smoke_authentication_is_on"] == 0
    assert measured["smoke_openai_answers_to_any_name"] == 1
    assert measured["embedding_norm"] == pytest.approx(1)
    (path,) = result.results.glob("*.jsonl")
    loads = [
        record.model_key for record in read_run(path) if isinstance(record, InstanceRecord) and record.purpose != "use"
    ]
    assert sorted(loads) == sorted([EMBEDDING, KEY, KEY])  # each once, on the cheapest model


def test_foreign_instances_are_used_and_stay_as_they_are_and_keep_requests_from_loading(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        for key in (KEY, EMBEDDING):
            server.load(key, LoadConfig(context_length=2048))
        before = server.loaded
        result = smoke(server, tmp_path)
        assert server.loaded == before
        assert server.asked("POST", UNLOAD) == [{"instance_id": f"{KEY}:2"}]
    assert result.code == 0, result.out
    assert "1 skipped" in result.out
    assert f"{KEY} is loaded already, so a request would not load it" in result.out


def test_where_authentication_is_on_a_wrong_token_is_refused(tmp_path: Path) -> None:
    with ScriptedServer(token="sk-right") as server:
        result = smoke(server, tmp_path, only="wrong_token", token="sk-right")
    assert result.code == 0, result.out
    assert result.measured()["smoke_authentication_is_on"] == 1


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        ("", "a request without a token is refused, but one with a wrong token is let in"),
        ("not-a-token-of-this-server", "a request without a token is let in, but one with a wrong token is refused"),
    ],
)
def test_a_server_that_judges_tokens_wrongly_fails(refused: str, said: str, tmp_path: Path) -> None:
    class Judges:
        def apply(self, call: Call) -> None:
            sent = call.request.headers.get("authorization", "").removeprefix("Bearer ")
            error = {"error": {"message": "no", "code": "invalid_api_key"}}
            Status(401, error).apply(call) if sent == refused else call.send(call.answer())

    with ScriptedServer() as server:
        server.on("GET", "/api/v1/models", Judges())
        result = smoke(server, tmp_path, only="wrong_token")
    assert result.code == 1, result.out
    assert said in result.out


def test_a_model_that_nobody_has_must_be_a_404(tmp_path: Path) -> None:
    class Guesses:
        def apply(self, call: Call) -> None:
            if call.request.json["model"] == "nobody/has-this-model":
                Status(400, {"error": {"message": "no such model", "code": "model_not_found"}}).apply(call)
            else:
                call.send(call.answer())

    with ScriptedServer() as server:
        server.on("POST", CHAT, Guesses())
        result = smoke(server, tmp_path, only="nobody_has")
    assert result.code == 1, result.out
    assert "assert 400 == 404" in result.out


def test_a_second_copy_that_does_not_fit_is_a_skip_with_its_reason(tmp_path: Path) -> None:
    class Full:
        def apply(self, call: Call) -> None:
            if KEY in server.loaded:
                said = "Model loading was stopped due to insufficient system resources."
                Status(500, {"error": {"message": said, "type": "model_load_failed"}}).apply(call)
            else:
                call.send(call.answer())

    with ScriptedServer() as server:
        server.on("POST", LOAD, Full())
        result = smoke(server, tmp_path, only="second_instance")
        assert server.loaded == []
    assert result.code == 0, result.out
    assert "insufficient system resources" in result.out
    (path,) = result.results.glob("*.jsonl")
    assert [record.task for record in read_run(path) if isinstance(record, SkipRecord)] == ["second instance"]


def test_a_second_copy_of_a_large_model_is_not_tried(tmp_path: Path) -> None:
    large = replace(DEFAULT_MODELS[0], size_bytes=30_000_000_000)
    with ScriptedServer([large]) as server:
        result = smoke(server, tmp_path, only="second_instance or embeddings")
        assert len(server.asked("POST", LOAD)) == 1
    assert result.code == 0, result.out
    assert "a second copy of acme/tiny-1b (30.0 GB) is not tried: only up to 4 GB" in result.out
    assert "no embedding model is downloaded" in result.out


def test_a_server_that_does_not_repeat_itself_is_said_and_recorded(tmp_path: Path) -> None:
    numbers = count()
    with ScriptedServer() as server:
        server.reply_with(lambda _: f"answer {next(numbers)}")
        result = smoke(server, tmp_path, only="a_stream_tells")
    assert result.code == 0, result.out
    assert "plain answers to one request differ among themselves" in result.out
    assert result.measured()["smoke_stream_equals_plain"] == 0
