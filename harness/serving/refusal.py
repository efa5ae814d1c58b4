"""What LM Studio refuses, and in which words. Seen on LM Studio 0.4.21 to 0.4.25 unless a function says otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

_SHOWN_OF_A_TOKEN = 4
_SHOWN_OF_A_NAME = 200


@dataclass(slots=True)
class Refusal(Exception):
    """The request is answered with an error.

    Attributes:
        status: HTTP status; not used once a stream has begun.
        message, type, code, param: of the native error body; what is None is left out of it.
    """

    status: int
    message: str
    type: str = "invalid_request"
    code: str | None = None
    param: str | None = None

    @property
    def body(self) -> dict[str, Any]:
        """The native body, `{"error": {…}}`."""
        return error_body(self.message, type=self.type, code=self.code, param=self.param)


def error_body(
    message: str,
    *,
    type: str = "internal_error",  # noqa: A002  (the wire's name)
    code: str | None = None,
    param: str | None = None,
) -> dict[str, Any]:
    """Return a native error body; what is None is left out, as LM Studio does."""
    labels = {"code": code, "param": param}
    return {"error": {"message": message, "type": type} | {k: v for k, v in labels.items() if v is not None}}


def unknown_route(method: str, path: str) -> dict[str, Any]:
    """Return the body for an unknown route or a wrong method; LM Studio sends it with status 200 (bugs 618, 2085)."""
    return {"error": f"Unexpected endpoint or method. ({method} {path})"}


def no_token() -> Refusal:
    """Return the refusal of a request without a token."""
    message = (
        "An LM Studio API token is required to make requests to this server, but none was provided using the "
        "Authorization header. Ensure you are sending it in the 'Bearer' scheme."
    )
    return Refusal(HTTPStatus.UNAUTHORIZED, message, code="invalid_api_key")


def wrong_token(token: str) -> Refusal:
    """Return the refusal of a wrong token, whose beginning LM Studio really repeats."""
    shown = token[:_SHOWN_OF_A_TOKEN]
    message = f"Malformed LM Studio API token provided: {shown}... Ensure you are using a valid token."
    return Refusal(HTTPStatus.UNAUTHORIZED, message, code="invalid_api_key")


def unknown_model(name: str, *, example: str | None = None, is_openai: bool = False) -> Refusal:
    """Return the refusal of a chat with a model that is not downloaded: 404 natively, 400 on OpenAI's routes."""
    message = (
        f'Invalid model identifier "{shortened(name)}". '
        f"Please specify a valid downloaded model (e.g., {example or 'one that is listed'})."
    )
    kind = "invalid_request_error" if is_openai else "invalid_request"
    status = HTTPStatus.BAD_REQUEST if is_openai else HTTPStatus.NOT_FOUND
    return Refusal(status, message, type=kind, code="model_not_found", param="model")


def nothing_loaded() -> Refusal:
    """Return the refusal of a chat with a model that is not loaded while JIT loading is off (bug 1730)."""
    message = "No models loaded. Please load a model in the developer page or use the 'lms load' command."
    return Refusal(HTTPStatus.BAD_REQUEST, message)


def not_downloaded(key: str) -> Refusal:
    """Return the refusal to load a model that is not downloaded."""
    message = f"Model {shortened(key)} not found in downloaded models"
    return Refusal(HTTPStatus.NOT_FOUND, message, type="model_not_found")


def not_loaded(instance_id: str) -> Refusal:
    """Return the refusal to unload an instance that does not exist."""
    message = f"Model with instance identifier '{shortened(instance_id)}' is not loaded."
    return Refusal(HTTPStatus.NOT_FOUND, message, type="model_not_found")


def load_failed(key: str, reason: str) -> Refusal:
    """Return the answer to a load that the engine could not do."""
    message = f"Failed to load LLM '{key}': Error: {reason}"
    return Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, message, type="model_load_failed")


def no_offload_of_embeddings() -> Refusal:
    """Return the refusal of a load setting that embedding models do not have."""
    name = "offload_kv_cache_to_gpu"
    message = f"'{name}' is not supported for an embedding model"
    return Refusal(HTTPStatus.BAD_REQUEST, message, code="invalid_value", param=name)


def crashed(exit_code: int | None) -> Refusal:
    """Return the answer to a request whose instance ended under it (bug 2255)."""
    code = "null" if exit_code is None else exit_code
    message = f"The model has crashed without additional information. (Exit code: {code})"
    return Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, message, type="internal_error", code="unknown")


def context_exceeded(*, is_openai: bool = False) -> Refusal:
    """Return the answer to a prompt that does not fit into the context: 500 natively, 400 on OpenAI's routes."""
    message = (
        "The number of tokens to keep from the initial prompt is greater than the context length. "
        "Try to load the model with a larger context length, or provide a shorter input"
    )
    status = HTTPStatus.BAD_REQUEST if is_openai else HTTPStatus.INTERNAL_SERVER_ERROR
    return Refusal(status, message, type="internal_error", code="unknown")


def unknown_response(response_id: str) -> Refusal:
    """Return the refusal to continue from a turn that is not stored; 400, not 404 (recorded on 0.4.25)."""
    message = (
        f"Could not find stored response for previous_response_id '{shortened(response_id)}'. It may have been "
        "deleted. Responses older than 30 days are automatically deleted."
    )
    return Refusal(HTTPStatus.BAD_REQUEST, message, code="invalid_value", param="previous_response_id")


def reasoning_refused(key: str, setting: str, options: Sequence[str] | None) -> Refusal:
    """Return the refusal of a `reasoning` setting that the model does not list; None: it lists none at all."""
    if not options:
        message = f"Model '{key}' does not expose reasoning configuration."
    else:
        supported = ", ".join(f"'{option}'" for option in options)
        message = (
            f"Reasoning setting '{shortened(setting)}' is not supported by model '{key}'. "
            f"Supported settings: {supported}"
        )
    return Refusal(HTTPStatus.BAD_REQUEST, message, code="invalid_value", param="reasoning")


def json_object_refused() -> Refusal:
    """Return the refusal of a `response_format` other than `json_schema` and `text` (since 0.4.15)."""
    message = "'response_format.type' must be 'json_schema' or 'text'"
    return Refusal(HTTPStatus.BAD_REQUEST, message, type="invalid_request_error", param="response_format")


def unknown_job(job_id: str) -> Refusal:
    """Return the answer to a question about a download that was never started."""
    message = f"Download job with id '{shortened(job_id)}' not found"
    return Refusal(HTTPStatus.NOT_FOUND, message, type="job_not_found")


def shortened(name: str) -> str:
    """Return a name from a request, cut to what a message should repeat."""
    return name if len(name) <= _SHOWN_OF_A_NAME else f"{name[:_SHOWN_OF_A_NAME]}…"
