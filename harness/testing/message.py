"""What goes over a scripted server's wire: requests as they came, and answers as they will go."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.serving import answer

JSON_TYPE = answer.JSON_TYPE
EVENTS_TYPE = answer.EVENTS_TYPE


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it came.

    Attributes:
        path: with its query.
        headers: by names in lower case.
        body: as it came; `json` is its value, or None.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)

    @property
    def json(self) -> Any:
        """The body as JSON; None if there is none or it is malformed."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def prompt(self) -> str:
        """The text that a chat asks: the text items of the input, or the last message, joined by line ends."""
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
        is_stream: whether the parts go out one by one, or all at once when the last one is there.
    """

    status: int = 200
    content_type: str = JSON_TYPE
    parts: Iterable[bytes] = ()
    is_stream: bool = False


def json_response(payload: Any, *, status: int = 200) -> Response:
    """Return a JSON answer as LM Studio prints it."""
    return Response(status=status, parts=(answer.json_bytes(payload),))


def event_stream(parts: Iterator[bytes]) -> Response:
    """Return a streamed answer."""
    return Response(content_type=EVENTS_TYPE, parts=parts, is_stream=True)


def event(name: str, **data: Any) -> bytes:
    """Return one server-sent event of LM Studio, for streams that a test writes itself with `Raw`."""
    return answer.event(name, data)
