"""Every error that the harness raises on purpose.

A user's mistake or a server's fault ends in one of these, never in a traceback: the message says what was expected
and what came, the `hint` says what to do next, and `exit_code` is what the command line returns.

HarnessError                      1
├── SettingsError (ValueError)    2   an option, variable or ini value is wrong
├── TaskError (ValueError)        2   a task, its data or its target is malformed
├── StoreError (OSError)          2   a results file cannot be written or read
├── EvidenceMissing (LookupError) 9   there is no routing file, or it has no current answer for the task
├── ExtraMissing (ImportError)    2   a package of an optional extra is not installed
├── DownloadFailed                1   the server could not download a model, or makes no progress
├── EmbeddedError                 3   the embedded server or its models cannot be prepared
├── TransportError                3   no complete HTTP exchange took place
│   ├── ServerUnreachable (ConnectionError)   no server answers at this address
│   ├── ConnectionLost (ConnectionError)      the exchange broke off
│   ├── DeadlineExceeded (TimeoutError)       connect, list, load, unload, idle or total
│   └── Cancelled                             this process broke it off
├── ProtocolError                 3   the server does not answer as LM Studio 0.4+ does
│   ├── NotLMStudio
│   ├── ServerTooOld
│   └── MalformedAnswer
├── ApiError                      1   the server answered with an error body
│   ├── NotAuthorised             4
│   ├── ModelNotFound (LookupError)      5
│   ├── InstanceNotLoaded (LookupError)  5
│   ├── LoadFailed                6
│   ├── InvalidRequest (ValueError)      2
│   │   └── UnknownResponseId
│   ├── ContextOverflow (ValueError)     1
│   └── ServerFault               1
└── LeaseError                    6
    ├── InstanceLost              6   it went away in use
    ├── LoadUnverified            6   the load succeeded, but the instance is not listed
    ├── AmbiguousLoad             6   unclear which instance the run loaded: none is touched
    └── ReleaseFailed             7   an instance that the run loaded is still loaded
"""

from collections.abc import Iterator
from typing import ClassVar


class HarnessError(Exception):
    """Base of all errors raised on purpose.

    Attributes:
        hint: what to do next, one or more lines; empty when the message says it all.
        exit_code: what a command that ends with this error returns.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class SettingsError(HarnessError, ValueError):
    """An option, environment variable or ini value cannot be used."""

    exit_code = 2


class TaskError(HarnessError, ValueError):
    """A task, one of its samples or a target is malformed. A target that does not parse is never scored as 0."""

    exit_code = 2


class StoreError(HarnessError, OSError):
    """A results file cannot be written or read."""

    exit_code = 2


class EvidenceMissing(HarnessError, LookupError):
    """No routing file is there, or it has no current answer for the task."""

    exit_code = 9


class ExtraMissing(HarnessError, ImportError):
    """What was asked for needs a package that only an optional extra installs; the hint has the command."""

    exit_code = 2


class DownloadFailed(HarnessError):
    """A download failed, made no progress, or ended without the server listing the model."""


class EmbeddedError(HarnessError):
    """The embedded server or its default models cannot be prepared."""

    exit_code = 3


class TransportError(HarnessError):
    """No complete HTTP exchange took place."""

    exit_code = 3


class ServerUnreachable(TransportError, ConnectionError):
    """No server answers at this address."""


class ConnectionLost(TransportError, ConnectionError):
    """The connection broke before the answer was complete."""


class DeadlineExceeded(TransportError, TimeoutError):
    """A wait reached its deadline.

    Attributes:
        phase: which wait: connect, list, load, unload, idle (no progress within a chat), total.
        after_s: the deadline in seconds.
    """

    def __init__(self, message: str, *, phase: str, after_s: float, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.phase = phase
        self.after_s = after_s


class Cancelled(TransportError):
    """The exchange was broken off by this process (Ctrl-C, or the end of the run)."""

    exit_code = 130


class ProtocolError(HarnessError):
    """The server answers, but not as LM Studio 0.4 or later does."""

    exit_code = 3


class NotLMStudio(ProtocolError):
    """The server at this address is not LM Studio."""


class ServerTooOld(ProtocolError):
    """The server is LM Studio, but without the native v1 API, which came with 0.4."""


class MalformedAnswer(ProtocolError):
    """An answer lacks what the API promises, or is not JSON, or a stream ended without `chat.end`."""


class ApiError(HarnessError):
    """The server answered with an error body, whatever the status (LM Studio sends some with 200).

    Attributes:
        status: HTTP status, or None when the error came inside a stream.
        type: the body's `error.type`, if any.
        code: the body's `error.code`, if any.
        param: the body's `error.param`, if any.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        type: str | None = None,  # noqa: A002  (the wire's name)
        code: str | None = None,
        param: str | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.type = type
        self.code = code
        self.param = param


class NotAuthorised(ApiError):
    """The server requires a token, or refuses this one (401, 403)."""

    exit_code = 4


class ModelNotFound(ApiError, LookupError):
    """No downloaded model has this key."""

    exit_code = 5


class InstanceNotLoaded(ApiError, LookupError):
    """No loaded instance has this id."""

    exit_code = 5


class LoadFailed(ApiError):
    """The server could not load the model: memory, architecture, a corrupt file, a crash. Never retried blindly."""

    exit_code = 6


class InvalidRequest(ApiError, ValueError):
    """The server refused the request itself."""

    exit_code = 2


class UnknownResponseId(InvalidRequest):
    """No stored response has this `previous_response_id` (LM Studio answers 400, not 404)."""


class ContextOverflow(ApiError, ValueError):
    """The prompt does not fit into the instance's context."""


class ServerFault(ApiError):
    """The server failed (5xx, or an error in a stream) for a reason that has no class of its own."""


class LeaseError(HarnessError):
    """An instance could not be acquired or released as the lifecycle contract demands (docs/design.md)."""

    exit_code = 6


class InstanceLost(LeaseError):
    """A leased instance went away in use: another program unloaded it, or it crashed."""


class LoadUnverified(LeaseError):
    """The server reported a successful load, but does not list the instance."""


class AmbiguousLoad(LeaseError):
    """It is unclear which of several new instances this run loaded, so none is touched; the message names them."""


class ReleaseFailed(LeaseError):
    """An instance that this run loaded is still loaded; the message names it and the command to unload it."""

    exit_code = 7


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error, its cause (or the error that was being handled), the cause's cause, and so on; each once.

    A chain can be a ring, when an error is raised again while one of its successors is being handled.
    """
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__
