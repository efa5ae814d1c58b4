"""Listing, loading and unloading on real weights."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from .conftest import loaded

if TYPE_CHECKING:
    from harness.embedded.process import EmbeddedServer

pytestmark = pytest.mark.embedded

KEY = "smollm2-135m-instruct-q4_0"
EMBEDDING = "text-embedding-smollm2-135m-instruct"


def load(http: httpx.Client, model: str = KEY, **config: Any) -> dict[str, Any]:
    answer = http.post("/api/v1/models/load", json={"model": model, "context_length": 512, **config})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def unload(http: httpx.Client, instance_id: str) -> httpx.Response:
    return http.post("/api/v1/models/unload", json={"instance_id": instance_id})


def workers(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if not children.exists():
        pytest.skip("needs /proc/PID/task/TID/children (Linux)")
    return [int(pid) for pid in children.read_text().split()]


def test_every_downloaded_model_is_listed_with_the_fields_of_lm_studio(http: httpx.Client) -> None:
    models = http.get("/api/v1/models").json()["models"]
    chat = [model for model in models if model["type"] == "llm"]
    assert len(chat) == 3
    for model in chat:
        assert set(model) == {
            "type",
            "publisher",
            "key",
            "display_name",
            "architecture",
            "quantization",
            "size_bytes",
            "params_string",
            "loaded_instances",
            "max_context_length",
            "format",
            "capabilities",
            "description",
        }
        assert model["capabilities"] == {"vision": False, "trained_for_tool_use": False}
        assert model["size_bytes"] > 50_000_000
        assert set(model["quantization"]) == {"name", "bits_per_weight"}
    (embedding,) = [model for model in models if model["type"] == "embedding"]
    assert "architecture" not in embedding
    assert "capabilities" not in embedding


def test_sizes_are_those_of_the_files(http: httpx.Client) -> None:
    from harness.embedded.default_models import cache_dir, listing

    sizes = {model["key"]: model["size_bytes"] for model in http.get("/api/v1/models").json()["models"]}
    # In the cache only where a run has named it.
    sizes["all-minilm-l6-v2-f16"] = listing(with_embedder=True)[-1].size_bytes
    for path in cache_dir().glob("*.gguf"):
        assert sizes[path.stem] == path.stat().st_size


def test_a_load_tells_its_time_and_the_config_where_asked(http: httpx.Client) -> None:
    started = time.monotonic()
    answer = load(http, echo_load_config=True)
    wall_s = time.monotonic() - started
    assert (answer["type"], answer["instance_id"], answer["status"]) == ("llm", KEY, "loaded")
    assert 0.1 * wall_s <= answer["load_time_seconds"] <= wall_s  # The request itself may wait for the processor.
    assert answer["load_config"] == {
        "context_length": 512,
        "eval_batch_size": 512,
        "flash_attention": True,
        "offload_kv_cache_to_gpu": False,
    }


def test_the_listing_shows_the_effective_config_and_a_context_beyond_the_models_is_cut_to_it(
    http: httpx.Client,
) -> None:
    load(http, eval_batch_size=64, flash_attention=False, context_length=1_000_000)
    (model,) = [model for model in http.get("/api/v1/models").json()["models"] if model["key"] == KEY]
    assert model["loaded_instances"] == [
        {
            "id": KEY,
            "config": {
                "context_length": 8192,  # the model's
                "eval_batch_size": 64,
                "flash_attention": False,
                "offload_kv_cache_to_gpu": False,
                "parallel": 4,
            },
        }
    ]


def test_concurrent_loads_make_a_copy_each_that_is_unloaded_by_its_exact_id(
    http: httpx.Client, embedded_server: "EmbeddedServer"
) -> None:
    with ThreadPoolExecutor(3) as threads:
        ids = list(threads.map(lambda _: load(http)["instance_id"], range(3)))
    assert sorted(ids) == [KEY, f"{KEY}:2", f"{KEY}:3"]
    assert sorted(loaded(http)) == sorted(ids)
    before = workers(embedded_server.pid)
    assert len(before) == 3
    assert unload(http, f"{KEY}:2").json() == {"instance_id": f"{KEY}:2"}
    assert sorted(loaded(http)) == [KEY, f"{KEY}:3"]
    # A process a copy: the memory of this one is back, and of this one only.
    after = workers(embedded_server.pid)
    assert len(after) == 2
    assert set(after) < set(before)
    assert load(http)["instance_id"] == f"{KEY}:2"


def test_keys_are_found_in_any_case_and_instance_ids_only_in_theirs(http: httpx.Client) -> None:
    answer = load(http, KEY.upper())
    assert answer["instance_id"] == KEY
    assert "load_config" not in answer  # It was not asked for.
    assert unload(http, KEY.upper()).status_code == 404
    # Two unloads of one instance end in one success.
    with ThreadPoolExecutor(2) as threads:
        statuses = list(threads.map(lambda _: unload(http, KEY).status_code, range(2)))
    assert sorted(statuses) == [200, 404]


def test_unloading_what_is_not_loaded_is_a_404(http: httpx.Client) -> None:
    answer = unload(http, "nobody")
    assert answer.status_code == 404
    assert answer.json() == {
        "error": {"message": "Model with instance identifier 'nobody' is not loaded.", "type": "model_not_found"}
    }


def test_loading_what_is_not_downloaded_is_a_404(http: httpx.Client) -> None:
    answer = http.post("/api/v1/models/load", json={"model": "../../etc/passwd"})
    assert answer.status_code == 404
    assert answer.json()["error"]["type"] == "model_not_found"


def test_an_embedding_model_is_loaded_with_its_context_alone(http: httpx.Client) -> None:
    answer = load(http, EMBEDDING, echo_load_config=True)
    assert (answer["type"], answer["load_config"]) == ("embedding", {"context_length": 512})
    refused = http.post("/api/v1/models/load", json={"model": EMBEDDING, "offload_kv_cache_to_gpu": True})
    assert refused.status_code == 400
    assert "embedding" in refused.json()["error"]["message"]


def test_a_load_whose_client_has_gone_is_completed(http: httpx.Client) -> None:
    with pytest.raises(httpx.ReadTimeout):
        http.post("/api/v1/models/load", json={"model": KEY, "context_length": 512}, timeout=0.05)
    end = time.monotonic() + 60
    while not loaded(http) and time.monotonic() < end:
        time.sleep(0.05)
    assert loaded(http) == [KEY]


@pytest.mark.parametrize(
    ("path", "body", "code", "param"),
    [
        ("models/load", {"model": KEY, "ttl": 60}, "unrecognized_keys", None),
        ("models/load", {"model": KEY, "identifier": "x"}, "unrecognized_keys", None),
        ("models/load", {"model": KEY, "parallel": 2}, "unrecognized_keys", None),
        ("models/load", {}, "missing_required_parameter", "model"),
        ("models/load", {"model": KEY, "context_length": "512"}, "invalid_type", "context_length"),
        ("models/load", {"model": KEY, "context_length": 0}, "invalid_value", "context_length"),
        ("models/load", {"model": KEY, "context_length": None}, "invalid_type", "context_length"),
        ("models/load", {"model": KEY, "flash_attention": 1}, "invalid_type", "flash_attention"),
        ("models/load", [], "invalid_type", None),
        ("models/load", b"{", "invalid_json", None),
        ("models/load", b"\xff\xfe", "invalid_json", None),
        ("models/load", b"[" * 100_000, "invalid_json", None),
        ("models/unload", {"model": KEY}, "missing_required_parameter", "instance_id"),
        ("models/unload", {}, "missing_required_parameter", "instance_id"),
        ("chat", {"model": KEY, "input": "x", "ttl": 5}, "unrecognized_keys", None),
        ("chat", {"model": KEY, "input": "x", "stop": ["a"]}, "unrecognized_keys", None),
        ("chat", {"model": KEY, "input": "x", "seed": 1}, "unrecognized_keys", None),
        ("chat", {"model": KEY}, "missing_required_parameter", "input"),
        ("chat", {"model": KEY, "input": "x", "temperature": 1.5}, "invalid_value", "temperature"),
        ("chat", {"model": KEY, "input": "x", "max_output_tokens": 0}, "invalid_value", "max_output_tokens"),
        ("chat", {"model": KEY, "input": [{"type": "message", "content": "x"}]}, "invalid_union", "input"),
        ("chat", {"model": KEY, "input": "x", "reasoning": "off"}, "invalid_value", "reasoning"),
        (
            "chat",
            {"model": KEY, "input": "x", "previous_response_id": "resp_0"},
            "invalid_value",
            "previous_response_id",
        ),
        ("chat", {"model": KEY, "input": [{"type": "image", "data_url": "data:,"}]}, "invalid_value", "input"),
    ],
)
def test_a_body_that_lm_studio_refuses_is_refused_and_loads_nothing(
    http: httpx.Client, path: str, body: object, code: str, param: str | None
) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = http.post(f"/api/v1/{path}", content=raw, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["type"], error["code"], error.get("param")) == ("invalid_request", code, param)
    assert loaded(http) == []


@pytest.mark.parametrize("model", ["nobody", EMBEDDING])
def test_a_chat_with_no_chat_model_is_a_404(http: httpx.Client, model: str) -> None:
    answer = http.post("/api/v1/chat", json={"model": model, "input": "x"})
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "model_not_found"


def test_integrations_are_refused_as_not_implemented(http: httpx.Client) -> None:
    answer = http.post("/api/v1/chat", json={"model": KEY, "input": "x", "integrations": ["mcp/x"]})
    assert (answer.status_code, answer.json()["error"]["type"]) == (501, "not_implemented")


def test_a_model_that_is_there_needs_no_download_and_others_cannot_be_had(http: httpx.Client) -> None:
    assert http.post("/api/v1/models/download", json={"model": KEY}).json() == {"status": "already_downloaded"}
    assert http.post("/api/v1/models/download", json={"model": "a/b"}).status_code == 501
    missing = http.get("/api/v1/models/download/status/job_1")
    assert (missing.status_code, missing.json()["error"]["type"]) == (404, "job_not_found")
