"""Decodes server-sent events as they arrive (HTML Living Standard, 9.2.6 Interpreting an event stream).

Sans-I/O: bytes in, events out; the bytes may be split anywhere. `id` and `retry` are ignored, as they serve
reconnecting, and a chat cannot be reconnected.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.errors import MalformedAnswer

MAX_EVENT_BYTES = 16 * 1024 * 1024
"""Longer lines and events are refused."""

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSentEvent:
    """One event; `name` is "message" where the stream gives none, as the standard says."""

    name: str
    data: str


class Decoder:
    """Turns the bytes of one stream into events."""

    def __init__(self, *, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_event_bytes = max_event_bytes
        self._line = bytearray()
        self._is_first_line = True
        self._ignores_lf = False
        self._name = ""
        self._data: list[str] = []
        self._event_bytes = 0

    def feed(self, data: bytes) -> Iterator[ServerSentEvent]:
        """Yield the events that these bytes complete. An event that lacks its final empty line is dropped.

        Raises:
            MalformedAnswer: a line or an event is too long.
        """
        # One loop without calls: a token is an event, of three lines, and what is done here is done for each line.
        for line in self._lines(data):
            if not line:
                if self._data:
                    yield ServerSentEvent(name=self._name or "message", data="\n".join(self._data))
                    self._data = []
                self._name, self._event_bytes = "", 0
                continue
            if len(line) + self._event_bytes > self._max_event_bytes:
                raise self._too_long()
            if line.startswith(b":"):  # A comment does not count: keep-alives in a long silence cannot fill an event.
                continue
            self._event_bytes += len(line)
            field, _, value = line.partition(b":")
            if field == b"data":
                self._data.append(value.removeprefix(b" ").decode("utf-8", "replace"))
            elif field == b"event":
                self._name = value.removeprefix(b" ").decode("utf-8", "replace")
        if len(self._line) + self._event_bytes > self._max_event_bytes:
            raise self._too_long()

    def _lines(self, data: bytes) -> list[bytes]:
        """Return the complete lines, which end with CR, LF or CR LF. A CR ends one at once: LF may never follow."""
        if not data:
            return []
        if self._ignores_lf:
            data = data.removeprefix(b"\n")
        self._ignores_lf = data.endswith(b"\r")
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *complete, rest = data.split(b"\n")
        if complete and self._line:
            self._line += complete[0]
            complete[0] = bytes(self._line)
            self._line.clear()
        if complete and self._is_first_line:
            self._is_first_line = False
            complete[0] = complete[0].removeprefix(_BOM)
        self._line += rest
        return complete

    def _too_long(self) -> MalformedAnswer:
        return MalformedAnswer(f"an event of the stream is longer than {self._max_event_bytes} bytes")
