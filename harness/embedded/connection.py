"""One connection of a client: requests that drip or idle are closed in time, half-closed ones get their answer."""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

_LOOK_S = 0.5


class Connection(H11Protocol):
    """uvicorn's connection, which by itself waits without limit, and closes as soon as its client writes no more."""

    request_deadline_s = 30.0
    """From the connection, or the first byte after an answer, to a whole request. Bytes in between do not extend it."""

    _deadline: asyncio.TimerHandle | None = None
    _look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._set_deadline()

    def data_received(self, data: bytes) -> None:
        """Take in bytes of a request."""
        super().data_received(data)
        self._set_deadline()

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Keep a connection whose client writes no more: it may have shut its side, or be gone.

        Only sending shows which, because a client that is gone answers with a reset. So until the answer begins, an
        interim `100 Continue` is sent now and then, which HTTP/1.1 clients pass over; later the answer itself shows it.
        """
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.more_body or cycle.response_complete:
            return None
        if cycle.scope["http_version"] != "1.1" and not cycle.response_started:
            return None
        cycle.keep_alive = False
        self._look_for_client()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        for timer in (self._deadline, self._look):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def _set_deadline(self) -> None:
        is_waiting = self.conn.their_state in {h11.IDLE, h11.SEND_BODY}
        if is_waiting and self._deadline is None:
            self._deadline = self.loop.call_later(self.request_deadline_s, self.transport.close)
        elif not is_waiting and self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _look_for_client(self) -> None:
        if self.transport.is_closing() or self.cycle.response_started:
            return
        self.transport.write(
            self.conn.send(h11.InformationalResponse(status_code=100, headers=[], reason="Continue")) or b""
        )
        self._look = self.loop.call_later(_LOOK_S, self._look_for_client)
