"""The compatibility report: as a table for people, as markdown to send, as JSON to compare."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tabulate import tabulate

from harness.contract.check import Finding, State

SCHEMA = "lms-harness-contract/1"
_STATES: tuple[State, ...] = ("did not hold", "could not be checked", "held")
_WIDTHS = (20, 38, 50, 42)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found out about one server.

    Attributes:
        server: `lm-studio`, `embedded` or `unknown`.
        at: when it began, UTC.
        is_complete: False when it was broken off.
        smoke_exit_code: of the smoke suite; None when it was not run.
    """

    url: str
    server: str
    model: str
    at: str
    harness_version: str
    findings: Sequence[Finding]
    is_complete: bool
    smoke_exit_code: int | None = None

    @property
    def counts(self) -> dict[State, int]:
        """How many findings there are of each state."""
        found = Counter(one.state for one in self.findings)
        return {state: found[state] for state in _STATES}

    @property
    def holds(self) -> bool:
        """Whether nothing deviates: everything that could be checked held, and so did the smoke suite."""
        return self.is_complete and not self.counts["did not hold"] and self.smoke_exit_code in {0, None}

    def heading(self) -> str:
        """Return who was looked at, in one line."""
        return f"{self.url} ({self.server}), model {self.model}, lms-harness {self.harness_version}, {self.at}"

    def summary(self) -> str:
        """Return the outcome in one line."""
        told = ", ".join(f"{count} {state}" for state, count in self.counts.items() if count)
        smoke = {None: "smoke suite not run", 0: "smoke suite passed"}.get(
            self.smoke_exit_code, f"smoke suite failed (exit code {self.smoke_exit_code})"
        )
        return f"{told or 'nothing was looked at'}; {smoke}" + ("" if self.is_complete else "; broken off")

    def table(self) -> str:
        """Return all findings as a table for a terminal, what deviates first."""
        return tabulate(self._rows(), headers=_HEADERS, tablefmt="simple", maxcolwidths=list(_WIDTHS))

    def markdown(self) -> str:
        """Return the report as markdown."""
        rows = [[cell.replace("|", "\\|") for cell in row] for row in self._rows()]
        lines = ("# Compatibility report", self.heading(), self.summary(), tabulate(rows, _HEADERS, tablefmt="github"))
        return "\n\n".join(lines) + "\n"

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON can hold it."""
        told = {"schema": SCHEMA, **asdict(self)}
        return told | {"findings": [asdict(one) for one in self.findings], "counts": self.counts}

    def _rows(self) -> list[list[str]]:
        ordered = sorted(self.findings, key=lambda one: _STATES.index(one.state))
        return [[one.state, one.name, one.documented, one.observed] for one in ordered]


_HEADERS = ("", "behaviour", "documented", "observed")
