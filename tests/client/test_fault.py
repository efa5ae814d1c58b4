from typing import Any

import pytest

from harness.client.fault import fault_in, unreadable
from harness.errors import (
    ApiError,
    ContextOverflow,
    HarnessError,
    InstanceNotLoaded,
    InvalidRequest,
    LoadFailed,
    MalformedAnswer,
    ModelNotFound,
    NotAuthorised,
    NotLMStudio,
    ServerFault,
    ServerTooOld,
    UnknownResponseId,
)

LIST = "GET /api/v1/models"
LOAD = "POST /api/v1/models/load"
UNLOAD = "POST /api/v1/models/unload"
CHAT = "POST /api/v1/chat"
OVERFLOW = "The number of tokens to keep from the initial prompt is greater than the context length."
OPENAI = "POST /v1/chat/completions"


def said(message: str, **labels: str | None) -> dict[str, Any]:
    return {"error": {"message": message, **labels}}


CASES: list[tuple[str, int, Any, type[HarnessError]]] = [
    (LIST, 200, {"error": "Unexpected endpoint or method. (GET /api/v1/models)"}, ServerTooOld),
    (LIST, 404, {"error": "Unexpected endpoint or method. (GET /api/v1/models)"}, ServerTooOld),
    (LIST, 401, said("A token is required", type="invalid_request", code="invalid_api_key"), NotAuthorised),
    (LIST, 200, said("An LM Studio API token is required", code="invalid_api_key"), NotAuthorised),
    (CHAT, 403, said("This token may not do that"), NotAuthorised),
    (CHAT, 400, said("invalid JSON", type="invalid_request", code="invalid_json"), InvalidRequest),
    (CHAT, 400, said("Unrecognized key(s) in object: 'ttl'", type="invalid_request"), InvalidRequest),
    (CHAT, 200, said("Unrecognized key(s) in object: 'ttl'", type="invalid_request"), InvalidRequest),
    (CHAT, 400, said("Model 'X' does not expose reasoning configuration.", type="invalid_request"), InvalidRequest),
    (CHAT, 404, said('Invalid model identifier "X".', type="invalid_request", code="model_not_found"), ModelNotFound),
    (OPENAI, 400, said('Invalid model identifier "X".', code="model_not_found", param="model"), ModelNotFound),
    (LOAD, 404, said("Model X not found in downloaded models", type="model_not_found"), ModelNotFound),
    (CHAT, 400, {"error": "No models loaded. Please load a model in the developer page"}, InstanceNotLoaded),
    (UNLOAD, 404, said("Model with instance identifier 'X' is not loaded.", type="model_not_found"), InstanceNotLoaded),
    (UNLOAD, 404, said("X", type="model_not_found"), InstanceNotLoaded),
    (LOAD, 500, said("Failed to load LLM 'X': Error: …", type="model_load_failed"), LoadFailed),
    (LOAD, 400, said("Failed to load LLM 'X': Error: …", type="model_load_failed"), LoadFailed),
    (LOAD, 200, said("Failed to load LLM 'X': Error: …", type="model_load_failed"), LoadFailed),
    (LOAD, 500, {"error": "Model loading was stopped due to insufficient system resources."}, LoadFailed),
    (LOAD, 500, said("The model has crashed without additional information. (Exit code: null)"), LoadFailed),
    (CHAT, 500, said("The model has crashed without additional information. (Exit code: null)"), ServerFault),
    (
        CHAT,
        400,
        said("Not found", type="invalid_request", code="invalid_value", param="previous_response_id"),
        UnknownResponseId,
    ),
    (OPENAI, 400, said("gone", code="previous_response_not_found"), UnknownResponseId),
    (
        CHAT,
        500,
        said(OVERFLOW, type="internal_error"),
        ContextOverflow,
    ),
    (OPENAI, 400, {"error": OVERFLOW}, ContextOverflow),
    (OPENAI, 400, {"error": {"code": 400, "type": "exceed_context_size_error", "message": "x"}}, ContextOverflow),
    (LOAD, 400, said("context_length exceeds the maximum context", type="invalid_request"), InvalidRequest),
    (CHAT, 500, said("Error rendering prompt with jinja template", type="internal_error"), ServerFault),
    (CHAT, 200, said("who knows", type="unknown"), ServerFault),
    (CHAT, 503, {"error": {}}, ServerFault),
    (CHAT, 500, {"detail": "no error key"}, ServerFault),
    (CHAT, 422, {"detail": "no error key"}, InvalidRequest),
    (LIST, 404, {"detail": "Not Found"}, NotLMStudio),
    (LIST, 401, {"detail": "Unauthorized"}, NotAuthorised),
]


@pytest.mark.parametrize(("route", "status", "payload", "kind"), CASES)
def test_the_body_decides_what_an_error_is(route: str, status: int, payload: Any, kind: type[HarnessError]) -> None:
    assert type(fault_in(payload, status=status, route=route)) is kind


@pytest.mark.parametrize("payload", [{"models": []}, {"error": None, "output": []}, [], "text", {"errors": 1}])
def test_an_answer_without_an_error_is_none(payload: Any) -> None:
    assert fault_in(payload, status=200, route=LIST) is None


def test_what_the_server_said_stays_readable() -> None:
    body = said("No.", type="invalid_request", code="invalid_value", param="reasoning")
    fault = fault_in(body, status=400, route=CHAT)
    assert isinstance(fault, ApiError)
    assert (fault.message, fault.status, fault.type) == ("No.", 400, "invalid_request")
    assert (fault.code, fault.param) == ("invalid_value", "reasoning")


def test_missing_labels_are_none() -> None:
    fault = fault_in({"error": "No."}, status=400, route=CHAT)
    assert isinstance(fault, ApiError)
    assert (fault.message, fault.type, fault.code, fault.param) == ("No.", None, None, None)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, MalformedAnswer),
        (401, NotAuthorised),
        (403, NotAuthorised),
        (404, NotLMStudio),
        (405, NotLMStudio),
        (413, InvalidRequest),
        (502, ServerFault),
    ],
)
def test_a_page_instead_of_json_is_told_by_its_status(status: int, kind: type[HarnessError]) -> None:
    assert type(unreadable(status=status, route=LIST)) is kind


def test_a_load_refused_for_lack_of_memory_says_what_to_do() -> None:
    body = said("Model loading was stopped due to insufficient system resources.", type="model_load_failed")
    fault = fault_in(body, status=500, route=LOAD)
    assert isinstance(fault, LoadFailed)
    assert "Unload what is not needed" in fault.hint


def test_control_characters_of_the_server_reach_no_terminal() -> None:
    fault = fault_in(said("\x1b[31mred\x07"), status=400, route=CHAT)
    assert fault is not None
    assert "\x1b" not in str(fault)
    assert "\x07" not in str(fault)


def test_an_endless_message_is_cut() -> None:
    fault = fault_in(said("x" * 1_000_000), status=400, route=CHAT)
    assert fault is not None
    assert len(fault.message) == 2_000
