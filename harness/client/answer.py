"""Turns what arrives over a connection into a JSON value or a streamed answer."""

from http import HTTPStatus
from typing import Any, Protocol

from harness.client.fault import fault_in, unreadable
from harness.client.incoming import Incoming
from harness.client.line import Head
from harness.client.sse import Decoder, ServerSentEvent
from harness.client.wire import read_json
from harness.domain.generation import Generation, Times
from harness.errors import ConnectionLost, DeadlineExceeded, MalformedAnswer, NotLMStudio

_TAIL_S = 1.0
"""How long the body may take to end after the last event, when everything that matters has arrived."""


class Assembly(Protocol):
    """Collects the events of one streamed answer."""

    @property
    def is_complete(self) -> bool:
        """Whether the last event has arrived."""
        ...

    def add(self, event: ServerSentEvent, *, at: float) -> bool:
        """Take in an event that arrived `at` this moment, and return whether the server made progress."""
        ...

    def generation(self, *, written_at: float, ended_at: float) -> Generation:
        """Return the answer."""
        ...


def server_kind(head: Head) -> str:
    """Return which server answers: `embedded` (our own), `lm-studio` (recognised by Express) or `unknown`."""
    if head.headers.get("server", "").startswith("lms-harness-embedded"):
        return "embedded"
    return "lm-studio" if "express" in head.headers.get("x-powered-by", "").lower() else "unknown"


def is_event_stream(head: Head) -> bool:
    """Return whether events follow; an error before the first event arrives as plain JSON."""
    return head.status == HTTPStatus.OK and head.content_type == "text/event-stream"


def payload_of(head: Head, data: bytes, *, route: str) -> Any:
    """Return the JSON value of a successful answer.

    Raises:
        ApiError, ProtocolError: the answer is an error (whatever its status), is not JSON, or is a redirect.
    """
    if HTTPStatus.MULTIPLE_CHOICES <= head.status < HTTPStatus.BAD_REQUEST:
        raise NotLMStudio(
            f"{route} is redirected to {head.headers.get('location', 'nowhere')}, and redirects are not followed",
            hint="Use the address where LM Studio itself listens.",
        )
    try:
        payload = read_json(data)
    except MalformedAnswer:
        if head.status >= HTTPStatus.BAD_REQUEST:
            raise unreadable(status=head.status, route=route) from None
        raise
    fault = fault_in(payload, status=head.status, route=route)
    if fault is not None:
        raise fault
    return payload


def plain_times(incoming: Incoming) -> Times:
    """Return the times of an answer that was read as a whole."""
    if incoming.written_at is None or incoming.ended_at is None:
        raise AssertionError("the answer has not been read to its end")
    took_s = incoming.ended_at - incoming.written_at
    return Times(e2e_s=took_s, total_s=took_s)


def follow(incoming: Incoming, assembly: Assembly, *, idle_s: float) -> Generation:
    """Read events to the end of the stream and return the answer.

    Raises:
        DeadlineExceeded: `idle_s` passed without progress, or the total deadline.
        HarnessError: what `assembly` says about the events.
    """
    decoder = Decoder()
    last_at = incoming.written_at or 0.0
    try:
        for chunk in incoming.chunks():
            last_at = chunk.at
            has_progressed = False
            for event in decoder.feed(chunk.data):
                has_progressed |= assembly.add(event, at=chunk.at)
            if has_progressed:
                incoming.wait_at_most("idle", idle_s, since=chunk.at)
            if assembly.is_complete:
                incoming.wait_at_most("tail", _TAIL_S, since=chunk.at)
    except (ConnectionLost, DeadlineExceeded):
        if not assembly.is_complete:
            raise
    return assembly.generation(written_at=incoming.written_at or last_at, ended_at=incoming.ended_at or last_at)
