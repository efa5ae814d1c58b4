"""Turns an error body into an error of `harness.errors`. The body decides, as the status varies in LM Studio.

From 0.4.0 to 0.4.25 the same `model_load_failed` was seen with 500, 400 and 200, and unknown routes are answered with
200; `error` is an object or a string.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

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
from harness.settings import setting

_MAX_MESSAGE = 2_000
_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_NOT_HERE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})

_UNKNOWN_ROUTE = re.compile(r"unexpected endpoint", re.IGNORECASE)
_NOTHING_LOADED = re.compile(r"\bis not loaded\b|\bno models? loaded\b|\bmodel (was |is )?unloaded\b", re.IGNORECASE)
_OVERFLOW = re.compile(
    r"greater than the context length|exceeds? (the )?(available |maximum |model'?s? )?context"
    r"|context (length|size) exceeded|longer than the context|tokens to keep from the initial prompt",
    re.IGNORECASE,
)
_LOAD_FAILED = re.compile(r"failed to load|loading was stopped|insufficient system resources", re.IGNORECASE)
_NO_LOAD = re.compile(rf"{_LOAD_FAILED.pattern}|model has crashed", re.IGNORECASE)
_NO_MEMORY = re.compile(r"insufficient|memory|guardrail|SIGABRT", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBody:
    """The contents of an error body; everything but the message may be missing."""

    message: str
    type: str | None = None
    code: str | None = None
    param: str | None = None

    @classmethod
    def of(cls, error: Any) -> "ErrorBody":
        """Read the value of `error`: an object, or a bare string."""
        if not isinstance(error, dict):
            return cls(message=_plain(error if isinstance(error, str) else repr(error)))
        message = error.get("message")
        return cls(
            message=_plain(message) if isinstance(message, str) and message else "the server gave no reason",
            type=_text(error.get("type")),
            code=_text(error.get("code")),
            param=_text(error.get("param")),
        )


def fault_in(payload: Any, *, status: int, route: str) -> HarnessError | None:
    """Return the error that this JSON answer reports, or None. Status 200 proves nothing: errors arrive with it too.

    Args:
        payload: the JSON value.
        status: HTTP status.
        route: such as "POST /api/v1/chat"; the same message means different things on different routes.
    """
    error = payload.get("error") if isinstance(payload, dict) else None
    if error is not None:
        return fault_of(ErrorBody.of(error), status=status, route=route)
    if status < HTTPStatus.BAD_REQUEST:
        return None
    return unreadable(status=status, route=route)


def unreadable(*, status: int, route: str) -> HarnessError:
    """Return the error for an answer without a JSON error body."""
    answered = f"{route} was answered with HTTP {status}"
    if status in _REFUSED:
        return NotAuthorised(answered, status=status, hint=_HINTS[NotAuthorised])
    if status in _NOT_HERE:
        return NotLMStudio(f"{answered}: the server has no such route", hint=_HINTS[NotLMStudio])
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ServerFault(f"{answered} without a reason", status=status)
    if status >= HTTPStatus.BAD_REQUEST:
        return InvalidRequest(f"{answered} without a reason", status=status)
    return MalformedAnswer(f"{answered}, but the body is not JSON")


def is_about_memory(message: str) -> bool:
    """Return whether the message of a failed load blames memory.

    When CUDA runs out, LM Studio reports only that the process ended with SIGABRT (lmstudio-bug-tracker issue 2295).
    """
    return _NO_MEMORY.search(message) is not None


def is_about_load(message: str) -> bool:
    """Return whether the message says that a load failed. A chat reports that too, where it had to load its model."""
    return _LOAD_FAILED.search(message) is not None


def fault_of(body: ErrorBody, *, status: int | None, route: str) -> HarnessError:
    """Return the error for this body. `status` is None for an `error` event in a stream."""
    if _UNKNOWN_ROUTE.match(body.message) and (status is None or status < HTTPStatus.INTERNAL_SERVER_ERROR):
        return ServerTooOld(f"the server does not know {route}: {body.message}", hint=_HINTS[ServerTooOld])
    kind = _kind(body, status, route)
    hint = _HINTS.get(kind, "")
    if kind is LoadFailed and is_about_memory(body.message):
        hint = _NO_MEMORY_HINT
    return kind(body.message, status=status, type=body.type, code=body.code, param=body.param, hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """Everything that decides what an error body means."""

    message: str
    labels: frozenset[str | None]
    param: str | None
    status: int | None
    is_load: bool
    is_unload: bool

    @property
    def is_missing(self) -> bool:
        return "model_not_found" in self.labels

    @property
    def is_unknown_response(self) -> bool:
        return self.param == "previous_response_id" or "previous_response_not_found" in self.labels

    @property
    def is_overflow(self) -> bool:
        says_so = not self.is_load and _OVERFLOW.search(self.message) is not None
        return says_so or "exceed_context_size_error" in self.labels

    @property
    def is_clients(self) -> bool:
        in_range = self.status is not None and HTTPStatus.BAD_REQUEST <= self.status < HTTPStatus.INTERNAL_SERVER_ERROR
        return in_range or bool(self.labels & {"invalid_request", "invalid_request_error"})


_RULES: tuple[tuple[Callable[[_Case], object], type[ApiError]], ...] = (
    (lambda case: "invalid_api_key" in case.labels or case.status in _REFUSED, NotAuthorised),
    (lambda case: "model_load_failed" in case.labels or (case.is_load and _NO_LOAD.search(case.message)), LoadFailed),
    (lambda case: case.is_unknown_response, UnknownResponseId),
    (lambda case: (case.is_missing and case.is_unload) or _NOTHING_LOADED.search(case.message), InstanceNotLoaded),
    (lambda case: case.is_missing, ModelNotFound),
    (lambda case: case.is_overflow, ContextOverflow),
    (lambda case: case.is_clients, InvalidRequest),
)
"""The first rule that holds names the error; where none holds, it is a fault of the server."""


def _kind(body: ErrorBody, status: int | None, route: str) -> type[ApiError]:
    case = _Case(
        message=body.message,
        labels=frozenset({body.type, body.code}),
        param=body.param,
        status=status,
        is_load=route.endswith("/models/load"),
        is_unload=route.endswith("/models/unload"),
    )
    return next((kind for holds, kind in _RULES if holds(case)), ServerFault)


_NO_MEMORY_HINT = "Unload what is not needed (lms-harness models), or choose a smaller context or quantisation."
_HINTS: dict[type[HarnessError], str] = {
    NotAuthorised: "Create a token in LM Studio (Developer > Server Settings > Manage Tokens)\n"
    "and set it as the environment variable LM_API_TOKEN.",
    NotLMStudio: f"Check the address ({setting('url')}, or LM_STUDIO_API_URL); LM Studio's default port is 1234.",
    ServerTooOld: "The native API came with LM Studio 0.4: update LM Studio, or start `lms-harness serve`.",
    ModelNotFound: "`lms-harness models` lists the keys of all downloaded models.",
    InstanceNotLoaded: "`lms-harness models` lists what is loaded; `lms-harness load KEY` loads a model.",
    LoadFailed: "It would most likely fail again. LM Studio's own log has the details: lms log stream -s runtime",
    ContextOverflow: "Shorten the prompt, or load the model with a larger context.",
    UnknownResponseId: "Stored answers are deleted after 30 days; start the conversation anew.",
}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _plain(text: str) -> str:
    """Return server text that is safe to print in a terminal."""
    return "".join(
        character if character.isprintable() or character == "\n" else "\N{REPLACEMENT CHARACTER}"
        for character in text[:_MAX_MESSAGE]
    )
