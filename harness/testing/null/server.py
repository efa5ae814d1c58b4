"""The handle of a null server: starts its process, asks it for its counts, ends it."""

import http.client
import json
import queue
import subprocess
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from harness import child
from harness.testing.null.connection import FIGURES, RESET
from harness.testing.null.process import KEY

__all__ = ["KEY", "Figures", "NullServer"]

_READY_S = 60.0
_ANSWER_S = 10.0
_END_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a null server counted since its start or the last reset. A chat is a request to either chat route.

    Attributes:
        slots: how many chats it answers at a time.
        answer_s: how long each holds its slot, in seconds.
        answered: chats that had a whole answer.
        distinct: how many different bodies they had: fewer than were asked means that something was asked again.
        abandoned: chats whose client left before.
        in_flight: chats in a slot or waiting for one, now.
        max_in_flight: the most there were at a time; more than `slots` means that the client queued at the server.
        max_busy: the most slots that were busy at a time.
        queue_s: the sum of all waiting for a slot.
        busy_s: the sum of the time in slots, without the warm-ups that were announced.
        window_s: from the arrival of the first chat that is not one of them to the end of the last.
        first_at: when the first chat arrived, on the machine's monotonic clock; None before it.
        last_at: when the last one left its slot; None before that.
        occupancy: busy_s / (slots x window_s), at most 1; None where answers take no time.
        connections: how many were accepted.
        other_requests: listings, loads, unloads and so on; asking for these figures counts, too.
    """

    slots: int
    answer_s: float
    answered: int
    distinct: int
    abandoned: int
    in_flight: int
    max_in_flight: int
    max_busy: int
    queue_s: float
    busy_s: float
    window_s: float
    first_at: float | None
    last_at: float | None
    occupancy: float | None
    connections: int
    other_requests: int


class NullServer:
    """LM Studio's API in a process of its own; a context manager that ends it.

    It listens on 127.0.0.1, with the model `KEY` loaded and those of the scripted server downloaded. Loads, unloads,
    stored answers and refusals are the scripted server's. Every chat of every instance takes one of the server's slots,
    in the order of arrival. A streamed chat sends its first events when it gets its slot, and the rest when its time is
    over. The process ends with the one that started it, even if that is killed.

        with NullServer(slots=4, answer_s=0.05) as server:
            ask(server.url, model=KEY)
            assert server.figures().max_in_flight == 4

    Args:
        slots: chats that are answered at a time.
        answer_s: how long each holds its slot, in seconds; 0 answers at once.
        reply: what every chat answers; None: its prompt.
        is_loaded: whether the model `KEY` is loaded from the start.

    Attributes:
        url: where it listens, such as `http://127.0.0.1:40123`.
        pid: its process.

    Raises:
        RuntimeError: it did not start; says what it printed.
    """

    def __init__(
        self, *, slots: int = 4, answer_s: float = 0.0, reply: str | None = None, is_loaded: bool = True
    ) -> None:
        words = [f"--slots={slots}", f"--answer-s={answer_s}"]
        words += [] if reply is None else [f"--reply={reply}"]
        words += [] if is_loaded else ["--unloaded"]
        self._process = subprocess.Popen(  # noqa: S603  (our own words)
            child.command("harness.testing.null.process", *words),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C is for the client; what it then sends must still be answered.
            cwd=child.FOLDER,
            env=child.environment(),
        )
        self.pid = self._process.pid
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reading = threading.Thread(target=self._read, name="null-server", daemon=True)
        self._reading.start()
        try:
            self.url = self._lines.get(timeout=_READY_S).strip()
        except queue.Empty:
            self.url = ""
        if not self.url.startswith("http://"):
            self.close()
            raise RuntimeError(f"the null server did not start: {self.url or 'it printed nothing'}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def figures(self) -> Figures:
        """Return what was counted since the start or the last reset."""
        return Figures(**self._ask("GET", FIGURES, None))

    def reset(self, *, slots: int | None = None, answer_s: float | None = None, warm_ups: int = 0) -> Figures:
        """Count from zero, with these slots and this time from now on (None: as they are); return the counts until now.

        The listing still shows the slots that the server started with. The next `warm_ups` chats are left out of the
        occupancy.
        """
        wanted = {"slots": slots, "answer_s": answer_s, "warm_ups": warm_ups}
        given = {name: value for name, value in wanted.items() if value is not None}
        return Figures(**self._ask("POST", RESET, given))

    def close(self) -> None:
        """End the process; harmless when repeated."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(_END_S)
        self._reading.join(_END_S)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _ask(self, method: str, path: str, payload: dict[str, Any] | None) -> dict[str, Any]:
        host = self.url.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=_ANSWER_S)
        try:
            connection.request(method, path, None if payload is None else json.dumps(payload))
            found: dict[str, Any] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return found

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._lines.put(line)
        self._lines.put("")
