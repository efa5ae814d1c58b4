"""Time as a port, so that waiting can be tested without waiting."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the harness needs to know about time."""

    def monotonic(self) -> float:
        """Return seconds since an arbitrary origin; never goes back. All durations come from here."""
        ...

    def now(self) -> datetime:
        """Return the wall clock in UTC; for timestamps only."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        ...


class SystemClock:
    """The machine's clock."""

    def monotonic(self) -> float:
        """Return `time.monotonic()`."""
        return time.monotonic()

    def now(self) -> datetime:
        """Return the time of day in UTC."""
        return datetime.now(UTC)  # noqa: TID251  (the one place that reads the wall clock)

    def sleep(self, seconds: float) -> None:
        """Sleep for `seconds`."""
        time.sleep(seconds)


def timestamp(moment: datetime) -> str:
    """Return ISO-8601 UTC with milliseconds and Z, as all records carry it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
