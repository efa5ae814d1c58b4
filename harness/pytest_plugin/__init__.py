"""The pytest plugin: options, fixtures and collection rules for suites that ask a local model.

It is an edge: it translates between pytest and `harness.run.session`, and decides nothing about models or answers.
Nothing happens (no network, no folder) in a pytest run that collects no test with an `lms_*` fixture. Start with
`fixtures` and `asking`, which are what users see; what the plugin keeps of a pytest run is in `state`.

The marker `lms_task(TASK)` says which task a test runs, so that `--lms-task` can select it and a plan can be made (or
the name of the task that a test with `lms_ask` belongs to);
`lms_before_load` puts a test before the model's lease is acquired, `lms_once` runs a test on the cheapest of the
selected models only, and `lms_thorough` runs it only where latency is measured in full.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

_PARTS = ("options", "benchmark", "collection", "fixtures", "asking", "reporting", "live")


def pytest_addoption(pluginmanager: "pytest.PytestPluginManager") -> None:
    """Register the parts. A list `pytest_plugins` would read the metadata of all installed packages once for each."""
    for part in _PARTS:
        name = f"{__name__}.{part}"
        pluginmanager.register(import_module(name), name)
