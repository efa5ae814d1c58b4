"""One connection of a null server: requests in, answers out, on the transport of an event loop."""

import asyncio
from dataclasses import dataclass
from typing import cast

from harness.serving.answer import EVENTS_TYPE, json_bytes
from harness.serving.refusal import error_body
from harness.testing.chat import World
from harness.testing.framing import chunk
from harness.testing.message import Request, Response, json_response
from harness.testing.null.answer import Prepared, native, openai
from harness.testing.null.slots import Job, Slots
from harness.testing.route import CHAT, OPENAI_CHAT, respond

FIGURES = "/null/figures"
"""`GET` returns the counts since the last reset, as JSON."""

RESET = "/null/reset"
"""`POST` with `{"slots": N, "answer_s": S, "warm_ups": W}` counts from zero, and returns the counts until then."""

_OK = 200
_HEAD_END = b"\r\n\r\n"
_MAX_BODY_BYTES = 16 * 1024 * 1024
_EXPRESS = "x-powered-by: Express\r\n"
_STREAM_HEAD = (
    f"HTTP/1.1 200 OK\r\n{_EXPRESS}content-type: {EVENTS_TYPE}\r\n"
    "transfer-encoding: chunked\r\nkeep-alive: timeout=5\r\n\r\n"
).encode()
_ANSWERS = {CHAT: native, OPENAI_CHAT: openai}


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What all connections share."""

    world: World
    slots: Slots
    reply: str | None


class Connection(asyncio.Protocol):
    """Reads one request after the other, and answers them in that order."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._received = bytearray()
        self._job: Job | None = None
        self._has_begun = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection."""
        self._transport = cast(asyncio.Transport, transport)
        self._desk.slots.counts.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  (asyncio's signature)
        """Free the slot of a client that left."""
        if self._job is not None:
            self._desk.slots.abandon(self._job)
            self._job = None

    def data_received(self, data: bytes) -> None:
        """Take what came, and answer if a request is complete."""
        self._received += data
        if self._job is None:
            self._read()

    def _read(self) -> None:
        received = self._received
        end = received.find(_HEAD_END)
        if end < 0:
            return
        head = bytes(received[:end]).decode("latin-1")
        start, *lines = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = headers.get("content-length", "0")
        if "transfer-encoding" in headers or not length.isascii() or not length.isdigit():
            self._refuse("the null server needs a content-length")
            return
        whole = end + len(_HEAD_END) + int(length)
        if int(length) > _MAX_BODY_BYTES or start.count(" ") != 2:  # noqa: PLR2004  (method, target, version)
            self._refuse("not an HTTP request that the null server reads")
            return
        if len(received) < whole:
            return
        body = bytes(received[end + len(_HEAD_END) : whole])
        del received[:whole]
        method, path, _ = start.split(" ")
        self._answer(Request(method=method, path=path, headers=headers, body=body))

    def _answer(self, request: Request) -> None:
        desk = self._desk
        prepare = _ANSWERS.get(request.path) if request.method == "POST" else None
        if prepare is None:
            desk.slots.counts.other_requests += 1
            self._send(request, self._other(request))
            return
        found = prepare(request.body, desk.world.library, reply=desk.reply)
        answer: Prepared | Response = found or respond(desk.world, request, token=None, unknown_status=200)
        if isinstance(answer, Response) and answer.status != _OK:  # A refusal takes no slot.
            self._send(request, answer)
            return
        desk.slots.counts.prompts.add(hash(request.body))
        self._job = Job(begin=lambda: self._begin(answer), finish=lambda: self._finish(request, answer))
        desk.slots.arrive(self._job)

    def _other(self, request: Request) -> Response:
        slots = self._desk.slots
        if (request.method, request.path) == ("GET", FIGURES):
            return json_response(slots.figures())
        if (request.method, request.path) == ("POST", RESET):
            wanted = request.json if isinstance(request.json, dict) else {}
            until_now = slots.figures()
            slots.reset(
                slots=wanted.get("slots", slots.slots),
                answer_s=wanted.get("answer_s", slots.answer_s),
                warm_ups=wanted.get("warm_ups", 0),
            )
            return json_response(until_now)
        return respond(self._desk.world, request, token=None, unknown_status=200)

    def _begin(self, answer: Prepared | Response) -> None:
        # A stream begins when its slot is there. One that takes no time goes out at once, with the rest.
        self._has_begun = isinstance(answer, Prepared) and answer.is_stream and self._desk.slots.answer_s > 0
        if isinstance(answer, Prepared) and self._has_begun:
            self._transport.write(_STREAM_HEAD + chunk(answer.early))

    def _finish(self, request: Request, answer: Prepared | Response) -> None:
        self._job = None
        if isinstance(answer, Response):
            self._send(request, answer)
        elif answer.is_stream:
            begun = b"" if self._has_begun else _STREAM_HEAD + chunk(answer.early)
            self._transport.write(begun + chunk(answer.body) + chunk(b""))
            self._next(request)
        else:
            self._send(request, Response(parts=(answer.body,)))

    def _send(self, request: Request, response: Response) -> None:
        """Send a whole answer; one that streams goes out in one chunk."""
        body = b"".join(response.parts)
        framing = f"content-length: {len(body)}"
        if response.is_stream:
            framing, body = "transfer-encoding: chunked", chunk(body) + chunk(b"")
        phrase = "OK" if response.status == _OK else "Refused"
        head = f"HTTP/1.1 {response.status} {phrase}\r\n{_EXPRESS}content-type: {response.content_type}\r\n{framing}"
        self._transport.write(f"{head}\r\nkeep-alive: timeout=5\r\n\r\n".encode() + body)
        self._next(request)

    def _next(self, request: Request) -> None:
        """Close the connection where the client asked for it, or read its next request."""
        if request.headers.get("connection", "").lower() == "close":
            self._transport.close()
        elif self._received:
            self._read()

    def _refuse(self, reason: str) -> None:
        body = json_bytes(error_body(reason))
        self._transport.write(b"HTTP/1.1 400 Refused\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        self._transport.close()
