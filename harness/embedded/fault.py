"""Errors as LM Studio words them: status and native body."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any


@dataclass(slots=True)
class Fault(Exception):
    """An error that is answered to the client.

    Attributes:
        status: HTTP status; not used once a stream has begun.
        message, type, code, param: of the native body; what is None is left out.
    """

    status: int
    message: str
    type: str = "invalid_request"
    code: str | None = None
    param: str | None = field(default=None)

    def body(self) -> dict[str, Any]:
        """Return the native body, `{"error": {…}}`."""
        parts = {"message": self.message, "type": self.type, "code": self.code, "param": self.param}
        return {"error": {name: value for name, value in parts.items() if value is not None}}


def unknown_model(key: str, *, status: int = 404) -> Fault:
    """Return the fault of a chat with a model that is not downloaded; 404 natively, 400 on OpenAI's routes."""
    message = f'Invalid model identifier "{key}". Please specify a valid downloaded model (e.g., one that is listed).'
    kind = "invalid_request" if status == HTTPStatus.NOT_FOUND else "invalid_request_error"
    return Fault(status, message, type=kind, code="model_not_found", param="model")


def not_downloaded(key: str) -> Fault:
    """Return the fault of loading a model that is not downloaded."""
    return Fault(404, f"Model {key} not found in downloaded models", type="model_not_found")


def not_loaded(instance_id: str) -> Fault:
    """Return the fault of unloading an instance that is not there."""
    return Fault(404, f"Model with instance identifier '{instance_id}' is not loaded.", type="model_not_found")


def load_failed(key: str, reason: str) -> Fault:
    """Return the fault of a load that llama.cpp refused."""
    return Fault(500, f"Failed to load LLM '{key}': Error: {reason}", type="model_load_failed")


def crashed(exit_code: int | None) -> Fault:
    """Return the fault of a request whose instance ended under it."""
    code = "null" if exit_code is None else exit_code
    message = f"The model has crashed without additional information. (Exit code: {code})"
    return Fault(500, message, type="internal_error", code="unknown")


def worker_lost(reason: str) -> Fault:
    """Return the fault of a request whose connection to its instance broke, though the instance lives on."""
    return Fault(500, f"The connection to the model's process broke ({reason}).", type="internal_error", code="unknown")


def context_exceeded(prompt_tokens: object, context_length: object) -> Fault:
    """Return the fault of a prompt that does not fit."""
    message = (
        "The number of tokens to keep from the initial prompt is greater than the context length. "
        f"Load the model with a larger context length, or provide a shorter input ({prompt_tokens} > {context_length})."
    )
    return Fault(500, message, type="internal_error", code="unknown")
