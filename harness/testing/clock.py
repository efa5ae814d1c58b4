"""A clock that moves only when a test advances it or code sleeps on it."""

import threading
from datetime import UTC, datetime, timedelta


class FakeClock:
    """A `Clock` that never waits: `sleep` moves it at once.

    Args:
        start: what `now` returns first.

    Attributes:
        slept: every duration that code slept, in seconds.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._passed_s = 0.0
        self._lock = threading.Lock()
        self.slept: list[float] = []

    def monotonic(self) -> float:
        """Return the seconds that have passed since it was made."""
        return self._passed_s

    def now(self) -> datetime:
        """Return its time of day."""
        return self._start + timedelta(seconds=self._passed_s)

    def sleep(self, seconds: float) -> None:
        """Move it by `seconds` and remember that."""
        self.slept.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move it by `seconds`."""
        with self._lock:
            self._passed_s += seconds
