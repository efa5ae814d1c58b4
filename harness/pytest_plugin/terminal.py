"""Printing for the person at the terminal, past pytest's capture."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import pytest

from harness.pytest_plugin.state import printed

if TYPE_CHECKING:
    from harness.report.live.progress import LiveProgress

LIVE: "pytest.StashKey[LiveProgress]" = pytest.StashKey()
"""The live view, if this run has one; it makes room for whatever is printed."""


def say(config: pytest.Config, text: str) -> None:
    """Print lines; text of models and servers among them is made safe."""
    if (reporter := config.pluginmanager.get_plugin("terminalreporter")) is not None:
        live = config.stash.get(LIVE, None)
        with live.hidden() if live else nullcontext(), uncaptured(config):
            reporter.ensure_newline()
            if config.get_terminal_writer().width_of_current_line:  # A dot of pytest's.
                reporter.write_line("")
            # Line by line: pytest escapes text that the terminal's encoding lacks, and its line ends with it.
            for line in printed(config, text).split("\n"):
                reporter.write_line(line)
            reporter.flush()


def command_workflow(config: pytest.Config, line: str) -> None:
    """Print a workflow command for GitHub as it is; `report.workflow` has made its texts safe."""
    if (reporter := config.pluginmanager.get_plugin("terminalreporter")) is not None:
        with uncaptured(config):
            reporter.ensure_newline()
            reporter.write_line(line)


@contextmanager
def uncaptured(config: pytest.Config) -> Iterator[None]:
    """Reach the terminal while the block runs."""
    capturing = config.pluginmanager.get_plugin("capturemanager")
    with capturing.global_and_fixture_disabled() if capturing else nullcontext():
        yield
