"""Options, ini keys and markers of the plugin."""

import argparse
from collections.abc import Iterator
from typing import Any, Literal

import pytest

from harness.errors import HarnessError
from harness.pytest_plugin.state import PREFIX, is_anything_given, printed, settings_of
from harness.settings import OPTIONS, RETIRED, Surface


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer every option of `harness.settings.OPTIONS` as `--lms-…` and, except the token, as ini key `lms_…`."""
    group = parser.getgroup("lms", "local models in LM Studio")
    for option in OPTIONS:
        is_list = option.repeat or option.is_single
        how: dict[str, Any] = {"action": "append" if is_list else "store", "metavar": option.metavar}
        if option.is_flag:
            how = {"action": "store_const", "const": "yes"}
        flag = Surface.PYTEST.spell(option.name)
        group.addoption(flag, dest=PREFIX + option.name, help=Surface.PYTEST.render(option.help), **how)
        if option.name != "token":
            kind: Literal["args", "string"] = "args" if option.repeat else "string"
            ini_help = f"{Surface.INI.render(option.help)} (as {flag})"
            parser.addini(Surface.INI.spell(option.name), ini_help, type=kind, default=None)
    for name in RETIRED:
        group.addoption(f"--lms-{name}", dest=PREFIX + name, action="store_true", help=argparse.SUPPRESS)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers; refuse a wrong option at once, even if no test needs it."""
    config.addinivalue_line(
        "markers", "lms_task(task): the test runs this harness.Task, or with lms_ask is part of this name"
    )
    config.addinivalue_line("markers", "lms_before_load: the test runs before its model's lease is acquired")
    config.addinivalue_line("markers", "lms_any_model: the test is about chat models and embedding models alike")
    config.addinivalue_line("markers", "lms_embedding: the test is about embedding models, not chat models")
    config.addinivalue_line("markers", "lms_once: the test runs on the cheapest selected model only")
    config.addinivalue_line("markers", "lms_thorough: the test measures for minutes, and runs with --lms-thorough only")
    try:
        for name in RETIRED:
            if config.getoption(PREFIX + name):
                from harness.settings import retired

                raise retired(f"--lms-{name}", name, Surface.PYTEST)
        for name in _unknown_ini(config):
            from harness.settings import unknown_ini

            raise unknown_ini(name)
        # A wrong ini value or variable concerns only tests that need a model, so it is reported when one is collected.
        if is_anything_given(config):
            settings_of(config)
    except HarnessError as exc:
        raise pytest.UsageError(printed(config, str(exc))) from None


def _unknown_ini(config: pytest.Config) -> Iterator[str]:
    """Yield the ini keys `lms_…` that nothing has registered; pytest has no public way to list an ini file's keys."""
    for name in getattr(config, "_inicfg", ()):
        if name.startswith(PREFIX):
            try:
                config.getini(name)
            except ValueError:
                yield name
