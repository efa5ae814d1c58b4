"""A page in the user's browser cannot drive the embedded server, whatever it may send without asking first."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import httpx
import pytest

from .conftest import JSON_TYPE, KEY

if TYPE_CHECKING:
    from harness.embedded.process import EmbeddedServer

pytestmark = pytest.mark.embedded


@pytest.fixture
def http(embedded_server: "EmbeddedServer") -> Iterator[httpx.Client]:
    """A client of the server of all tests, on which nothing here may load anything."""
    with httpx.Client(base_url=embedded_server.url, timeout=60, trust_env=False) as client:
        yield client


BODY = json.dumps({"model": KEY, "context_length": 512}).encode()


def is_loaded(http: httpx.Client) -> bool:
    return any(model["loaded_instances"] for model in http.get("/api/v1/models").json()["models"])


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1"},
        {"origin": "http://localhost:3000"},
        {"origin": "https://127.0.0.1:{port}"},
        {"origin": "http://127.0.0.1:{port}.evil.example"},
        {"origin": "file://"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://127.0.0.1:{port}", "sec-fetch-site": "cross-site"},
    ],
    ids=str,
)
def test_what_a_page_of_another_origin_asks_is_refused(http: httpx.Client, headers: dict[str, str]) -> None:
    sent = {name: value.replace("{port}", str(http.base_url.port)) for name, value in headers.items()}
    for kind in ("text/plain", "application/json"):
        answer = http.post("/api/v1/models/load", content=BODY, headers={**sent, "content-type": kind})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "invalid_origin")
        assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert http.get("/api/v1/models", headers=sent).status_code == 403
    assert not is_loaded(http)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "json", None]
)
@pytest.mark.parametrize("path", ["/api/v1/models/load", "/api/v1/models/unload", "/api/v1/chat", "/v1/embeddings"])
def test_a_body_that_does_not_call_itself_json_is_refused(http: httpx.Client, kind: str | None, path: str) -> None:
    """These are the types that a page may send without a preflight; one without a type is a Blob's."""
    answer = http.post(path, content=BODY, headers={} if kind is None else {"content-type": kind})
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
@pytest.mark.parametrize("own", [{}, {"origin": "http://127.0.0.1:{port}", "sec-fetch-site": "same-origin"}], ids=str)
def test_a_program_and_the_servers_own_address_are_let_in(http: httpx.Client, kind: str, own: dict[str, str]) -> None:
    sent = {name: value.replace("{port}", str(http.base_url.port)) for name, value in own.items()}
    answer = http.post("/api/v1/models/unload", content=b'{"instance_id": "x"}', headers={**sent, "content-type": kind})
    assert answer.status_code == 404


def test_a_request_without_a_body_needs_no_type(http: httpx.Client) -> None:
    assert http.get("/api/v1/models").status_code == 200
    assert http.post("/api/v1/nothing").status_code == 200  # as LM Studio answers unknown routes
    assert http.post("/api/v1/models/load", headers=JSON_TYPE).status_code == 400
