"""Every error that the harness raises on purpose.

A user's mistake or a server's fault ends in one of these, never in a traceback: the message says what was expected
and what came, the `hint` says what to do next, and `exit_code` is what the command line returns.

HarnessError                      1
├── SettingsError (ValueError)    2   an option, variable or ini value is wrong
├── TaskError (ValueError)        2   a task, its data or its target is malformed
├── StoreError (OSError)          2   a results file cannot be written or read
├── DownloadFailed                1   the server could not download a model, or does not get on with it
├── EmbeddedError                 3   the embedded server or its models cannot be prepared
├── TransportError                3   no complete HTTP exchange took place
│   ├── ServerUnreachable (ConnectionError)   nobody answers at this address
│   ├── ConnectionLost (ConnectionError)      the exchange broke off
│   ├── DeadlineExceeded (TimeoutError)       connect, list, load, unload, idle or total
│   └── Cancelled                             we broke it off ourselves
├── ProtocolError                 3   somebody answers, but not as LM Studio 0.4+ would
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
    ├── LoadUnverified            6   the load said yes, the listing says no
    ├── AmbiguousLoad             6   several instances could be ours: none is touched
    └── ReleaseFailed             7   an instance of ours is still loaded
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


class DownloadFailed(HarnessError):
    """A download failed, stands still, or ended without the model being listed."""


class EmbeddedError(HarnessError):
    """The embedded server or its default models cannot be prepared."""

    exit_code = 3


class TransportError(HarnessError):
    """No complete HTTP exchange took place."""

    exit_code = 3


class ServerUnreachable(TransportError, ConnectionError):
    """Nobody answers at this address."""


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
    """Somebody answers, but not as LM Studio 0.4 or later would."""

    exit_code = 3


class NotLMStudio(ProtocolError):
    """Whatever listens there is not LM Studio."""


class ServerTooOld(ProtocolError):
    """It is LM Studio, but without the native v1 API that came with 0.4."""


class MalformedAnswer(ProtocolError):
    """An answer lacks what the API promises, or is no JSON, or a stream ended without `chat.end`."""


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
    """The server wants a token, or another one (401, 403)."""

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
    """`previous_response_id` names no stored response (LM Studio answers 400, not 404)."""


class ContextOverflow(ApiError, ValueError):
    """The prompt does not fit into the instance's context."""


class ServerFault(ApiError):
    """The server failed (5xx, or an error in a stream), for none of the reasons above."""


class LeaseError(HarnessError):
    """An instance could not be acquired or released as the lifecycle contract demands (docs/design.md)."""

    exit_code = 6


class InstanceLost(LeaseError):
    """A leased instance went away in use: somebody unloaded it, or it crashed."""


class LoadUnverified(LeaseError):
    """The server said that it loaded the instance, but the listing does not show it."""


class AmbiguousLoad(LeaseError):
    """More than one new instance could be ours, so none is touched; the message names them."""


class ReleaseFailed(LeaseError):
    """An instance that we loaded is still there; the message names it and the command to finish."""

    exit_code = 7


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error, its cause (or what was being handled), the cause's cause, and so on; each one once.

    A chain can be a ring: an error that is raised again while one of its successors is being handled.
    """
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__
