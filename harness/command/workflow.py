"""What a step on GitHub leaves behind: its summary."""

import os
from collections.abc import Mapping
from pathlib import Path

from harness.errors import StoreError
from harness.report.workflow import SUMMARY_BYTES, summary
from harness.verdict.gate import Night


def is_on_github(environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether this process is a step of a GitHub workflow."""
    return environ.get("GITHUB_ACTIONS") == "true"


def add_to_summary(night: Night, environ: Mapping[str, str] = os.environ) -> None:
    """Append a night to the step's summary, if there is one: as much of it as GitHub takes.

    Raises:
        StoreError: it cannot be written.
    """
    name = environ.get("GITHUB_STEP_SUMMARY")
    if not name:
        return
    path = Path(name)
    try:
        taken = path.stat().st_size if path.exists() else 0
        with path.open("a", encoding="utf-8") as file:
            file.write(summary(night, limit_bytes=max(0, SUMMARY_BYTES - taken)))
    except (OSError, ValueError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else exc
        raise StoreError(f"the step summary cannot be written to {path}: {why}") from exc
