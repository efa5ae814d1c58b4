"""Which tests run, on which models, and in which order."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.errors import HarnessError, SettingsError
from harness.pytest_plugin.gating import baseline_of
from harness.pytest_plugin.item import (
    PUT_OFF,
    case_of,
    is_about,
    is_before_load,
    is_free_form,
    is_measurement,
    is_thorough,
    marker_fault,
    model_id,
    model_key_of,
    model_of,
    needs_server,
    place_of,
    task_name_of,
    task_of,
)
from harness.pytest_plugin.state import (
    FAILURE,
    PREFIX,
    handover_to,
    has_own_tests,
    or_exit,
    own_tasks,
    printed,
    selected_models,
    session_of,
    stop,
)
from harness.pytest_plugin.terminal import say
from harness.settings import setting

if TYPE_CHECKING:
    from harness.domain.model import Model
    from harness.run.session import Session

_OWN_TASK = "lms_own_task"
_NOT_PARALLEL = (
    "tests of local models do not run in workers of pytest-xdist: each worker would load its own copy of every model, "
    "and the figures would be wrong.\n"
    "Run them with -n0; setting `concurrency` says how many requests are in flight at a time."
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `lms_model` on every selected model of its kind, or with `lms_once` on the cheapest.

    One that asks for `lms_own_task` is run for each of the user's own tasks. Workers of pytest-xdist are refused.
    """
    if hasattr(metafunc.config, "workerinput") and any(name.startswith(PREFIX) for name in metafunc.fixturenames):
        raise pytest.Collector.CollectError(printed(metafunc.config, _NOT_PARALLEL))
    if "lms_model" in metafunc.fixturenames:
        is_once = metafunc.definition.get_closest_marker("lms_once") is not None
        models = _asked(metafunc.definition, selected_models(metafunc.config))[: 1 if is_once else None]
        if is_before_load(metafunc.definition):
            models = list({model.key: replace(model, reasoning_level=None) for model in models}.values())
        metafunc.parametrize("lms_model", models, ids=list(map(model_id, models)), indirect=True, scope="session")
    if _OWN_TASK in metafunc.fixturenames:
        tasks = [
            pytest.param(task, marks=pytest.mark.lms_task(task), id=task.name) for task in own_tasks(metafunc.config)
        ]
        metafunc.parametrize(_OWN_TASK, tasks, indirect=True)


def _asked(test: pytest.Item, models: "Sequence[Model]") -> "Sequence[Model]":
    """Return the models of the kind that a test is about: chat, or embedding; all without one, to be left out later."""
    return [model for model in models if is_about(test, model)] or models


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tasks that were asked for, and put everything of one model together, cheapest model first."""
    try:
        _arrange(config, items)
    except pytest.exit.Exception:
        # pytest reports the collection in any case: with --collect-only it would print a plan that does not hold.
        items.clear()
        raise


def _arrange(config: pytest.Config, items: list[pytest.Item]) -> None:
    # pytest makes a skipped test of a parameter without values: without own tasks there is nothing to say.
    items[:] = [item for item in items if _OWN_TASK not in getattr(item, "fixturenames", ()) or task_of(item)]
    if not any(needs_server(item) for item in items) and FAILURE not in config.stash:
        return
    if (failure := config.stash.get(FAILURE, None)) is not None:
        stop(config, str(failure), failure.exit_code)
    session = or_exit(config, lambda: session_of(config))
    or_exit(config, lambda: baseline_of(config))  # Before the run: a typo must not show after an hour.
    if fault := next(filter(None, map(marker_fault, items)), ""):
        stop(config, fault, SettingsError.exit_code)
    known = {name for item in items if (name := task_name_of(item))}
    _check_tasks(config, "tasks", session.settings.tasks, known)
    _check_tasks(config, "floors", session.settings.floors, known)
    _check_own_tasks(config)
    _check_able(config, items)
    _leave_out_other_kind(config, items)
    wanted = session.settings.tasks or _own_by_default(config)
    dropped = [item for item in items if wanted and (name := task_name_of(item)) and name not in wanted]
    dropped += [] if session.settings.thorough else filter(is_thorough, items)
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if item not in dropped]
    _check_review(config, items)
    items.sort(key=lambda item: place_of(item, session.selection.models))
    _prepare(config, session, [item for item in items if needs_server(item)])


def _check_able(config: pytest.Config, items: list[pytest.Item]) -> None:
    """End the session where no selected model can be asked a task that was named, such as one with images."""
    from harness.run.plan.plan import fits

    for name in session_of(config).settings.tasks:
        asked = [(task, model) for item in items if (task := task_of(item)) and (model := model_of(item))]
        reasons = [fits(task, model) for task, model in asked if task.name == name]
        if reasons and all(reasons):
            _stop_for_want_of_a_model(config, f"{name} {reasons[0]}")


def _leave_out_other_kind(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests of embedding models where none is selected, and those of chat models likewise.

    End the session where nothing is left.
    """
    unasked = [item for item in items if (model := model_of(item)) and not is_about(item, model)]
    if not unasked:
        return
    rest = [item for item in items if item not in unasked]
    if not any(map(model_of, rest)):
        model = model_of(unasked[0])
        kind = "a chat" if model and model.is_embedding else "an embedding"
        _stop_for_want_of_a_model(config, f"what was collected needs {kind} model")
    config.hook.pytest_deselected(items=unasked)
    items[:] = rest


