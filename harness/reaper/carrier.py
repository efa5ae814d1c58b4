"""The run's side of a chat that its reaper sends: looks like the transport of the client."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from harness.client.exchange import Exchange
from harness.client.incoming import Incoming
from harness.client.line import Chunk, Connected, End, Failed, Head, Line, Written
from harness.clock import Clock
from harness.errors import HarnessError

Chat = Callable[[Mapping[str, Any], float], Iterator[Mapping[str, Any]]]
"""Lets the reaper send a chat with this body within so many seconds, and yields its replies."""


class Carrier:
    """Carries chats for `Client.chat(carrier=...)`.

    Args:
        chat: lets the reaper send one.
        url: of the server, for messages.
        clock: for deadlines and times.
    """

    def __init__(self, chat: Chat, *, url: str, clock: Clock) -> None:
        self._chat = chat
        self._url = url
        self._clock = clock

    @contextmanager
    def send(
        self,
        method: str,  # noqa: ARG002  (always POST /api/v1/chat)
        path: str,  # noqa: ARG002
        *,
        body: bytes | None = None,
        waits: Mapping[str, float],
        exchange: Exchange | None = None,
    ) -> Iterator[Incoming]:
        """Yield the answer; the arguments are those of `Transport.send`.

        Leaving the context does not end the chat: the lease is undone, and with it the chat, by `ReaperLink.undo`.
        """
        exchange = Exchange() if exchange is None else exchange
        line = Line()
        exchange.attach(line)
        try:
            incoming = Incoming(line, url=self._url, exchange=exchange, clock=self._clock)
            for phase, seconds in waits.items():
                incoming.wait_at_most(phase, seconds)
            arguments = (json.loads(body or b"{}"), max(waits.values()), line)
            threading.Thread(target=self._pass_on, args=arguments, name="lms-carrier", daemon=True).start()
            yield incoming
        finally:
            exchange.detach(line)
            line.hang_up(at=self._clock.monotonic())

    def _pass_on(self, body: Mapping[str, Any], deadline_s: float, line: Line) -> None:
        """Run in a thread: report what the reaper passes on, as the reading thread of a transport does."""
        now = self._clock.monotonic
        line.report(Connected(at=now()))
        line.report(Written(at=now()))
        try:
            for reply in self._chat(body, deadline_s):
                if "status" in reply:
                    line.report(Head(at=now(), status=reply["status"], headers={"content-type": reply["content_type"]}))
                elif "data" in reply:
                    line.report(Chunk(at=now(), data=reply["data"].encode("latin-1")))
            line.report(End(at=now()))
        except HarnessError as exc:
            line.report(Failed(at=now(), error=exc))
        finally:
            line.close()
