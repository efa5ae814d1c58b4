"""An answer that is arriving, whoever reads it from the socket."""

from collections.abc import Iterator
from typing import Protocol

from harness.client.exchange import Exchange
from harness.client.line import Chunk, Connected, End, Failed, Head, HungUp, Report, Written
from harness.clock import Clock
from harness.errors import Cancelled, DeadlineExceeded

MAX_BODY_BYTES = 64 * 1024 * 1024
"""Longer answers are refused."""

START_HINT = "Start LM Studio's server (lms server start), or one without LM Studio (lms-harness serve)."


class Source(Protocol):
    """Where the reports on one connection come from."""

    def next_report(self, *, within_s: float) -> Report | None:
        """Return the next report, or None when none arrives in time."""
        ...


class Incoming:
    """An answer that is arriving. Every wait ends, either with data or with a `HarnessError`."""

    def __init__(self, source: Source, *, url: str, exchange: Exchange, clock: Clock) -> None:
        self._source = source
        self._url = url
        self._exchange = exchange
        self._clock = clock
        self._waits: dict[str, tuple[float, float, str]] = {}
        self.written_at: float | None = None
        self.ended_at: float | None = None

    def wait_at_most(self, phase: str, seconds: float, *, since: float | None = None) -> None:
        """Raise `DeadlineExceeded(phase=…)` for whatever arrives later; setting a phase again restarts it."""
        started = self._clock.monotonic() if since is None else since
        self._waits[phase] = (started + seconds, seconds, phase)

    def head(self) -> Head:
        """Return status and headers once they have arrived."""
        while True:
            report = self._next()
            if isinstance(report, Head):
                if self.written_at is None:  # The server answered before it had read the whole request.
                    self.written_at = report.at
                return report

    def chunks(self) -> Iterator[Chunk]:
        """Yield the body as it arrives, until it is complete."""
        while True:
            report = self._next()
            if isinstance(report, Chunk):
                yield report
            elif isinstance(report, End):
                self.ended_at = report.at
                return

    def read(self) -> bytes:
        """Return the whole body."""
        return b"".join(chunk.data for chunk in self.chunks())

    def _next(self) -> Report:
        until, seconds, phase = min(self._waits.values())
        report = self._source.next_report(within_s=until - self._clock.monotonic())
        if isinstance(report, HungUp) or self._exchange.is_cancelled:
            raise Cancelled("the request was cancelled")
        if report is None or report.at > until:
            raise self._exceeded(phase, seconds)
        if isinstance(report, Failed):
            raise report.error
        if isinstance(report, Connected):
            self._waits.pop("connect", None)
        elif isinstance(report, Written):
            self.written_at = report.at
            self._exchange.on_sent()
        return report

    def _exceeded(self, phase: str, seconds: float) -> DeadlineExceeded:
        if phase == "connect":
            return DeadlineExceeded(
                f"no connection to {self._url} within {seconds:g} s", phase=phase, after_s=seconds, hint=START_HINT
            )
        missing = "progress" if phase == "idle" else "a complete answer"
        return DeadlineExceeded(
            f"{self._url}: {seconds:g} s passed without {missing} ({phase} deadline)", phase=phase, after_s=seconds
        )
