"""Makes the plugin available in a clone that was never installed; an installed one is found by its entry point."""

import pytest

pytest_plugins = ["lms_harness_plugin"]


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare pytest-timeout's ini key where that is not installed: `pytest suites` needs no extra."""
    if not pluginmanager.has_plugin("timeout"):
        parser.addini("timeout", "seconds that one test may take (only with pytest-timeout, from the extra [dev])")
