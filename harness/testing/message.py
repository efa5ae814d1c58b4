"""What goes over a scripted server's wire: requests as they came, answers as they will go, refusals."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

JSON_TYPE = "application/json; charset=utf-8"
EVENTS_TYPE = "text/event-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it came.

    Attributes:
        path: with its query.
        headers: names in lower case.
        body: as it came; `json` is what it holds, or None.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)

    @property
    def json(self) -> Any:
        """The body as JSON; None when there is none, or it is malformed."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def prompt(self) -> str:
        """The text that a chat asks: the input's text items, or the last message, joined by line ends."""
        body = self.json if isinstance(self.json, dict) else {}
        asked = body.get("input")
        if asked is None:
            messages = body.get("messages") or [{}]
            asked = messages[-1].get("content", "")
        if isinstance(asked, str):
            return asked
        return "\n".join(str(item.get("content", item.get("text", ""))) for item in asked if item.get("type") == "text")


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer as it will go.

    Attributes:
        parts: the body. An empty part is a pause in which the server looks whether the client is still there.
        is_stream: the parts go out one by one; else all at once when the last is there.
    """

    status: int = 200
    content_type: str = JSON_TYPE
    parts: Iterable[bytes] = ()
    is_stream: bool = False


class Refusal(Exception):
    """The request is answered by an error body in LM Studio's native form."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request",  # noqa: A002  (the wire's name)
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = error_body(message, type=type, code=code, param=param)


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


def json_answer(payload: Any, *, status: int = 200) -> Response:
    """Return a JSON answer, printed with indents as LM Studio does."""
    return Response(status=status, parts=(json.dumps(payload, indent=2).encode(),))


def event(name: str, **data: Any) -> bytes:
    """Return one server-sent event; its data repeats the name as `type`."""
    return f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode()


def event_stream(parts: Iterator[bytes]) -> Response:
    """Return a streamed answer."""
    return Response(content_type=EVENTS_TYPE, parts=parts, is_stream=True)
