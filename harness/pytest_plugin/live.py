"""The live view at the bottom of a terminal while tests run, plain lines elsewhere."""

import os
import sys
from collections.abc import Generator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import pytest

from harness.pytest_plugin.item import is_measurement, model_key_of, needs_server, task_of
from harness.pytest_plugin.terminal import LIVE, say, uncaptured

if TYPE_CHECKING:
    from harness.report.live.progress import LiveProgress
    from harness.report.progress import PlainProgress


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """Show the run while fixtures load the model."""
    with showing(item.config, item):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Show the run while the model is asked; while something is measured, the picture stands still."""
    with showing(item.config, item, is_still=is_measurement(item)):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Show the run while fixtures release the model."""
    with showing(item.config, item):
        return (yield)


def pytest_enter_pdb(config: pytest.Config) -> None:
    """Leave the terminal to the debugger, for good."""
    if (live := config.stash.get(LIVE, None)) is not None:
        live.close()


def make_progress(config: pytest.Config) -> "PlainProgress | LiveProgress":
    """Return a picture of the run for a terminal, plain lines for everything else."""
    from harness.report.progress import PlainProgress

    with uncaptured(config):
        if _is_ours_alone(config):
            from harness.clock import SystemClock
            from harness.report.live.progress import LiveProgress
            from harness.report.live.region import size_of
            from harness.report.stop import stops_cleanly

            # A copy of the descriptor: the picture is drawn while a test runs and pytest captures the original.
            terminal = os.fdopen(
                os.dup(sys.stdout.fileno()), "w", encoding=sys.stdout.encoding, errors="backslashreplace"
            )
            config.add_cleanup(terminal.close)
            live = LiveProgress(
                terminal,
                say=lambda line: say(config, line),
                clock=SystemClock(),
                column=lambda: config.get_terminal_writer().width_of_current_line,
                size=lambda: size_of(terminal),
            )
            config.stash[LIVE] = live
            config.add_cleanup(live.close)
            config.add_cleanup(stops_cleanly(live))
            return live
    return PlainProgress(lambda line: say(config, line))


def _is_ours_alone(config: pytest.Config) -> bool:
    """Tell whether a picture can be drawn: on a terminal that can, and nothing else prints while a test runs."""
    is_able = sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")
    options = config.option
    is_shared = (
        options.capture not in ("fd", "sys")
        or config.getini("log_cli")
        or options.log_cli_level is not None
        or options.setupshow
        or not config.pluginmanager.has_plugin("terminalreporter")
    )
    return is_able and not os.environ.get("CI") and not is_shared


def showing(
    config: pytest.Config, item: pytest.Item | None = None, *, is_still: bool = False
) -> AbstractContextManager[None]:
    """Show how far the run has got while the block runs: a phase of a test of ours, or the rounds after all tests.

    Between the phases pytest prints what has become of a test.
    """
    live = config.stash.get(LIVE, None)
    if live is None or (item is not None and not needs_server(item)):
        return nullcontext()
    if item is not None and task_of(item) is None and (key := model_key_of(item)) is not None:
        name = getattr(item, "originalname", None) or item.name
        live.doing(key, f"measuring, {name}" if is_measurement(item) else name)
    return live.shown(is_still=is_still)
