"""What the plugin reads off a collected test: its task, its model, and its place in the run."""

from typing import TYPE_CHECKING

import pytest

from harness.pytest_plugin.state import PREFIX

if TYPE_CHECKING:
    from harness.domain.model import Model
    from harness.task.task import Task

PUT_OFF = pytest.StashKey[bool]()
"""On a test that is skipped for now: it gets no record, so a resumed run runs it."""


def needs_server(item: pytest.Item) -> bool:
    """Return whether the test uses one of our fixtures."""
    return any(name.startswith(PREFIX) for name in getattr(item, "fixturenames", ()))


def task_of(item: pytest.Item) -> "Task | None":
    """Return the task that the test runs, from its marker `lms_task`."""
    marker = item.get_closest_marker("lms_task")
    return marker.args[0] if marker else None


def model_of(item: pytest.Item) -> "Model | None":
    """Return the model that the test is about."""
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("lms_model") if callspec else None


def model_key_of(item: pytest.Item) -> str | None:
    """Return the key of the model that the test is about."""
    model = model_of(item)
    return None if model is None else str(model.key)


def is_measurement(item: pytest.Item) -> bool:
    """Return whether the test is a benchmark, which may take as long as the latency budget."""
    return "benchmark" in getattr(item, "fixturenames", ())


def place_of(item: pytest.Item) -> tuple[int, bool]:
    """Return the place in the run: what needs no model first, then model by model, load timings before the lease."""
    callspec = getattr(item, "callspec", None)
    position = callspec.indices.get("lms_model", -1) if callspec else -1
    return position, item.get_closest_marker("lms_before_load") is None
