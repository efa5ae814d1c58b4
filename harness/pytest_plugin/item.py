"""What the plugin reads off a collected test: its task, its model, and its place in the run."""

import ast
import inspect
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from harness.pytest_plugin.state import PREFIX
from harness.report.text import one_line

if TYPE_CHECKING:
    from harness.domain.model import Model
    from harness.run.free_form import Case
    from harness.task.task import Task

_LONGEST_ID = 200
PUT_OFF = pytest.StashKey[bool]()
"""On a test that is skipped for now: it gets no record, so a resumed run runs it."""


def needs_server(item: pytest.Item) -> bool:
    """Return whether the test uses one of our fixtures."""
    return any(name.startswith(PREFIX) for name in getattr(item, "fixturenames", ()))


def task_of(item: pytest.Item) -> "Task | None":
    """Return the task that the test runs, from its marker `lms_task`; None also where `marker_fault` finds it wrong."""
    marked = _marked(item)
    if marked is None or isinstance(marked, str):
        return None
    from harness.task.task import Task

    return marked if isinstance(marked, Task) else None


def task_name_of(item: pytest.Item) -> str | None:
    """Return the name of the test's task; that of a free-form test is the test's, unless its marker names another."""
    if (task := task_of(item)) is not None:
        return task.name
    if isinstance(marked := _marked(item), str):
        return marked
    return _test_of(item)[0] if is_free_form(item) else None


def is_free_form(item: pytest.Item) -> bool:
    """Return whether the test asks for itself, with `lms_ask`."""
    return "lms_ask" in getattr(item, "fixturenames", ())


def marker_fault(item: pytest.Item) -> str:
    """Return what is wrong with the test's marker `lms_task`; "" if nothing is."""
    from harness.domain.sample import is_unicode
    from harness.task.task import Task

    marker = item.get_closest_marker("lms_task")
    if marker is None:
        return ""
    task = marker.args[0] if marker.args else None
    if isinstance(task, str) and task.strip() and is_unicode(task) and is_free_form(item):
        return ""
    if isinstance(task, Task) and not is_free_form(item):
        return ""
    expected = 'the name of a task, such as "capitals", because the test uses lms_ask'
    return f"{item.nodeid}: lms_task: expected {expected if is_free_form(item) else 'a harness.Task'}, got {task!r}"


def case_of(item: pytest.Item) -> "Case":
    """Return a free-form test as an item of its task."""
    from harness.run.free_form import Case

    test, parameters = _test_of(item)
    task = _marked(item)
    is_named = isinstance(task, str)
    whole = f"{test}[{parameters}]" if parameters else test
    return Case(
        test=item.nodeid,
        task=task if isinstance(task, str) else test,
        item_id=whole if is_named else parameters or test.rpartition("::")[2],
        model_key=model_key_of(item) or "",
        source=_source(item),
    )


def _marked(item: pytest.Item) -> object:
    marker = item.get_closest_marker("lms_task")
    return marker.args[0] if marker and marker.args else None


def _test_of(item: pytest.Item) -> tuple[str, str]:
    """Return the node id of the test function, and the id of its parameters without the model's."""
    callspec = getattr(item, "callspec", None)
    if callspec is None:
        return item.nodeid, ""
    test = item.nodeid.removesuffix(f"[{callspec.id}]")
    # pytest escapes what is not ASCII in an id.
    key = model_of(item)
    model = model_id(key).encode("unicode_escape").decode("ascii") if key else ""
    for before, after in ((f"{model}-", ""), ("", f"-{model}")):
        if callspec.id.startswith(before) and callspec.id.endswith(after):
            return test, callspec.id[len(before) : len(callspec.id) - len(after)]
    return test, "" if callspec.id == model else callspec.id.replace(f"-{model}-", "-", 1)


def _source(item: pytest.Item) -> str:
    """Return the code of a test without comments and layout; "" where it cannot be read."""
    try:
        source = textwrap.dedent(inspect.getsource(getattr(item, "obj", None)))  # type: ignore[arg-type]
        return ast.unparse(ast.parse(source))
    except (OSError, TypeError, SyntaxError, ValueError):
        return ""


def model_of(item: pytest.Item) -> "Model | None":
    """Return the model that the test is about."""
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("lms_model") if callspec else None


def model_key_of(item: pytest.Item) -> str | None:
    """Return the name of the candidate that the test is about: its model's key, or `key@level`."""
    model = model_of(item)
    return None if model is None else model.name


def model_id(model: "Model") -> str:
    """Return what stands for a model in the ids of tests: pytest prints them, so its key must not hold a CI command."""
    return one_line(model.name, limit=_LONGEST_ID)


def is_about(item: pytest.Item, model: "Model") -> bool:
    """Return whether the test is about models of this kind: embedding models, chat models, or any.

    Its task says so, or else its marker; without one it is about chat models.
    """
    if (task := task_of(item)) is not None:
        return task.needs.embedding == model.is_embedding
    if item.get_closest_marker("lms_any_model") is not None:
        return True
    return (item.get_closest_marker("lms_embedding") is not None) == model.is_embedding


def is_measurement(item: pytest.Item) -> bool:
    """Return whether the test is a benchmark, which may take as long as the latency budget, or a thorough one."""
    return "benchmark" in getattr(item, "fixturenames", ()) or is_thorough(item)


def is_thorough(item: pytest.Item) -> bool:
    """Return whether the test runs only where latency is measured in full."""
    return item.get_closest_marker("lms_thorough") is not None


def is_before_load(test: pytest.Item | pytest.Function) -> bool:
    """Return whether the test runs before its model is loaded: it is about the model, whatever its reasoning level."""
    return test.get_closest_marker("lms_before_load") is not None


def place_of(item: pytest.Item, order: "Sequence[Model]") -> tuple[int, bool]:
    """Return the place in the run: what needs no model first, then model by model, load timings before the lease.

    Args:
        item: the test.
        order: of the candidates; what is about a model of several levels comes with the first.
    """
    model = model_of(item)
    if model is None:
        return -1, not is_before_load(item)
    names = [candidate.key if model.reasoning_level is None else candidate.name for candidate in order]
    return names.index(model.name), not is_before_load(item)