def _stop_for_want_of_a_model(config: pytest.Config, wanted: str) -> None:
    stop(
        config,
        f"{wanted}, and no selected model is one\n"
        f"Select one as well: {setting('models', 'KEY')}. `lms-harness models` lists them.",
        SettingsError.exit_code,
    )


def _prepare(config: pytest.Config, session: "Session", items: list[pytest.Item]) -> None:
    """Settle what an earlier run answered and what fits into the budget; skip tests that are complete already."""
    from harness.run.free_form import FreeForm
    from harness.run.plan.estimate import Work

    tasks = {task.name: task for item in items if (task := task_of(item))}.values()
    tests: dict[str | None, list[str]] = {}
    for item in items:
        tests.setdefault(_owner(item, session), []).append(item.nodeid)
    # Tests with `lms_once` run on the first model only: the last one has just what every model has. Embedding models,
    # which have fewer tests, are estimated with those of chat models.
    usual = [item for item in items if (model := model_of(item)) and not model.is_embedding] or items
    last = [item for item in usual if model_key_of(item) == model_key_of(usual[-1])]
    work = Work(
        tests=sum(not (task_of(item) or is_measurement(item)) for item in last),
        is_measured=any(map(is_measurement, last)),
    )
    try:
        free_form = FreeForm(case_of(item) for item in items if is_free_form(item))
        session.prepare(list(tasks), tests=tests, work=work, free_form=free_form)
    except HarnessError as exc:
        # pytest finishes the collection in spite of the exit; the hook for that must not ask for a plan then.
        config.stash[FAILURE] = exc
        stop(config, str(exc), exc.exit_code)
    if (before := session.resumption) is None:
        return
    complete = pytest.mark.skip(reason=f"already complete in {before.parent.run.run_id}")
    for item in items:
        key = _owner(item, session)
        is_done = before.is_server_done if key is None else key in before.complete
        if is_done or item.nodeid in before.kept_tests:
            item.add_marker(complete)
            item.stash[PUT_OFF] = True


def _owner(item: pytest.Item, session: "Session") -> str | None:
    """Return the candidate among whose tests a test counts: one about a model of several levels is with the first."""
    model = model_of(item)
    if model is None or model.reasoning_level is not None:
        return model_key_of(item)
    return next(candidate.name for candidate in session.selection.models if candidate.key == model.key)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Print what the run is about to ask, if that takes long; with --collect-only the whole plan, and load nothing."""
    config = session.config
    if FAILURE in config.stash or not any(needs_server(item) for item in session.items):
        return
    from harness.report.layout import paragraph, terminal_width

    if not config.option.collectonly:
        if text := or_exit(config, lambda: session_of(config).announcement()):
            # Named as the user writes them before it is broken into lines: a setting's name may not be broken.
            lines = printed(config, text).splitlines()
            say(config, "\n".join(paragraph(line, terminal_width()) for line in lines))
    else:
        say(
            config,
            "\n" + or_exit(config, lambda: session_of(config).plan(is_shown=True).render(width=terminal_width())),
        )


def _own_by_default(config: pytest.Config) -> Collection[str]:
    """Return the names of the own tasks, which alone are run where no task is named.

    `lms-harness run` has settled that already, by what it collects.
    """
    return [] if handover_to(config) is not None else [task.name for task in own_tasks(config)]


def _check_own_tasks(config: pytest.Config) -> None:
    """End the session where own tasks are named and no test that was collected could run them."""
    settings = session_of(config).settings
    if settings.own_tasks is None or has_own_tests(config):
        return
    origin = settings.source["own_tasks"]
    message = (
        f"{origin}: no test was collected that runs these tasks\nCollect suites/own, too, or run them with "
        f"`lms-harness run --tasks {settings.own_tasks}`."
    )
    if origin.startswith("ini "):
        say(config, printed(config, message))
    else:
        stop(config, message, SettingsError.exit_code)


def _check_review(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """End the session where answers are wanted for a person to grade, and no task has any: not after an hour."""
    from harness.domain.score import REVIEW

    settings = session_of(config).settings
    if settings.review is None or any((task := task_of(item)) and task.scorer.name == REVIEW for item in items):
        return
    message = (
        f"{settings.source['review']}: no task of this run has answers for a person to grade\n"
        'Set scorer = "review" in the definition of an own task.'
    )
    stop(config, message, SettingsError.exit_code)


def _check_tasks(config: pytest.Config, name: str, wanted: Collection[str], known: Collection[str]) -> None:
    """End the session where an option names a task that was not collected: a floor with a typo would never fail.

    A floor in an ini file is only reported: the file is about all tasks, and this run may be about some of them.
    """
    if missing := sorted(set(wanted) - set(known)):
        names = ", ".join(sorted(known)) or "none"
        origin = session_of(config).settings.source[name]
        message = f"{origin}: no such task: {', '.join(missing)}; collected are: {names}"
        if origin.startswith("ini ") and name == "floors":
            say(config, printed(config, message))
        else:
            stop(config, message, SettingsError.exit_code)
