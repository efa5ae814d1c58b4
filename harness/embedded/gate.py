"""What every request passes before it reaches a route: from whom it comes, what it carries, who may ask."""

import hmac
from collections.abc import Mapping
from importlib import metadata

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harness.serving.answer import JSON_TYPE, json_bytes
from harness.serving.refusal import Refusal, no_token, wrong_token

MAX_BODY_BYTES = 8 * 1024 * 1024
"""A prompt of a million tokens has some 4 MiB. While it is parsed, a text of 8 MiB takes up to 100 MB: a single wide
character makes all of it four bytes wide."""

_MAX_BYTES_AT_A_TIME = 64 * 1024 * 1024
"""Of the bodies of all requests together."""

_JSON = "application/json"
SERVER_NAME = "lms-harness-embedded"


class Gate:
    """An ASGI application around the routes, which refuses what must not reach them and names the server.

    Args:
        app: the routes.
        token: demanded on every route but the greeting; None: authentication is off.
        hosts: the Host headers that mean this server, in lower case; others are DNS rebinding, or a mistake.
    """

    def __init__(self, app: ASGIApp, *, token: str | None, hosts: frozenset[str]) -> None:
        self._app = app
        self._token = token
        self._hosts = hosts
        self._name = f"{SERVER_NAME}/{_version()}".encode()
        self._bytes_held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def named_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"server", self._name)]
            await send(message)

        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if refusal := self._refusal(scope["path"], headers):
            answer = Response(json_bytes(refusal.body), refusal.status, media_type=JSON_TYPE)
            await answer(scope, receive, named_send)
            return
        body = _BoundedBody(self, receive)
        try:
            await self._app(scope, body.receive, named_send)
        except ClientDisconnect:
            return
        finally:
            self._bytes_held -= body.size

    def hold(self, size: int) -> None:
        """Count bytes of a body that is being read.

        Raises:
            Refusal: 503, there are too many at a time.
        """
        self._bytes_held += size
        if self._bytes_held > _MAX_BYTES_AT_A_TIME:
            raise Refusal(503, "Too many large requests at a time: try again later", code="server_busy")

    def _refusal(self, path: str, headers: Mapping[str, str]) -> Refusal | None:
        host = headers.get("host", "").lower()
        if host not in self._hosts:
            return Refusal(403, "The Host header names another server", code="invalid_host")
        if not _is_own_page(host, headers):
            return Refusal(403, "Requests from web pages of other origins are refused", code="invalid_origin")
        if int(headers.get("content-length", "0") or 0) > MAX_BODY_BYTES:
            return _too_large()
        if _has_body(headers) and headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
            return Refusal(415, f"Expected a body with Content-Type: {_JSON}", code="unsupported_media_type")
        return None if self._token is None or path == "/lmstudio-greeting" else _unauthorised(headers, self._token)


def _unauthorised(headers: Mapping[str, str], token: str) -> Refusal | None:
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not given:
        return no_token()
    return None if hmac.compare_digest(given.encode(), token.encode()) else wrong_token(given)


def _is_own_page(host: str, headers: Mapping[str, str]) -> bool:
    """Tell whether a browser sent this for a page of this very server, or no browser did.

    A page of any origin may send `text/plain`, or no body at all, without a preflight; the browser names its origin.
    """
    if headers.get("sec-fetch-site", "none").lower() not in {"none", "same-origin"}:
        return False
    origin = headers.get("origin")
    return origin is None or origin.lower() == f"http://{host}"


def _has_body(headers: Mapping[str, str]) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _too_large() -> Refusal:
    return Refusal(413, f"Request bodies are limited to {MAX_BODY_BYTES // 2**20} MiB", code="body_too_large")


class _BoundedBody:
    """Counts what is received of one body, which may have come without a length."""

    def __init__(self, gate: Gate, receive: Receive) -> None:
        self._gate = gate
        self._receive = receive
        self.size = 0

    async def receive(self) -> Message:
        """Return the next message; raises a `Refusal` where the body goes over a limit."""
        message = await self._receive()
        size = len(message.get("body", b""))
        self.size += size
        self._gate.hold(size)
        if self.size > MAX_BODY_BYTES:
            raise _too_large()
        return message


def _version() -> str:
    try:
        return metadata.version("lmstudio-harness")
    except metadata.PackageNotFoundError:
        return "unknown"
