"""The compatibility report: a table for people, Markdown to send, JSON to compare."""

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tabulate import tabulate

from harness.contract.check import ContractFinding, State
from harness.errors import StoreError
from harness.settings import setting

SCHEMA = "lms-harness-contract/1"
_STATES: tuple[State, ...] = ("did not hold", "could not be checked", "held")
_WIDTHS = (20, 38, 50, 42)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an inspection found out about one server.

    Attributes:
        server: `lm-studio`, `embedded` or `unknown`.
        at: when it began, UTC.
        is_complete: False if it was broken off.
        smoke_exit_code: of the smoke suite; None if it was not run.
    """

    url: str
    server: str
    model: str
    at: str
    harness_version: str
    findings: Sequence[ContractFinding]
    is_complete: bool
    smoke_exit_code: int | None = None

    @property
    def counts(self) -> dict[State, int]:
        """How many findings there are of each state."""
        found = Counter(finding.state for finding in self.findings)
        return {state: found[state] for state in _STATES}

    @property
    def holds(self) -> bool:
        """Whether nothing deviates: everything that could be checked held, and so did the smoke suite."""
        return self.is_complete and not self.counts["did not hold"] and self.smoke_exit_code in {0, None}

    def heading(self) -> str:
        """Return which server was inspected, on one line."""
        return f"{self.url} ({self.server}), model {self.model}, lms-harness {self.harness_version}, {self.at}"

    def summary(self) -> str:
        """Return the outcome on one line."""
        counted = ", ".join(f"{count} {state}" for state, count in self.counts.items() if count)
        smoke = {None: "smoke suite not run", 0: "smoke suite passed"}.get(
            self.smoke_exit_code, f"smoke suite failed (exit code {self.smoke_exit_code})"
        )
        return f"{counted or 'nothing was checked'}; {smoke}" + ("" if self.is_complete else "; broken off")

    def table(self) -> str:
        """Return all findings as a table for a terminal, deviations first."""
        return tabulate(self._rows(), headers=_HEADERS, tablefmt="simple", maxcolwidths=list(_WIDTHS))

    def markdown(self) -> str:
        """Return the report as Markdown."""
        rows = [[cell.replace("|", "\\|") for cell in row] for row in self._rows()]
        lines = ("# Compatibility report", self.heading(), self.summary(), tabulate(rows, _HEADERS, tablefmt="github"))
        return "\n\n".join(lines) + "\n"

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON can hold it."""
        return {"schema": SCHEMA, **asdict(self)} | {
            "findings": [asdict(finding) for finding in self.findings],
            "counts": self.counts,
        }

    def _rows(self) -> list[list[str]]:
        ordered = sorted(self.findings, key=lambda finding: _STATES.index(finding.state))
        return [[finding.state, finding.name, finding.documented, finding.observed] for finding in ordered]


_HEADERS = ("", "behaviour", "documented", "observed")


def write(report: Report, stem: Path) -> None:
    """Write the report as Markdown and as JSON.

    Raises:
        StoreError: a file cannot be written.
    """
    texts = {".md": report.markdown(), ".json": json.dumps(report.as_dict(), indent=2) + "\n"}
    for suffix, text in texts.items():
        try:
            stem.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
            # It is meant for other people's eyes, but whatever the umask, not for their hands.
            descriptor = os.open(f"{stem}{suffix}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
        except OSError as exc:
            raise StoreError(
                f"cannot write {stem}{suffix}: {exc.strerror}", hint=f"Name another folder: {setting('results', 'DIR')}"
            ) from exc
