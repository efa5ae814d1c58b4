"""Printing for the person at the terminal, past pytest's capture."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import pytest

from harness.pytest_plugin.state import printed

if TYPE_CHECKING:
    from harness.report.progress import LiveProgress, PlainProgress


def say(config: pytest.Config, text: str) -> None:
    """Print lines; text of models and servers among them is made safe."""
    if (reporter := config.pluginmanager.get_plugin("terminalreporter")) is not None:
        with _uncaptured(config):
            reporter.ensure_newline()
            # Line by line: pytest escapes text that the terminal's encoding lacks, and its line ends with it.
            for line in printed(config, text).split("\n"):
                reporter.write_line(line)
            reporter.flush()


def make_progress(config: pytest.Config) -> "PlainProgress | LiveProgress":
    """Return a live line for a terminal, plain lines for everything else."""
    from harness.report.progress import LiveProgress, PlainProgress

    with _uncaptured(config):
        if sys.stdout.isatty() and not os.environ.get("CI"):
            # A copy of the descriptor: the bar is drawn while a test runs and pytest captures the original.
            terminal = os.fdopen(
                os.dup(sys.stdout.fileno()), "w", encoding=sys.stdout.encoding, errors="backslashreplace"
            )
            config.add_cleanup(terminal.close)
            return LiveProgress(terminal)
    return PlainProgress(lambda line: say(config, line))


@contextmanager
def _uncaptured(config: pytest.Config) -> Iterator[None]:
    capturing = config.pluginmanager.get_plugin("capturemanager")
    with capturing.global_and_fixture_disabled() if capturing else nullcontext():
        yield
