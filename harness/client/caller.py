"""Calls a server: one request, and its answer as JSON or as it is streamed."""

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from harness.client.answer import Assembly, follow, is_event_stream, payload_of, plain_times, server_kind
from harness.client.deadline import Deadlines
from harness.client.direct import DirectTransport, can_be_direct
from harness.client.exchange import Exchange
from harness.client.incoming import Incoming
from harness.client.request import encoded
from harness.clock import Clock
from harness.domain.generation import Generation, Times

if TYPE_CHECKING:
    from harness.client.transport import Transport


class Sender(Protocol):
    """Sends requests, as `Transport` does."""

    def send(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        waits: Mapping[str, float],
        exchange: Exchange | None = None,
    ) -> AbstractContextManager[Incoming]:
        """Send a request and yield its answer."""
        ...


class Caller:
    """Calls one server; may be used by many threads at a time.

    Args:
        url: of the server, normalised.
        token: sent as bearer token unless it is empty.
        deadlines: for each kind of answer.
        clock: for deadlines and times.

    Attributes:
        server_kind: which server answered last: `embedded`, `lm-studio` or `unknown`.
        on_payload: called with the path and the JSON of each plain answer.
    """

    def __init__(self, url: str, *, token: str, deadlines: Deadlines, clock: Clock) -> None:
        self.server_kind = "unknown"
        self.on_payload: Callable[[str, Any], None] | None = None
        self._url = url
        self._deadlines = deadlines
        self._headers = {"user-agent": "lms-harness"} | ({"authorization": f"Bearer {token}"} if token else {})
        self._clock = clock
        self._direct: DirectTransport | None = None
        self._threaded: Transport | None = None
        self._lock = threading.Lock()
        if can_be_direct(url):
            self._direct = DirectTransport(url, headers=self._headers, connect_s=deadlines.connect_s, clock=clock)
        else:
            self._threaded = self._made_threaded()

    def close(self) -> None:
        """Release what the transport holds. Requests in flight continue; cancel them through their exchanges."""
        if self._threaded is not None:
            self._threaded.close()

    def sender(self, *, own_thread: bool = False) -> Sender:
        """Return what sends requests to the server.

        The HTTP library is imported only where it is needed: it takes longer than a request.

        Args:
            own_thread: read the answer in a thread of its own, however slow the caller takes it.
        """
        if self._direct is not None and not own_thread:
            return self._direct
        with self._lock:
            if self._threaded is None:
                self._threaded = self._made_threaded()
            return self._threaded

    def _made_threaded(self) -> "Transport":
        from harness.client.transport import Transport

        return Transport(self._url, headers=self._headers, connect_s=self._deadlines.connect_s, clock=self._clock)

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        waits: Mapping[str, float],
        exchange: Exchange | None = None,
    ) -> tuple[Any, Times]:
        """Return the JSON of the answer and how long it took."""
        data = None if body is None else encoded(body)
        with self.sender().send(method, path, body=data, waits=waits, exchange=exchange) as incoming:
            head = incoming.head()
            self.server_kind = server_kind(head)
            payload, times = payload_of(head, incoming.read(), route=f"{method} {path}"), plain_times(incoming)
        if self.on_payload is not None:
            self.on_payload(path, payload)
        return payload, times

    def generate(
        self,
        path: str,
        body: Mapping[str, Any],
        assembly: Assembly | None,
        *,
        total_s: float | None,
        exchange: Exchange | None,
        sender: Sender | None = None,
    ) -> Generation | tuple[Any, Times]:
        """Return a streamed answer, or the JSON of a plain one; a server may answer plainly though asked to stream."""
        waits = {"total": self._deadlines.total_s if total_s is None else total_s}
        if assembly is None:
            return self.ask("POST", path, body, waits=waits, exchange=exchange)
        idle_s = self._deadlines.idle_s
        waits["idle"] = idle_s
        sender = sender or self.sender()
        with sender.send("POST", path, body=encoded(body), waits=waits, exchange=exchange) as incoming:
            head = incoming.head()
            if is_event_stream(head):
                return follow(incoming, assembly, idle_s=idle_s)
            return payload_of(head, incoming.read(), route=f"POST {path}"), plain_times(incoming)
