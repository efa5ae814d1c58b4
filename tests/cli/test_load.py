"""What `load`, `unload` and `models` tell, refuse and go on with."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from harness.domain.model import LoadConfig, Model, ModelKey
from harness.lifecycle.resident import unload_verified
from harness.testing.fault import Call as Exchange
from harness.testing.fault import Status
from harness.testing.library import DEFAULT_MODELS
from harness.testing.message import Response
from harness.testing.scripted import ScriptedServer

KEY, OTHER, EMBEDDING = (str(model.key) for model in DEFAULT_MODELS)
LOAD = "/api/v1/models/load"
UNLOAD = "/api/v1/models/unload"
OUT_OF_MEMORY = {
    "error": {"message": "Model loading was stopped due to insufficient system resources", "type": "model_load_failed"}
}

Call = Callable[..., Any]


@dataclass(frozen=True)
class UnloadFails:
    """Only this instance cannot be unloaded."""

    instance_id: str

    def apply(self, call: Exchange) -> None:
        if call.request.json == {"instance_id": self.instance_id}:
            call.send(Response(status=500, parts=(json.dumps({"error": "broken"}).encode(),)))
        else:
            call.send(call.answer())


class LargerContexts:
    """Every loaded instance is listed with a token of context more than was asked for."""

    def apply(self, call: Exchange) -> None:
        answer = call.answer()
        listing = json.loads(b"".join(answer.parts))
        for model in listing["models"]:
            for instance in model["loaded_instances"]:
                instance["config"]["context_length"] += 1
        call.send(replace(answer, parts=(json.dumps(listing).encode(),)))


class TestLoad:
    def test_every_option_of_the_api_is_sent(self, call: Call, server: ScriptedServer) -> None:
        call(
            "load",
            KEY,
            "--context-length",
            "4096",
            "--eval-batch-size",
            "256",
            "--flash-attention",
            "--num-experts",
            "2",
            "--no-offload-kv-cache-to-gpu",
        )
        assert server.asked("POST", LOAD) == [
            {
                "model": KEY,
                "context_length": 4096,
                "eval_batch_size": 256,
                "flash_attention": True,
                "num_experts": 2,
                "offload_kv_cache_to_gpu": False,
                "echo_load_config": True,
            }
        ]

    def test_json_tells_all_that_is_known_of_the_load(self, call: Call, server: ScriptedServer) -> None:
        server.load(OTHER)
        told = call("load", KEY, "--context-length", "4096", "--json").json
        assert (told["model"], told["type"], told["instance_id"], told["loaded_now"]) == (KEY, "llm", KEY, True)
        assert told["requested"] == {"context_length": 4096}
        assert told["config"]["context_length"] == 4096
        assert told["others_loaded"] == [OTHER]
        assert told["size_bytes"] == DEFAULT_MODELS[0].size_bytes
        assert told["load_wall_seconds"] >= 0
        assert told["warnings"] == []

    def test_a_context_that_the_server_made_smaller_is_told(self, call: Call) -> None:
        # The double's instance has what its model allows; the listing promises more, so the check before lets it pass.
        with ScriptedServer([replace(DEFAULT_MODELS[0], max_context_length=0)]) as reducing:
            result = call("load", KEY, "--context-length", "16384", "--json", "--url", reducing.url)
        assert result.code == 0
        assert result.json["warnings"] == [
            f"requested context_length=16384, but {KEY} has context_length=8192",
        ]
        assert "Warning: requested context_length=16384" in result.err

    def test_a_context_that_the_server_made_larger_is_told_too(self, call: Call, server: ScriptedServer) -> None:
        server.on("GET", "/api/v1/models", LargerContexts())
        assert call("load", KEY, "--context-length", "4096", "--json").json["warnings"] == [
            f"requested context_length=4096, but {KEY} has context_length=4097",
        ]

    def test_a_larger_context_of_an_instance_that_was_there_is_no_difference(
        self, call: Call, server: ScriptedServer
    ) -> None:
        server.load(KEY, LoadConfig(context_length=8192))
        reused = call("load", KEY, "--context-length", "4096", "--json").json
        assert (reused["loaded_now"], reused["warnings"]) == (False, [])

    def test_a_setting_of_which_the_server_tells_nothing_is_told(self, call: Call, server: ScriptedServer) -> None:
        server.load(EMBEDDING)
        server.load(KEY)
        result = call("load", KEY, "--num-experts", "2")
        assert (result.code, server.loaded) == (0, [EMBEDDING, KEY])
        assert "does not report num_experts" in result.err

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            ((KEY, "--context-length", "16385"), "takes at most 16384 tokens, got 16385"),
            ((EMBEDDING, "--flash-attention", "--num-experts", "2"), "does not take --flash-attention, --num-experts"),
            ((EMBEDDING, "--no-offload-kv-cache-to-gpu"), "does not take --offload-kv-cache-to-gpu"),
        ],
    )
    def test_what_cannot_apply_is_refused_before_anything_is_loaded(
        self, call: Call, server: ScriptedServer, words: tuple[str, ...], said: str
    ) -> None:
        result = call("load", *words)
        assert (result.code, result.out) == (2, "")
        assert said in result.err
        assert server.asked("POST", LOAD) == []

    def test_an_embedding_model_is_loaded_with_a_context(self, call: Call) -> None:
        told = call("load", EMBEDDING, "--context-length", "1024", "--json").json
        assert (told["type"], told["config"]) == ("embedding", {"context_length": 1024})

    def test_a_load_without_room_says_what_is_resident_and_what_would_fit(
        self, call: Call, server: ScriptedServer
    ) -> None:
        server.load(EMBEDDING)
        server.on("POST", LOAD, Status(500, OUT_OF_MEMORY))
        result = call("load", OTHER)
        assert result.code == 6
        for part in ("insufficient system resources", f"{OTHER} needs at least 2.5 GB", f"{EMBEDDING} (80 MB)", KEY):
            assert part in result.err
        assert server.loaded == [EMBEDDING]

    def test_a_model_that_is_not_there_names_near_ones_and_what_is_ready(
        self, call: Call, server: ScriptedServer
    ) -> None:
        assert f"The smallest chat model: {KEY}." in call("load", "nothing-like-it").err
        server.load(OTHER)
        said = call("load", "acme/tiny").err
        assert f"Did you mean {KEY}" in said
        assert f"Loaded chat models: {OTHER}." in said
        assert f"The smallest embedding model: {EMBEDDING}." in call("load", "text-embedding-acne").err


class TestUnload:
    def test_one_that_fails_does_not_keep_the_others(
        self, call: Call, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(unload_verified.__kwdefaults__, "settle_s", 0.5)  # type: ignore[arg-type]
        for _ in range(3):
            server.load(KEY)
        server.on("POST", UNLOAD, UnloadFails(f"{KEY}:2"))
        result = call("unload", KEY, "--json")
        assert result.code == 7
        assert result.json["unloaded"] == [KEY, f"{KEY}:3"]
        assert list(result.json["still_loaded"]) == [f"{KEY}:2"]
        assert f"lms-harness unload --instance '{KEY}:2'" in result.err
        assert server.loaded == [f"{KEY}:2"]

    def test_what_fails_once_is_unloaded_at_the_second_try(
        self, call: Call, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(unload_verified.__kwdefaults__, "settle_s", 0.5)  # type: ignore[arg-type]
        server.load(KEY)
        server.on("POST", UNLOAD, Status(500, {"error": "broken"}), times=1)
        assert call("unload", KEY).code == 0
        assert server.loaded == []


class TestModels:
    def test_json_is_like_lm_studios_listing_and_tells_what_follows_from_it(
        self, call: Call, server: ScriptedServer
    ) -> None:
        server.load(OTHER, LoadConfig(context_length=4096))
        server.load(OTHER)
        told = call("models", "--json").json
        tiny, small, embedding = told["models"]
        assert small["capabilities"]["reasoning"] == {"allowed_options": ["off", "on", "xhigh"], "default": "off"}
        assert [instance["id"] for instance in small["loaded_instances"]] == [OTHER, f"{OTHER}:2"]
        assert small["loaded_instances"][0]["config"]["context_length"] == 4096
        assert (small["is_loaded"], small["total_parameters"]) == (True, 4_000_000_000)
        assert small["resident_bytes"] == told["resident_bytes"] == 5_000_000_000
        assert tiny["quantization"] == {"name": "Q4_K_M", "bits_per_weight": 4}
        assert "capabilities" not in embedding
        assert (embedding["total_parameters"], embedding["is_loaded"]) == (None, False)

    @pytest.mark.parametrize("columns", [30, 40, 60, 80, 100])
    def test_the_table_fits_the_terminal_and_no_key_is_cut(
        self, call: Call, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, columns: int
    ) -> None:
        server.load(KEY)
        monkeypatch.setenv("COLUMNS", str(columns))
        shown = call("models").out
        assert max(map(len, shown.splitlines())) <= columns
        assert {KEY, OTHER, EMBEDDING} <= set(shown.split())
        assert "resident: 1" in " ".join(shown.split())

    def test_a_pipe_gets_all_columns(self, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("COLUMNS", raising=False)
        header = call("models").out.splitlines()[0]
        assert header.split() == ["key", "kind", "quant", "params", "size", "max", "context", "loaded", "(context)"]

    def test_keys_cannot_draw_on_the_terminal(self, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
        hostile: Model = replace(DEFAULT_MODELS[0], key=ModelKey("acme/\x1b[2Jx"), params_string="\x1b[1m1B")
        with ScriptedServer([hostile]) as server:
            for columns in ("30", "200"):
                monkeypatch.setenv("COLUMNS", columns)
                assert "\x1b" not in call("models", "--url", server.url).out, columns
