"""A server as the reaper sees it: load, list, unload, with the standard library alone.

The reaper is there in every run and hardly ever has anything to do, so it must start in milliseconds and be small;
it must also work when the packages of its environment are being replaced under it.
"""

import contextlib
import json
import queue
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.client.address import is_loopback

_MAX_BODY_BYTES = 64 * 1024 * 1024
_LIST_DEADLINE_S = 10.0
_UNLOAD_DEADLINE_S = 60.0


class ServerTrouble(Exception):
    """No answer that means anything.

    Attributes:
        is_refused: nothing was sent, for nobody listens there.
        is_late: a deadline passed.
    """

    def __init__(self, said: str, *, is_refused: bool = False, is_late: bool = False) -> None:
        super().__init__(said)
        self.is_refused = is_refused
        self.is_late = is_late


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A loaded instance, as the listing shows it."""

    id: str
    model_key: str
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawAnswer:
    """An answer as it came."""

    status: int
    body: bytes = field(repr=False)

    @property
    def value(self) -> dict[str, Any]:
        """The JSON object that it holds; {} where it holds none."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}


class PlainServer:
    """LM Studio's native API at `url`; each call ends by a deadline, whatever the server does.

    Loopback addresses use no proxy; redirects are not followed.
    """

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self._headers = {"Content-Type": "application/json", "User-Agent": "lms-harness", "Connection": "close"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
        if is_loopback(url):
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)

    def load(self, body: Mapping[str, Any], *, deadline_s: float) -> RawAnswer:
        """Load one more instance and return what the server says.

        Raises:
            ServerTrouble: it says nothing; it may have loaded all the same, unless `is_refused`.
        """
        return self._ask("POST", "/api/v1/models/load", body, deadline_s)

    def listing(self) -> list[Listed]:
        """Return all loaded instances.

        Raises:
            ServerTrouble: there is no listing.
        """
        answer = self._ask("GET", "/api/v1/models", None, _LIST_DEADLINE_S)
        models = answer.value.get("models")
        if not isinstance(models, list):
            raise ServerTrouble(f"HTTP {answer.status} without a listing of the models")
        with contextlib.suppress(KeyError, TypeError, AttributeError):
            return [
                Listed(id=str(one["id"]), model_key=str(model["key"]), config=one.get("config") or {})
                for model in models
                for one in model.get("loaded_instances") or ()
            ]
        raise ServerTrouble("a listing that cannot be read")

    def unload(self, instance_id: str) -> None:
        """Ask to unload exactly this instance; whether it is gone, the listing tells.

        Raises:
            ServerTrouble: there was no answer.
        """
        self._ask("POST", "/api/v1/models/unload", {"instance_id": instance_id}, _UNLOAD_DEADLINE_S)

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None, deadline_s: float) -> RawAnswer:
        data = None if body is None else json.dumps(body).encode("ascii")
        request = urllib.request.Request(self.url + path, data, self._headers, method=method)  # noqa: S310  (http only)
        done: queue.SimpleQueue[RawAnswer | ServerTrouble] = queue.SimpleQueue()
        # A socket's timeout starts anew with each byte, so a thread reads and this one waits.
        reading = threading.Thread(target=self._read, args=(request, deadline_s, done), daemon=True)
        reading.start()
        try:
            result = done.get(timeout=min(deadline_s, threading.TIMEOUT_MAX))
        except queue.Empty:
            raise ServerTrouble(f"no complete answer in {deadline_s:g} s", is_late=True) from None
        if isinstance(result, ServerTrouble):
            raise result
        return result

    def _read(
        self, request: urllib.request.Request, timeout_s: float, done: "queue.SimpleQueue[RawAnswer | ServerTrouble]"
    ) -> None:
        started = time.monotonic()
        try:
            try:
                response = self._opener.open(request, timeout=timeout_s)
            except urllib.error.HTTPError as exc:  # An answer all the same.
                response = exc
            with response:
                done.put(RawAnswer(status=response.status or 0, body=_whole_body(response)))
        except Exception as exc:  # noqa: BLE001  (this thread has nobody to raise to; the waiting one gets it)
            reason = getattr(exc, "reason", exc)
            is_late = isinstance(reason, TimeoutError) or time.monotonic() - started >= timeout_s
            done.put(
                ServerTrouble(
                    f"{type(reason).__name__}: {reason}",
                    is_refused=isinstance(reason, ConnectionRefusedError | socket.gaierror), is_late=is_late,
                )
            )  # fmt: skip


def _whole_body(response: Any) -> bytes:
    body: bytes = response.read(_MAX_BODY_BYTES)
    if response.length:  # `read(n)` does not complain when the connection ends too early.
        raise ConnectionError(f"it ended {response.length} bytes too early")
    return body


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Following one would carry the token to whoever is named."""

    def redirect_request(self, *_: Any) -> None:
        """Follow none: the answer is then an error with the status of the redirect."""
