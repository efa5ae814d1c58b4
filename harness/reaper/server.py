"""A server as the reaper sees it: load, list, unload, with the standard library alone.

The reaper is there in every run and hardly ever has anything to do, so it must start in milliseconds and be small;
it must also work when the packages of its environment are being replaced under it.
"""

import contextlib
import http.client
import json
import queue
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from harness.client.address import is_loopback
from harness.reaper.answer import Listed, RawAnswer, ServerTrouble

_MAX_BODY_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 65536
_LIST_DEADLINE_S = 10.0
_UNLOAD_DEADLINE_S = 60.0


class Answering:
    """An answer that is being read, and that another thread may break off."""

    def __init__(self, response: Any) -> None:
        self._response = response
        self.status = int(response.status or 0)
        self.content_type = str(response.headers.get("content-type", ""))

    @property
    def is_event_stream(self) -> bool:
        """Whether events follow; an error before the first event comes as plain JSON."""
        return self.content_type.partition(";")[0].strip().lower() == "text/event-stream"

    def read(self) -> bytes:
        """Return the next bytes as soon as there are any; empty at the end.

        Raises:
            ServerTrouble: the connection broke.
        """
        try:
            data: bytes = self._response.read1(_CHUNK_BYTES)
        except (OSError, http.client.HTTPException) as exc:
            raise ServerTrouble(f"{type(exc).__name__}: {exc}") from exc
        if not data and self._response.length:
            raise ServerTrouble(f"it ended {self._response.length} bytes too early")
        return data

    def hang_up(self) -> None:
        """Break the connection, which wakes a read that is waiting."""
        # urllib has no public way to the socket, and closing the response would wait for the read.
        with contextlib.suppress(OSError, AttributeError):
            self._response.fp.raw._sock.shutdown(socket.SHUT_RDWR)  # noqa: SLF001


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

    @contextlib.contextmanager
    def chat(self, body: Mapping[str, Any], *, deadline_s: float) -> Iterator[Answering]:
        """Send a streamed chat and yield its answer; it is broken off when the block ends, or the deadline has passed.

        Raises:
            ServerTrouble: there is none.
        """
        request = self._request("POST", "/api/v1/chat", body)
        try:
            try:
                response = self._opener.open(request, timeout=deadline_s)
            except urllib.error.HTTPError as exc:  # An answer all the same.
                response = exc  # Not its `fp`, which it closes when it is collected.
        except (OSError, http.client.HTTPException) as exc:
            raise _trouble(exc) from exc
        answering = Answering(response)
        watchdog = threading.Timer(min(deadline_s, threading.TIMEOUT_MAX), answering.hang_up)
        watchdog.daemon = True
        watchdog.start()
        try:
            yield answering
        finally:
            watchdog.cancel()
            answering.hang_up()
            response.close()

    def listing(self) -> list[Listed]:
        """Return all loaded instances; an entry that cannot be read is left out.

        Raises:
            ServerTrouble: there is no listing.
        """
        answer = self._ask("GET", "/api/v1/models", None, _LIST_DEADLINE_S)
        models = answer.value.get("models")
        if not isinstance(models, list):
            raise ServerTrouble(f"HTTP {answer.status} without a listing of the models")
        return list(_listed(models))

    def unload(self, instance_id: str) -> None:
        """Ask to unload exactly this instance; whether it is gone, the listing tells.

        Raises:
            ServerTrouble: there was no answer.
        """
        self._ask("POST", "/api/v1/models/unload", {"instance_id": instance_id}, _UNLOAD_DEADLINE_S)

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None) -> urllib.request.Request:
        data = None if body is None else json.dumps(body).encode("ascii")
        return urllib.request.Request(self.url + path, data, self._headers, method=method)  # noqa: S310  (http only)

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None, deadline_s: float) -> RawAnswer:
        request = self._request(method, path, body)
        done: queue.SimpleQueue[RawAnswer | ServerTrouble] = queue.SimpleQueue()
        # A socket's timeout starts again with each byte, so a thread reads and this one waits.
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
        except Exception as exc:  # noqa: BLE001  (the waiting thread gets it)
            done.put(_trouble(exc, is_late=time.monotonic() - started >= timeout_s))


def _trouble(error: Exception, *, is_late: bool = False) -> ServerTrouble:
    reason = getattr(error, "reason", error)
    return ServerTrouble(
        f"{type(reason).__name__}: {reason}",
        is_refused=isinstance(reason, ConnectionRefusedError | socket.gaierror),
        is_late=is_late or isinstance(reason, TimeoutError),
    )


def _listed(models: list[Any]) -> Iterator[Listed]:
    for model in models:
        key = model.get("key") if isinstance(model, dict) else None
        instances = model.get("loaded_instances") if isinstance(model, dict) else None
        for instance in instances if isinstance(instances, list) else ():
            if isinstance(instance, dict) and isinstance(instance.get("id"), str):
                config = instance.get("config")
                yield Listed(id=instance["id"], model_key=str(key), config=config if isinstance(config, dict) else {})


def _whole_body(response: Any) -> bytes:
    body: bytes = response.read(_MAX_BODY_BYTES)
    if response.length:  # `read(n)` does not complain when the connection ends too early.
        raise ConnectionError(f"it ended {response.length} bytes too early")
    return body


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Following one would carry the token to whoever is named."""

    def redirect_request(self, *_: Any) -> None:
        """Follow none: the answer is then an error with the status of the redirect."""
